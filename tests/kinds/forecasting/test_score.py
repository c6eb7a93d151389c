"""MASE and the figures beside it, held against what one computes by hand."""

from __future__ import annotations

import numpy as np
import pytest

from fewshot_metalstm.errors import UserError
from fewshot_metalstm.kinds.forecasting.score import FIGURE, check_unit, score, seasonal_error


def test_figures_by_hand() -> None:
    actual = np.array([[10.0, 20.0], [30.0, 0.0]])
    real = np.array([[True, True], [True, False]])
    middle = np.array([[12.0, 20.0], [20.0, 99.0]])
    forecast = np.stack([middle - 3, middle, middle + 3], 1)
    found = score(actual, forecast, real, np.array([2.0, 5.0]), ["a", "b"])
    assert found.size == 3
    assert found.value == pytest.approx((2 / 2 + 0 + 10 / 5) / 3)
    assert found.further["mae"] == pytest.approx(4)
    assert found.further["smape"] == pytest.approx((200 * 2 / 22 + 200 * 10 / 50) / 3)
    assert found.further["coverage"] == pytest.approx(200 / 3)
    assert found.groups["a"].value == pytest.approx(0.5)
    assert found.groups["b"].size == 1
    assert not score(actual, forecast, real, np.ones(2), ["a", "a"]).groups
    assert FIGURE.better == "lower"


def test_the_unit_is_the_error_of_a_week_ago_where_both_were_measured() -> None:
    values = np.arange(200.0)
    real = np.ones(200, bool)
    assert seasonal_error(values, real) == 168
    values[170] = 1e6
    real[170] = False
    assert seasonal_error(values, real) == 168
    assert np.isnan(seasonal_error(values[:100], real[:100]))


def test_mase_means_nothing_without_a_unit() -> None:
    for unit in (0.0, float("nan")):
        with pytest.raises(UserError, match="MASE means nothing"):
            check_unit(unit, "x")
    assert check_unit(2.0, "x") == 2.0
