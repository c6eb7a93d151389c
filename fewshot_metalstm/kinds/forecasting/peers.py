"""What stands beside a forecaster in every table: seasonal naive forecasts and ridge regression.

Their interval is the median's errors on the support: its quantiles 0.1 and 0.9 for each hour of
the day ahead, in the windows' own scales.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from fewshot_metalstm.kinds.forecasting.forecasts import Forecast, in_units
from fewshot_metalstm.kinds.forecasting.ridge import Moments, solve, with_one
from fewshot_metalstm.kinds.forecasting.series import DAY, Floats
from fewshot_metalstm.kinds.forecasting.settings import RidgeConfig
from fewshot_metalstm.kinds.forecasting.tasks import ForecastTask
from fewshot_metalstm.kinds.forecasting.windows import Places, Window, windows

Median = Callable[[Window], Floats]
"""The medians of windows in their own scales, (n, 24)."""


def day_ago(given: Window) -> Floats:
    """As a day ago."""
    return given.lags[:, -DAY:]


def week_ago(given: Window) -> Floats:
    """As a week ago."""
    return given.lags[:, :DAY]


def ridge(config: RidgeConfig, support: Window, others: Moments | None = None) -> Median:
    """Ridge regression over the support, and over windows of other series where there are some."""
    weights = solve(config, support, others)
    return lambda given: with_one(given.lags) @ weights


def with_interval(median: Median, support: Window, task: ForecastTask) -> Forecast:
    """Forecasts with quantiles by the errors that the median makes on the support."""
    errors = np.where(support.real, support.future - median(support), np.nan)
    low, high = np.nan_to_num(np.nanquantile(errors, (0.1, 0.9), axis=0))

    def forecast(at: Places) -> Floats:
        given = windows(task, at)
        middle = median(given)
        # Where all errors have one sign the interval still holds the median.
        around = [middle + np.minimum(low, 0), middle, middle + np.maximum(high, 0)]
        return in_units(np.stack(around, 1), given)

    return forecast
