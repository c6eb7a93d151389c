"""How good forecasts are: MASE, with the errors in the series' own unit and how intervals hold.

MASE is the mean absolute error of the forecasts, divided by that of the forecast "as a week ago"
within the support: below 1 it is better than that. Source: Hyndman, Koehler, "Another look at
measures of forecast accuracy", International Journal of Forecasting 22(4), 2006, with a season of
168 hours. sMAPE is that of the M4 competition: 200 |y - f| / (|y| + |f|), in percent.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from fewshot_metalstm.errors import UserError
from fewshot_metalstm.figure import Figure
from fewshot_metalstm.kinds.forecasting.series import WEEK, Floats

FURTHER = ("mae", "smape", "coverage")
FIGURE = Figure(
    "mase", "MASE", "mean absolute scaled error",
    "times the error of the forecast as a week ago, where it learned", better="lower",
    further=FURTHER, counted="hours", group="series", digits=3,
)  # fmt: skip


@dataclass(frozen=True)
class Score:
    """Forecasts of some hours: ``further`` are MAE, sMAPE (percent) and coverage (percent)."""

    value: float
    size: int
    further: Mapping[str, float] = field(default_factory=dict)
    groups: Mapping[str, Score] = field(default_factory=dict)


def seasonal_error(values: Floats, real: NDArray[np.bool_]) -> float:
    """Mean absolute difference to the hour a week before; NaN where no pair was measured."""
    pairs = real[WEEK:] & real[:-WEEK]
    if not pairs.any():
        return float("nan")
    return float(np.abs(values[WEEK:] - values[:-WEEK])[pairs].mean())


def check_unit(unit: float, place: str) -> float:
    """``unit``, if MASE can be taken in it: a :class:`UserError` otherwise."""
    if not unit > 0:
        why = "is the same every week" if unit == 0 else "has no hour that was measured a week on"
        raise UserError(f"{place}: {why}, so that MASE means nothing; take other days, or more")
    return unit


def score(
    actual: Floats, forecast: Floats, real: NDArray[np.bool_], units: Floats,
    names: Sequence[str] = (),
) -> Score:  # fmt: skip
    """The score of forecasts.

    Args:
        actual: (windows, hours).
        forecast: of the quantiles 0.1, 0.5 and 0.9, (windows, 3, hours).
        real: what was measured, (windows, hours); the rest does not count.
        units: what MASE divides by, of each window, (windows,).
        names: of each window's series; where there are several, each is a group.
    """
    low, middle, high = (forecast[:, i][real] for i in range(3))
    wanted = actual[real]
    error = np.abs(wanted - middle)
    scaled = error / np.repeat(units, real.sum(1))
    size = np.abs(wanted) + np.abs(middle)
    relative = np.divide(200 * error, size, out=np.zeros_like(error), where=size > 0)
    inside = (low <= wanted) & (wanted <= high)
    further = (error.mean(), relative.mean(), 100 * inside.mean())
    groups = {}
    if len(set(names)) > 1:
        for name in dict.fromkeys(names):
            own = np.array([each == name for each in names])
            groups[name] = score(actual[own], forecast[own], real[own], units[own])
    return Score(
        float(scaled.mean()), len(wanted),
        dict(zip(FURTHER, map(float, further), strict=True)), groups,
    )  # fmt: skip
