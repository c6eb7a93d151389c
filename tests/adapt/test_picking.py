"""Which items are picked to be labelled next."""

from __future__ import annotations

import numpy as np
import pytest

from fewshot_metalstm.adapt.picking import check_diversity, pick
from fewshot_metalstm.errors import UserError


def numbers(*values: float) -> np.ndarray[tuple[int, ...], np.dtype[np.float32]]:
    return np.array(values, np.float32)


def test_without_diversity_the_most_uncertain_come_first() -> None:
    states = np.eye(4, dtype=np.float32)
    chosen = pick(numbers(0.1, 0.9, 0.9, 0.4), states, 3, 0.0)
    assert [i for i, _ in chosen] == [1, 2, 3], "the first of equals"
    assert len(pick(numbers(0.1, 0.2), states[:2], 9, 0.0)) == 2


def test_diversity_passes_over_what_is_like_a_chosen_one() -> None:
    # 0 and 1 are the most uncertain and the same; 2 differs.
    states = np.array([[1, 0], [1, 0], [0, 1], [-1, 0]], np.float32)
    uncertainty = numbers(0.9, 0.8, 0.7, 0.1)
    assert [i for i, _ in pick(uncertainty, states, 2, 0.0)] == [0, 1]
    assert [i for i, _ in pick(uncertainty, states, 2, 0.5)][1] in (2, 3)


def test_only_the_order_of_uncertainty_counts() -> None:
    states = np.random.default_rng(0).normal(size=(30, 5)).astype(np.float32)
    uncertainty = np.linspace(0, 1, 30, dtype=np.float32)
    plain = [i for i, _ in pick(uncertainty, states, 10, 0.5)]
    assert [i for i, _ in pick(uncertainty**3, states * 3 + 7, 10, 0.5)] == plain


def test_a_diversity_is_a_share() -> None:
    check_diversity(1.0)
    with pytest.raises(UserError, match=r"diversity is 1\.5; use 0 to 1"):
        check_diversity(1.5)
