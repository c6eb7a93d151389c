"""Batches by length."""

from __future__ import annotations

from collections import Counter

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from fewshot_metalstm.train.batches import epoch_batches, number_of_batches

LENGTHS = st.dictionaries(
    st.sampled_from(["a", "b", "c"]), st.lists(st.integers(1, 60), min_size=1, max_size=70),
    min_size=1,
)  # fmt: skip


@settings(deadline=None)
@given(LENGTHS, st.integers(1, 40), st.integers(0, 2**40), st.integers(1, 9))
def test_every_item_is_in_one_batch_of_its_own_task(
    lengths: dict[str, list[int]], size: int, seed: int, epoch: int
) -> None:
    batches = epoch_batches(lengths, size, seed, epoch)
    met = Counter((task, i) for task, items in batches for i in items)
    assert met == Counter((task, i) for task, own in lengths.items() for i in range(len(own)))
    assert all(1 <= len(items) <= size for _, items in batches)
    assert len(batches) == number_of_batches(lengths, size)
    assert batches == epoch_batches(lengths, size, seed, epoch)


def test_items_of_like_length_share_a_batch_and_epochs_differ() -> None:
    rng = np.random.default_rng(0)
    lengths = {"a": rng.integers(1, 100, 1000).tolist()}

    def padding(batches: list[tuple[str, list[int]]]) -> int:
        own = [[lengths["a"][i] for i in items] for _, items in batches]
        return sum(max(each) * len(each) - sum(each) for each in own)

    first, second = (epoch_batches(lengths, 10, 3, epoch) for epoch in (1, 2))
    as_they_come = [("a", list(range(i, i + 10))) for i in range(0, 1000, 10)]
    assert padding(first) < 0.1 * padding(as_they_come)
    assert first != second
    assert {frozenset(items) for _, items in first} != {frozenset(items) for _, items in second}
    longest = [max(lengths["a"][i] for i in items) for _, items in first]
    assert longest != sorted(longest)  # batches do not go from short to long
    assert epoch_batches(lengths, 10, 4, 1) != first
