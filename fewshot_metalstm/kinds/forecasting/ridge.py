"""Ridge regression from a week to the next day, in closed form, over a support and a suite.

With the windows' weeks as rows of X (a 1 behind each) and their days as rows of Y, the weights are
those that minimise::

    |X W - Y|^2 + pooled * mean |X' W - Y'|^2 + alpha |W|^2

where X', Y' are windows of other series. Source: Hoerl, Kennard, "Ridge Regression", Technometrics
12(1), 1970. The windows of others come in by their second moments alone, so that a checkpoint holds
them in a few hundred kilobytes.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

from fewshot_metalstm.kinds.forecasting.series import DAY, WEEK, Floats
from fewshot_metalstm.kinds.forecasting.settings import RidgeConfig
from fewshot_metalstm.kinds.forecasting.tasks import TRAIN, ForecastTask
from fewshot_metalstm.kinds.forecasting.windows import Window, places, windows

MOST = 2000  # windows of a task that moments are made of


@dataclass(frozen=True, eq=False)
class Moments:
    """Mean second moments of windows: of the inputs, and of inputs with outputs."""

    inputs: Floats  # (169, 169)
    outputs: Floats  # (169, 24)

    @classmethod
    def of(cls, given: Window) -> Moments:
        """Those of some windows; one with an hour that was not measured is left out."""
        whole = given.real.all(1)
        x, y = with_one(given.lags[whole]), given.future[whole]
        number = max(1, len(x))
        return cls(x.T @ x / number, x.T @ y / number)

    @classmethod
    def of_tasks(cls, tasks: Iterable[ForecastTask], split: str = TRAIN) -> Moments:
        """Those of evenly spaced windows of each task; all tasks count alike."""
        found = []
        for task in tasks:
            at = places(task, task.spans[split])
            chosen = at[np.linspace(0, len(at) - 1, min(MOST, len(at))).astype(np.int64)]
            found.append(cls.of(windows(task, chosen)))
        return cls(
            np.mean([each.inputs for each in found], 0),
            np.mean([each.outputs for each in found], 0),
        )


def with_one(lags: Floats) -> Floats:
    """Inputs with a 1 behind each, (n, 169)."""
    return np.concatenate([lags, np.ones((len(lags), 1))], 1)


def solve(config: RidgeConfig, support: Window | None, others: Moments | None) -> Floats:
    """The weights, (169, 24), of a support, of other series, or of both."""
    left: Floats = np.zeros((WEEK + 1, WEEK + 1))
    right: Floats = np.zeros((WEEK + 1, DAY))
    if support is not None:
        own, number = Moments.of(support), int(support.real.all(1).sum())
        left += number * own.inputs
        right += number * own.outputs
    if others is not None:
        left += config.pooled * others.inputs
        right += config.pooled * others.outputs
    held: Floats = config.alpha * np.eye(WEEK + 1)
    held[-1, -1] = 1e-6  # the intercept is not held to 0
    found: Floats = np.linalg.solve(left + held, right).astype(np.float64)
    return found
