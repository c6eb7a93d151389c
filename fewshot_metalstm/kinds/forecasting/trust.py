"""How much of a forecaster's correction a support speaks for, and how wide its interval has to be.

The LSTM has learned on the suite how to correct the linear path. On a series that is unlike the
suite's that can do harm, and a few days are enough to see it: of what it corrects the share is
taken that makes the least absolute error on the support, and the interval is widened or narrowed to
the least pinball loss of its two quantiles there. Both are held to what was learned, as by so many
days that speak for it, since a few days say little. The linear path that they are judged beside is
moved by other parts of the support than the one it is judged on.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray

from fewshot_metalstm.adapt.policy import Choice
from fewshot_metalstm.kinds.forecasting.learner import QUANTILES, Forecaster
from fewshot_metalstm.kinds.forecasting.ridge import with_one
from fewshot_metalstm.kinds.forecasting.series import DAY, Floats
from fewshot_metalstm.kinds.forecasting.settings import ForecastAdaptConfig
from fewshot_metalstm.kinds.forecasting.windows import Batch, Window

MOST = 4000  # windows that are looked at, evenly spaced where there are more
PARTS = 3  # of a support, each judged with the linear path of the others
SHARES = np.linspace(0, 1, 21)
WIDTHS = np.geomspace(0.4, 5, 41)

Move = Callable[[NDArray[np.int64]], Floats]
"""By how much some windows of a support, by index, move the linear path, (169, 24)."""


@dataclass(frozen=True)
class Trust:
    """``share`` of the correction is taken, and the interval is ``width`` times as wide."""

    share: float = 1.0
    width: float = 1.0

    def choice(self, days: float) -> Choice:
        """As reports and MLflow have it."""
        why = (
            f"{self.share:.0%} of what the LSTM corrects and an interval {self.width:.2g} times as "
            f"wide, by its errors on {days:.0f} days of the support"
        )
        return Choice("trust", why, {"share": self.share, "width": self.width, "days": days})

    @torch.no_grad()
    def apply(self, learner: Forecaster) -> None:
        """Make both a part of the learner's weights."""
        middle = slice(DAY, 2 * DAY)
        learner.head_weight[middle] *= self.share
        learner.head_bias[middle] *= self.share
        learner.head_width.add_(float(np.log(self.width)))


@torch.no_grad()
def trusted(
    learner: Forecaster, config: ForecastAdaptConfig, batch: Batch, given: Window, move: Move,
    days: float,
) -> Trust:  # fmt: skip
    """What the windows of a support say.

    Args:
        learner: with the suite's linear path.
        config: ``trust`` and ``widen``; a 0 leaves it as it is.
        batch: windows of the support, at most :data:`MOST`; ``given`` are the same as numbers.
        move: what parts of these add to the linear path.
        days: what the support's windows begin within.
    """
    low, middle, high = learner.corrections(batch).double().cpu().numpy().transpose(1, 0, 2)
    suite = learner.linear(batch).double().cpu().numpy()
    over = given.future - suite - _by_others(given, move)
    share, width = 1.0, 1.0
    if config.trust:
        each = [_mean(np.abs(over - share * middle), given) for share in SHARES]
        share = _least(SHARES, each, 1 - SHARES, config.trust, days)
    if config.widen:
        beyond = over - share * middle
        each = [
            _mean(_pinball(beyond + w * low, 0) + _pinball(beyond - w * high, 2), given)
            for w in WIDTHS
        ]
        width = _least(WIDTHS, each, np.log(WIDTHS), config.widen, days)
    return Trust(share, width)


def _by_others(given: Window, move: Move) -> Floats:
    """What the linear path forecasts more where the rest of the support has moved it, (n, 24)."""
    found = np.zeros_like(given.future)
    number = np.arange(len(given))
    for part in np.array_split(number, PARTS):
        if not len(part):
            continue
        # A window within a day of another has hours of its output in common with it.
        rest = number[(number < part[0] - DAY) | (number > part[-1] + DAY)]
        if len(rest):
            found[part] = with_one(given.lags[part]) @ move(rest)
    return found


def _pinball(over: Floats, quantile: int) -> Floats:
    level = QUANTILES[quantile]
    return np.maximum(level * over, (level - 1) * over)


def _mean(loss: Floats, given: Window) -> float:
    return float(loss[given.real].mean())


def _least(values: Floats, losses: list[float], off: Floats, held: float, days: float) -> float:
    """The value of the least loss, in relation to the loss of what was learned.

    Args:
        off: how far each value is from what was learned, where it is 0.
        held: days that speak for that.
    """
    learned = losses[int(np.argmin(np.abs(off)))]
    if learned <= 0:
        return float(values[np.argmin(np.abs(off))])
    costs = days * np.asarray(losses) / learned + held * off**2
    return float(values[np.argmin(costs)])
