"""Errors and intervals by the hour ahead, worked out by hand."""

from __future__ import annotations

import numpy as np

from fewshot_metalstm.kinds.forecasting.forecasts import Compared
from fewshot_metalstm.kinds.forecasting.look import Ahead


def test_hours_that_were_not_measured_do_not_count() -> None:
    actual = np.zeros((2, 24))
    actual[0, :3], actual[1, :3] = (10, 20, 30), (14, 20, 30)
    forecast = np.zeros((2, 3, 24))
    forecast[:, 0], forecast[:, 1], forecast[:, 2] = 9, 12, 15
    real = np.zeros((2, 24), bool)
    real[:, 0] = real[0, 1] = True
    found = Ahead.of(Compared(actual, forecast, real, np.array([2.0, 4.0]), ("a", "b")))
    # Hour 1: errors 2 of a unit of 2, and 2 of 4, both within; hour 2: 8 of 2, and without.
    assert found.error[:2].tolist() == [0.75, 4.0]
    assert found.held[:2].tolist() == [100.0, 0.0]
    assert np.isnan(found.error[2:]).all()
