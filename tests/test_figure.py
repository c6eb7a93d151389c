"""Figures of merit: which way is better, means and intervals."""

from __future__ import annotations

import math

import pytest

from fewshot_metalstm.figure import Figure, Spread, interval


def test_better_has_a_direction() -> None:
    accuracy = Figure("accuracy", "accuracy", "accuracy", "%")
    error = Figure("mase", "MASE", "MASE", "times the naive error", "lower")
    assert accuracy.improves(2.0, 1.0)
    assert not accuracy.improves(1.0, 1.0)
    assert error.improves(1.0, 2.0)
    assert not error.improves(math.nan, 2.0)
    assert error.as_dict() == {"figure": "mase", "unit": "times the naive error", "better": "lower"}


def test_a_spread_is_a_mean_with_its_interval() -> None:
    assert Spread.of([7.0]) == Spread(7.0, None)
    assert Spread.of([5.0, 5.0]).text("+", 1) == "+5.0 ± 0.0"
    assert Spread.of([2.12345, 2.12365], 3).text(digits=None) == "2.124 ± 0.001"
    assert Spread(2.12345, None, 3).as_dict() == {"mean": 2.123, "ci95": None}
    bits = Figure("bpc", "bpc", "bits per character", "bits", better="lower", digits=3)
    assert (bits.shown(2.1236), Figure("f1", "F1", "F1", "points").shown(53.014)) == (
        "2.124", "53.01"
    )  # fmt: skip
    assert Spread(1.234, None).as_dict() == {"mean": 1.23, "ci95": None}


def test_interval_is_students() -> None:
    mean, half = interval([1.0, 2.0, 3.0])
    assert mean == 2
    assert half == pytest.approx(4.30265 / math.sqrt(3), rel=1e-5)
    assert interval([5.0, 5.0]) == (5, 0)
    mean, half = interval([7.0])
    assert mean == 7
    assert math.isnan(half)
