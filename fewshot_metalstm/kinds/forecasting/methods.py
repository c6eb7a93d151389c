"""The ways to get forecasts from a support, by name: their settings, and how a cell is done."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any

from fewshot_metalstm import ranges
from fewshot_metalstm.adapt.cell import Cell, CellResult
from fewshot_metalstm.adapt.methods import Methods
from fewshot_metalstm.adapt.work import Loaded, Method, checked
from fewshot_metalstm.kinds.forecasting.forecasts import score_support
from fewshot_metalstm.kinds.forecasting.peers import (
    Median,
    day_ago,
    ridge,
    week_ago,
    with_interval,
)
from fewshot_metalstm.kinds.forecasting.tasks import TEST, ForecastTask
from fewshot_metalstm.kinds.forecasting.windows import Window, support_places, windows
from fewshot_metalstm.kinds.forecasting.work import ForecastWork
from fewshot_metalstm.seeds import derive

Made = Callable[[Cell, ForecastTask, Window, Callable[[], Loaded]], Median]


@dataclass(frozen=True)
class NothingToSet:
    """Of a forecast as a day or a week ago, or by smoothing whose form is found."""


def run_adapted(cell: Cell, target: ForecastTask, loaded: Callable[[], Loaded]) -> CellResult:
    """Adapt a learner: the checkpoint's, or a fresh one of its sizes."""
    return ForecastWork(cell, loaded().model, target).run()


def run_peer(
    made: Made, cell: Cell, target: ForecastTask, loaded: Callable[[], Loaded]
) -> CellResult:
    """Make a forecast of the support without any network, and score it."""
    began = time.perf_counter()
    support = target.runs(cell.support)
    given = windows(target, support_places(target, support))
    forecast = with_interval(made(cell, target, given, loaded), given, target)
    seconds = time.perf_counter() - began
    score = None
    if cell.score and TEST in target.sizes:
        score = score_support(forecast, target, support)
    counted = int(target.real[list(cell.support)].sum())
    return CellResult(cell.called, cell.draw, score, len(cell.support), counted, seconds)


def _ridge(cell: Cell, _: ForecastTask, given: Window, loaded: Callable[[], Loaded]) -> Median:
    return ridge(cell.config, given)


def _pooled(cell: Cell, _: ForecastTask, given: Window, loaded: Callable[[], Loaded]) -> Median:
    return ridge(cell.config, given, loaded().model.moments)


def _boosted(cell: Cell, _: ForecastTask, given: Window, loaded: Callable[[], Loaded]) -> Median:
    from fewshot_metalstm.kinds.forecasting.boosting import boosting

    return boosting(cell.config, given, derive(cell.seed, "lightgbm", cell.draw) % 2**31)


def _smoothed(
    cell: Cell, target: ForecastTask, given: Window, loaded: Callable[[], Loaded]
) -> Median:
    """With the rates of the longest run of hours in the support."""
    from fewshot_metalstm.kinds.forecasting.smoothing import smoothing

    start, stop = max(target.runs(cell.support), key=lambda span: span[1] - span[0])
    return smoothing(target.values[start:stop])


def _ridge_config(settings: Any) -> Any:
    return checked(settings.ridge, lambda config: ranges.check(config, "ridge"))


def _boosting_config(settings: Any) -> Any:
    return checked(settings.lightgbm, lambda config: ranges.check(config, "lightgbm"))


def _method(made: Made, config: Callable[[Any], Any], description: str, **more: Any) -> Method:
    return Method(
        lambda s, _: "all", config, partial(run_peer, made), description=description, **more
    )


METHODS = Methods(
    kind="forecasting",
    run=run_adapted,
    fresh="the same forecaster, fresh",
    own={
        "naive24": _method(
            lambda *_: day_ago, lambda _: NothingToSet(), "as a day ago", checkpoint=False
        ),
        "naive168": _method(
            lambda *_: week_ago, lambda _: NothingToSet(), "as a week ago", checkpoint=False
        ),
        "ridge": _method(
            _ridge, _ridge_config, "ridge regression over the support", checkpoint=False
        ),
        "ridge-pooled": _method(
            _pooled, _ridge_config, "ridge regression over the suite and the support"
        ),
        "lightgbm": _method(
            _boosted, _boosting_config, "LightGBM over the support", checkpoint=False
        ),
        "autoets": _method(
            _smoothed,
            lambda _: NothingToSet(),
            "exponential smoothing by statsforecast",
            checkpoint=False,
        ),
    },
    prototypes=False,
)
