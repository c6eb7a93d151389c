"""Exponential smoothing by statsforecast as a peer of a forecaster."""

from __future__ import annotations

import numpy as np
import pytest

from fewshot_metalstm.kinds.forecasting.methods import METHODS
from fewshot_metalstm.kinds.forecasting.smoothing import smoothing
from fewshot_metalstm.kinds.forecasting.windows import support_places, windows
from tests.kinds.forecasting.builders import region
from tests.kinds.forecasting.test_boosting import NAIVE, cell, no_checkpoint

pytest.importorskip("statsforecast", reason="pip install 'fewshot-metalstm[forecasting]'")


def test_it_is_better_than_a_day_ago_where_noise_is_all() -> None:
    target = region()
    found = METHODS.own["autoets"].run(cell("autoets"), target, no_checkpoint)
    naive = METHODS.own[NAIVE].run(cell(NAIVE), target, no_checkpoint)
    assert found.score is not None
    assert naive.score is not None
    assert found.score.value < naive.score.value


def test_every_window_gets_a_day_and_no_windowno_checkpoint() -> None:
    target = region()
    given = windows(target, support_places(target, ((0, 10 * 24),)))
    median = smoothing(target.values[: 10 * 24])
    one = median(given)
    assert one.shape == (len(given), 24)
    assert np.isfinite(one).all()
    assert median(windows(target, np.zeros(0, np.int64))).shape == (0, 24)
