"""Column combining: groups that part the columns, within their bounds, and what is pruned."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from fewshot_metalstm.compress.combining import CombiningConfig, Mask, combine, conflicts, largest

MASKS = arrays.arrays(np.bool_, st.tuples(st.integers(1, 12), st.integers(1, 12)))
GAMMAS = (0.0, 0.5, 1.0, 1.75)


def plain(weights: Mask, config: CombiningConfig) -> list[list[int]]:
    """The same, as the paper says it: every allowed pair is looked at, column by column."""
    groups = [[column] for column in range(weights.shape[1])]
    while True:
        best = None
        for i, one in enumerate(groups):
            for j in range(i + 1, len(groups)):
                both = one + groups[j]
                if len(both) > config.columns:
                    continue
                if conflicts(weights, both) > config.conflicts * len(weights):
                    continue
                empty = int((~weights[:, both].any(axis=1)).sum())
                if best is None or empty < best[0]:
                    best = (empty, i, j)
        if best is None:
            return [sorted(group) for group in groups]
        _, i, j = best
        groups[i] += groups[j]
        del groups[j]


@given(MASKS, st.integers(1, 5), st.sampled_from(GAMMAS))
def test_groups_part_the_columns_within_their_bounds(
    weights: Mask, alpha: int, gamma: float
) -> None:
    groups = combine(weights, CombiningConfig(alpha, gamma))
    assert sorted(column for group in groups for column in group) == list(range(weights.shape[1]))
    for group in groups:
        assert 1 <= len(group) <= alpha
        assert conflicts(weights, group) <= gamma * len(weights)


@given(MASKS, st.integers(1, 4), st.sampled_from(GAMMAS))
def test_it_merges_what_the_plain_form_merges(weights: Mask, alpha: int, gamma: float) -> None:
    config = CombiningConfig(alpha, gamma)
    assert [list(group) for group in combine(weights, config)] == plain(weights, config)


def test_without_conflicts_no_weight_is_lost() -> None:
    weights = np.array([[1, 0, 0, 1], [0, 1, 0, 0], [0, 0, 1, 0]], np.bool_)
    groups = combine(weights, CombiningConfig(4, 0))
    assert groups == ((0, 1, 2), (3,))  # the last column clashes with the first
    assert largest(weights.astype(float), groups).sum() == weights.sum()


@pytest.mark.parametrize(("group", "number"), [((0,), 0), ((0, 1), 1), ((0, 1, 2), 3)])
def test_conflicts_are_the_weights_beyond_the_first_of_a_row(
    group: tuple[int, ...], number: int
) -> None:
    weights = np.array([[1, 1, 1], [1, 0, 1], [0, 0, 0]], np.bool_)
    assert conflicts(weights, group) == number


def test_of_a_row_and_group_the_largest_stays() -> None:
    matrix = np.array([[0.1, -0.3, 0.2, 0.5], [0.0, 0.0, -0.4, 0.0]])
    kept = largest(matrix, ((0, 1, 2), (3,)))
    assert kept.tolist() == [[False, True, False, True], [False, False, True, False]]
