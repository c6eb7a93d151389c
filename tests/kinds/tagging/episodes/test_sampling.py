"""The greedy rule of the protocol, against a plain reference and as properties."""

from __future__ import annotations

from collections import Counter

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fewshot_metalstm.kinds.tagging.episodes.sampling import (
    TaskIndex,
    count_mentions,
    draw_query,
    draw_support,
    sentence_key,
)
from tests.kinds.tagging.episodes.builders import sentence

TYPES = ("A", "B", "C")
MENTIONS = st.lists(
    st.dictionaries(st.sampled_from(TYPES), st.integers(1, 6), max_size=3), max_size=60
)


def rng(seed: int = 0) -> np.random.Generator:
    return np.random.default_rng(seed)


def reference(
    mentions: list[dict[str, int]], shots: int, order: list[int]
) -> tuple[list[int], Counter[str]]:
    """The rule as protocol.md words it, in plain loops; ``order`` is the visiting order."""
    have: Counter[str] = Counter()
    taken: list[int] = []

    def surplus(at: int) -> int:
        return sum(max(0, have[t] + mentions[at].get(t, 0) - 2 * shots) for t in TYPES)

    for at in order:
        held = mentions[at]
        below = any(have[t] < shots for t in held)
        if below and all(have[t] + n <= 2 * shots for t, n in held.items()):
            taken.append(at)
            have.update(held)
    for name in TYPES:
        left = [at for at in order if at not in taken and mentions[at].get(name)]
        while have[name] < shots and left:
            best = min(left, key=surplus)
            left.remove(best)
            taken.append(best)
            have.update(mentions[best])
    return taken, have


@given(MENTIONS, st.integers(1, 8), st.integers(0, 5))
@settings(max_examples=200, deadline=None)
def test_sampling_support_equals_plain_reference(
    mentions: list[dict[str, int]], shots: int, seed: int
) -> None:
    support = draw_support(mentions, shots, rng(seed), types=TYPES, negatives=0)
    bearing = np.array([at for at, held in enumerate(mentions) if held], dtype=np.int64)
    taken, have = reference(mentions, shots, rng(seed).permutation(bearing).tolist())
    assert support.indices == tuple(sorted(taken))
    assert support.counts == {name: have[name] for name in TYPES}


@given(MENTIONS, st.integers(1, 8), st.floats(0, 3), st.integers(0, 5))
@settings(max_examples=200, deadline=None)
def test_sampling_support_gives_each_type_its_shots_where_the_corpus_can(
    mentions: list[dict[str, int]], shots: int, negatives: float, seed: int
) -> None:
    support = draw_support(mentions, shots, rng(seed), types=TYPES, negatives=negatives)
    total: Counter[str] = Counter()
    for held in mentions:
        total.update(held)
    given_ = Counter(
        {name: sum(mentions[i].get(name, 0) for i in support.indices) for name in TYPES}
    )
    assert dict(given_) == dict(support.counts)
    assert len(set(support.indices)) == len(support.indices)
    for name in TYPES:
        assert support.counts[name] >= min(shots, total[name])
        assert (name in support.missing) == (total[name] < shots)
    free = sum(not held for held in mentions)
    assert support.bearing == sum(bool(mentions[i]) for i in support.indices)
    assert support.negatives == min(free, int(negatives * support.bearing + 0.5))
    assert bool(support.shortfall) == bool(support.missing) or support.negatives < (
        support.negatives_wanted
    )


@given(st.lists(st.integers(0, 4), min_size=1, max_size=80), st.integers(4, 9), st.integers(0, 5))
@settings(max_examples=100, deadline=None)
def test_sampling_support_of_one_type_lies_between_k_and_2k(
    counts: list[int], shots: int, seed: int
) -> None:
    mentions = [{"A": n} if n else {} for n in counts]
    support = draw_support(mentions, shots, rng(seed), types=("A",))
    if sum(counts) >= shots:
        assert shots <= support.counts["A"] <= 2 * shots
    else:
        assert support.counts["A"] == sum(counts)
        assert f"{sum(counts)} of {shots} A" in support.shortfall


