"""Forecasts of a task's windows in the series' own unit, and the score of them."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from fewshot_metalstm.errors import UserError
from fewshot_metalstm.kinds.forecasting.learner import QUANTILES, Forecaster
from fewshot_metalstm.kinds.forecasting.model import ForecastModel
from fewshot_metalstm.kinds.forecasting.score import Score, check_unit
from fewshot_metalstm.kinds.forecasting.score import score as score_of
from fewshot_metalstm.kinds.forecasting.series import DAY, Floats
from fewshot_metalstm.kinds.forecasting.tasks import TEST, TRAIN, ForecastTask, Span
from fewshot_metalstm.kinds.forecasting.windows import (
    CPU,
    Places,
    Window,
    encode,
    places,
    windows,
)
from fewshot_metalstm.meta.learner import Params

PIECE = 512  # windows at a time

Forecast = Callable[[Places], Floats]
"""The quantiles of the days that begin at some places, (n, 3, 24), in the series' own unit."""


def of_learner(
    learner: Forecaster, params: Params, task: ForecastTask, device: torch.device = CPU
) -> Forecast:
    """The forecasts of a learner under ``params``."""

    def forecast(at: Places) -> Floats:
        found = [np.zeros((0, len(QUANTILES), DAY))]
        for first in range(0, len(at), PIECE):
            part = at[first : first + PIECE]
            batch = encode(task, part, learner.config.step, device)
            made = learner.quantiles_with(params, batch).double().cpu().numpy()
            found.append(in_units(made, windows(task, part)))
        return np.concatenate(found)

    return forecast


def of_model(model: ForecastModel, task: ForecastTask) -> Forecast:
    """The forecasts of a model with its own weights."""
    params = {name: value.detach() for name, value in model.learner.named_parameters()}
    return of_learner(model.learner, params, task, next(iter(params.values())).device)


def in_units(made: Floats, given: Window) -> Floats:
    """Numbers in the windows' own scales, (n, ..., 24), in the series' unit.

    All are its value for a week that never varies: that has no scale, and an interval of some
    numbers of kilowatts around it would be no more than invented.
    """
    shape = (-1, *[1] * (made.ndim - 1))
    scale = np.where(given.still, 0.0, given.scale)
    found: Floats = given.centre.reshape(shape) + scale.reshape(shape) * made
    return found


def scored(task: ForecastTask, spans: Sequence[Span]) -> Places:
    """The windows that are scored: a forecast a day, each hour of ``spans`` at most once.

    Raises:
        UserError: there is none.
    """
    found = places(task, spans, DAY, live=False, before=True)
    if not len(found):
        raise UserError(
            f"{task.name}: has no day to score with a whole week before it; give more hours"
        )
    return found


@dataclass(frozen=True, eq=False)
class Compared:
    """Forecasts beside what came, a day a row."""

    actual: Floats  # (n, 24); 0 where nothing was measured
    forecast: Floats  # (n, 3, 24)
    real: NDArray[np.bool_]  # (n, 24): what was measured
    units: Floats  # (n,): what MASE divides by
    names: tuple[str, ...]  # of each day's series

    def score(self) -> Score:
        """How good they are."""
        return score_of(self.actual, self.forecast, self.real, self.units, self.names)


def compare(
    forecast: Forecast, task: ForecastTask, spans: Sequence[Span], units: Mapping[int, float]
) -> Compared:
    """Forecasts of the hours of ``spans`` beside what came; see :func:`compare_at`."""
    return compare_at(forecast, task, scored(task, spans), units)


def compare_at(
    forecast: Forecast, task: ForecastTask, at: Places, units: Mapping[int, float]
) -> Compared:
    """Forecasts of the days that begin at some places beside what came.

    Args:
        units: what MASE divides by, by the number of the series.
    """
    later = at[:, None] + np.arange(DAY)
    numbers = np.array([task.number(int(place)) for place in at])
    real: NDArray[np.bool_] = task.real[later]
    actual = np.where(real, task.values[later], 0.0)
    each = np.array([units[int(number)] for number in numbers])
    names = tuple(task.series[number].name for number in numbers)
    return Compared(actual, forecast(at), real, each, names)


def score(
    forecast: Forecast, task: ForecastTask, spans: Sequence[Span], units: Mapping[int, float]
) -> Score:
    """The score of forecasts on the hours of ``spans``; see :func:`compare`."""
    return compare(forecast, task, spans, units).score()


def score_support(forecast: Forecast, task: ForecastTask, support: Sequence[Span]) -> Score:
    """The score on what has to be forecast behind a support."""
    return score(forecast, task, task.query(support), task.units(support))


def score_model(model: ForecastModel, task: ForecastTask, split: str) -> Score:
    """The score of an adapted forecaster on a split of a task; see :func:`compare_model`."""
    return compare_model(model, task, split).score()


def compare_model(model: ForecastModel, task: ForecastTask, split: str) -> Compared:
    """The forecasts of an adapted forecaster on a split of a task, beside what came.

    The test split of a region is what follows the support that the forecaster was adapted to. Of a
    user's own series every day of the split is forecast that has a week before it; MASE is in the
    unit that the support had, or that the file has where it holds another series.

    Raises:
        UserError: a region that the forecaster was not adapted to, or nothing to score.
    """
    about = model.about
    if task.follows:
        if split != TEST:
            raise UserError(
                f"{task.name}: only the four weeks behind its support are scored; leave out --split"
            )
        if about.get("target") != task.name or about.get("sha256") != task.digests[TRAIN]:
            raise UserError(
                f"the forecaster was adapted to {about.get('target')}, so that {task.name} has no "
                "four weeks behind its support; adapt it to that"
            )
        support = [(int(start), int(stop)) for start, stop in about["support"]]
        return compare(of_model(model, task), task, task.query(support), task.units(support))
    known: Mapping[str, Any] = about.get("units", {})
    units = {}
    for span in task.spans[split]:
        number = task.number(span[0])
        name = task.series[number].name
        unit = known.get(name) or task.unit((int(task.begins[number]), span[1]))
        units[number] = check_unit(float(unit), f"{task.name}: {name}")
    return compare(of_model(model, task), task, task.spans[split], units)
