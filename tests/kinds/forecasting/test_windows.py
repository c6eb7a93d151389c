"""Windows: what stands in one, where there is none, and that no series runs into another."""

from __future__ import annotations

from collections import Counter

import numpy as np
import pytest
import torch

from fewshot_metalstm.kinds.forecasting.forecasts import of_model
from fewshot_metalstm.kinds.forecasting.model import ForecastModel, new_forecaster
from fewshot_metalstm.kinds.forecasting.predict import still, whole
from fewshot_metalstm.kinds.forecasting.series import WEEK, regular
from fewshot_metalstm.kinds.forecasting.windows import calendar, encode, places, windows
from tests.kinds.forecasting.builders import SMALL, START, load, series


def test_a_window_is_a_week_and_the_day_behind_it() -> None:
    task = whole([series(12)])
    at = places(task, [(0, 288)])
    assert at.tolist() == list(range(168, 265))
    made = windows(task, at[:1])
    assert made.centre + made.scale * made.lags[0] == pytest.approx(task.values[:168])
    assert made.centre + made.scale * made.future[0] == pytest.approx(task.values[168:192])
    assert made.lags[0].mean() == pytest.approx(0)
    assert made.lags[0].std() == pytest.approx(1)


def test_no_window_goes_from_one_series_into_the_next() -> None:
    task = whole([series(9, 0, "a"), series(10, 1, "b")])
    assert task.runs(range(19 * 24)) == ((0, 216), (216, 456))
    at = places(task, task.runs(range(19 * 24)))
    assert set(at.tolist()) == {*range(168, 193), *range(384, 433)}
    last = windows(task, np.array([216, 456]))  # behind the ends: there is no output
    assert not last.real.any()
    assert last.lags.shape == (2, 168)
    assert last.centre[0] == pytest.approx(task.values[48:216].mean())


def test_a_query_may_look_back_into_the_support() -> None:
    task = whole([series(20)])
    assert places(task, [(240, 480)], 24, before=True).tolist() == list(range(240, 457, 24))
    assert places(task, [(240, 480)], 24).tolist() == [408, 432, 456]
    assert places(task, [(100, 480)], 24, before=True)[0] == 172  # at the hour of the first


def test_gaps_and_dead_weeks_hold_no_window() -> None:
    values = load(40, 0)
    values[300:310] = np.nan
    values[500:800] = 7.0
    task = whole([regular("x", np.arange(START, START + len(values)), values, Counter())])
    at = places(task, [(0, len(values))]).tolist()
    assert not set(at) & set(range(301, 478))
    assert not set(at) & set(range(669, 801))
    assert 478 in at
    assert 700 in places(task, [(0, len(values))], live=False).tolist()


def test_an_hour_that_was_not_measured_weighs_nothing() -> None:
    values = load(12, 0)
    values[170] = np.nan
    task = whole([regular("x", np.arange(START, START + len(values)), values, Counter())])
    batch = encode(task, np.array([168]), 24)
    assert batch.weight[0].tolist() == [1, 1, 0, *[1] * 21]


def test_a_week_that_never_varies_is_left_in_place() -> None:
    one = regular("x", np.arange(START, START + 200), np.full(200, 5.0), Counter())
    made = windows(whole([one]), np.array([168]))
    assert made.scale.tolist() == [1.0]
    assert not made.lags.any()


def test_the_calendar_says_hour_and_weekday() -> None:
    found = calendar(np.array([[START, START + 6], [START + 24, START + 167]]))
    assert found.shape == (2, 2, 11)
    assert found[0, :, :2] == pytest.approx(np.array([[0, 1], [1, 0]]))
    assert found[..., 4:].argmax(-1).tolist() == [[0, 0], [1, 6]]


def test_a_batch_is_what_the_windows_are() -> None:
    task = whole([series(12)])
    batch = encode(task, np.array([168, 180]), 12, units=[10.0, 20.0])
    made = windows(task, np.array([168, 180]))
    assert (len(batch), batch.when.shape) == (2, (2, 14, 11))
    assert torch.equal(batch.lags, torch.from_numpy(made.lags.astype(np.float32)))
    assert batch.unit.tolist() == pytest.approx((np.array([10, 20]) / made.scale).tolist())


@pytest.mark.parametrize("level", [0.0, 0.1, 5000.0, 1e12])
def test_a_week_that_never_varies_is_forecast_by_its_value(level: float) -> None:
    values = load(20, 3)
    values[-WEEK:] = level  # whatever it did before
    task = whole([regular("one", np.arange(START, START + len(values)), values, Counter())])
    model = ForecastModel(new_forecaster(SMALL, 0))
    found = of_model(model, task)(np.array([len(values) - 1, len(values)]))
    assert found[1] == pytest.approx(np.full((3, 24), level))
    assert (found[0, 2] > found[0, 0]).all()  # one hour of it is another
    assert still(task.series) == 1
    assert still([series()]) == 0