def test_sampling_second_visit_takes_fewest_surplus_mentions_first() -> None:
    mentions = [{"A": 1, "B": 9}, {"A": 1, "B": 5}, {"A": 1, "B": 7}]
    for seed in range(10):
        support = draw_support(mentions, 2, rng(seed), types=("A", "B"))
        assert support.indices == (1, 2)


def test_sampling_support_is_a_function_of_its_generator() -> None:
    mentions = [{"A": 1} if i % 2 else {} for i in range(100)]
    first = draw_support(mentions, 5, rng(1), types=("A",))
    assert first == draw_support(mentions, 5, rng(1), types=("A",))
    assert first.indices != draw_support(mentions, 5, rng(2), types=("A",)).indices


@given(
    MENTIONS,
    st.integers(1, 5),
    st.integers(1, 20),
    st.integers(0, 5),
    st.sampled_from(["support", "natural"]),
)
@settings(max_examples=200, deadline=None)
def test_sampling_query_is_disjoint_and_as_large_as_it_can_be(
    mentions: list[dict[str, int]], shots: int, size: int, seed: int, proportion: str
) -> None:
    support = draw_support(mentions, shots, rng(seed), types=TYPES)
    query = draw_query(
        mentions,
        support,
        size,
        rng(seed),
        types=TYPES,
        proportion="natural" if proportion == "natural" else "support",
    )
    assert not set(query) & set(support.indices)
    assert len(set(query)) == len(query) == min(size, len(mentions) - len(support.indices))


@pytest.mark.parametrize(("negatives", "held"), [(0.0, 20), (1.0, 10), (3.0, 5)])
def test_sampling_query_keeps_the_proportion_of_the_support(negatives: float, held: int) -> None:
    mentions = [{"A": 1} if i < 100 else {} for i in range(1000)]
    support = draw_support(mentions, 5, rng(), types=("A",), negatives=negatives)
    query = draw_query(mentions, support, 20, rng(), types=("A",))
    assert sum(bool(mentions[i]) for i in query) == held


def test_sampling_query_never_repeats_the_text_of_the_support() -> None:
    sentences = [sentence(text) for text in ["a b/S-A", "A B/S-A", "c d/S-A", "e f", "E f", "g h"]]
    index = TaskIndex.from_sentences(sentences, ("A",))
    for seed in range(20):
        support = index.support(1, rng(seed))
        query = index.query(support, 6, rng(seed))
        seen = {sentence_key(sentences[i]) for i in support.indices}
        assert not seen & {sentence_key(sentences[i]) for i in query}


def test_sampling_counts_mentions_by_their_first_tag() -> None:
    text = "a/B-A b/I-A c/E-A d/S-A e/S-B f/O g/S-Z"
    assert count_mentions([sentence(text)], ("A", "B")).tolist() == [[2, 1]]


def test_sampling_index_leaves_out_and_counts_excluded_and_long_sentences() -> None:
    sentences = [sentence("The mouse/S-A"), sentence("a b c d e/S-A"), sentence("x y")]
    index = TaskIndex.from_sentences(
        sentences, ("A",), exclude=frozenset({"the\tmouse"}), max_tokens=4
    )
    assert (index.excluded, index.too_long, index.size) == (1, 1, 1)
    assert index.support(1, rng()).counts == {"A": 0}


def test_sampling_select_counts_only_the_chosen_types() -> None:
    sentences = [sentence("a/S-A b/S-B"), sentence("c/S-A"), sentence("d")]
    index = TaskIndex.from_sentences(sentences, ("A", "B"), max_tokens=2)
    chosen = index.select(("B",))
    assert chosen.bearing.tolist() == [0]
    assert chosen.free.tolist() == [1, 2]


@pytest.mark.parametrize(("shots", "negatives"), [(0, 1.0), (1, -1.0)])
def test_sampling_refuses_impossible_settings(shots: int, negatives: float) -> None:
    with pytest.raises(ValueError, match="must"):
        draw_support([{"A": 1}], shots, rng(), types=("A",), negatives=negatives)
