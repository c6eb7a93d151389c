"""Windows: a week of hours as input and the day behind it as output, as numbers and as tensors.

Each window is centred and scaled by its own week, so that megawatts and kilowatts are alike and a
level that drifts is followed (Kim et al., "Reversible Instance Normalization", ICLR 2022).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from fewshot_metalstm.errors import UserError
from fewshot_metalstm.kinds.forecasting.series import DAY, WEEK, Floats, weekday
from fewshot_metalstm.kinds.forecasting.tasks import ForecastTask, Span

CPU = torch.device("cpu")
CALENDAR = 11  # numbers that say when: hour and day of the year as angles, the day of the week
_STILL = 0.02  # a week that varies so little, in deviations of all that is learned from, is dead
_YEAR = 8766.0  # hours

Places = NDArray[np.int64]


@dataclass(frozen=True)
class Window:
    """Windows as numbers; ``place`` is that of each output's first hour.

    ``lags`` and ``future`` are centred and scaled: ``value = centre + scale * number``.
    """

    lags: Floats  # (n, 168)
    future: Floats  # (n, 24); the number 0 where there is no hour
    real: NDArray[np.bool_]  # (n, 24): whether an hour of the output was measured
    centre: Floats  # (n,)
    scale: Floats  # (n,)

    def __len__(self) -> int:
        return len(self.lags)

    @property
    def still(self) -> NDArray[np.bool_]:
        """Whether the week never varies, (n,), so that there is no scale."""
        found: NDArray[np.bool_] = np.abs(self.lags).max(1) == 0
        return found


@dataclass(frozen=True)
class Batch:
    """Windows as a learner takes them."""

    lags: Tensor  # (B, 168)
    when: Tensor  # (B, 168 / step, CALENDAR): of the first hour of each step
    future: Tensor  # (B, 24)
    weight: Tensor  # (B, 24): 1 where an hour was measured, else 0
    unit: Tensor  # (B,): what MASE divides by, in the window's own scale

    def __len__(self) -> int:
        return len(self.lags)

    def to(self, device: torch.device) -> Batch:
        """This batch on a device."""
        return Batch(
            self.lags.to(device), self.when.to(device), self.future.to(device),
            self.weight.to(device), self.unit.to(device),
        )  # fmt: skip


def places(
    task: ForecastTask, spans: Sequence[Span], every: int = 1, *, live: bool = True,
    before: bool = False,
) -> Places:  # fmt: skip
    """Where windows begin their output, ascending.

    Args:
        spans: what the windows have to stand in.
        every: hours from one to the next.
        live: leave out weeks that hardly vary, as where a meter stood still.
        before: only the output has to stand in ``spans``; the week may stand before them.
    """
    gaps, measured = task.gaps, task.measured
    found = []
    for start, stop in spans:
        begin = int(task.begins[task.number(start)])
        first = max(start, begin + WEEK) if before else start + WEEK
        if before:  # at the same hours of the day as the first of the span
            first += (start - first) % every
        at = np.arange(first, stop - DAY + 1, every)
        whole = gaps[at] == gaps[at - WEEK]
        at = at[whole & (measured[at + DAY] > measured[at])]
        if live and len(at):
            weeks = task.values[at[:, None] + np.arange(-WEEK, 0)]
            known = task.values[start:stop]
            at = at[weeks.std(1) > _STILL * np.nanstd(known)]
        found.append(at)
    return np.concatenate(found) if found else np.zeros(0, np.int64)


def support_places(task: ForecastTask, spans: Sequence[Span]) -> Places:
    """The windows of a support, at every hour.

    Raises:
        UserError: there is none.
    """
    found = places(task, spans)
    if not len(found) and len(places(task, spans, live=False)):
        raise UserError(
            f"{task.name}: hardly varies in the hours to learn from, so that there is nothing to "
            "learn; take others"
        )
    if not len(found):
        raise UserError(
            f"{task.name}: the support holds no window of a week and the day behind it without a "
            "gap; take more days, or fill the gaps"
        )
    return found


def windows(task: ForecastTask, at: Places) -> Window:
    """The windows whose outputs begin at some places; an output may go beyond a series' end."""
    lags = task.values[at[:, None] + np.arange(-WEEK, 0)]
    later = at[:, None] + np.arange(DAY)
    ends = task.begins[np.searchsorted(task.begins, at - 1, side="right")]
    there = later < ends[:, None]
    later = np.minimum(later, len(task.values) - 1)
    real = task.real[later] & there
    return normalised(lags, np.where(there, task.values[later], np.nan), real)


def normalised(lags: Floats, future: Floats, real: NDArray[np.bool_]) -> Window:
    """Windows centred and scaled by their own weeks; a week that never varies is left at 0."""
    centre = lags.mean(1)
    spread = lags.std(1)
    varies = spread > 1e-9 * np.maximum(1.0, np.abs(centre))
    scale = np.where(varies, spread, 1.0)
    inside = (future - centre[:, None]) / scale[:, None]
    return Window(
        np.where(varies[:, None], (lags - centre[:, None]) / scale[:, None], 0.0),
        np.where(np.isnan(inside), 0.0, inside),
        real, centre, scale,
    )  # fmt: skip


def encode(
    task: ForecastTask, at: Places, step: int, device: torch.device = CPU,
    units: Sequence[float] | Floats | None = None,
) -> Batch:  # fmt: skip
    """Windows as a batch.

    Args:
        step: hours that are read at a time.
        units: what MASE divides by, in the series' own unit, of each window; 1 by default.
    """
    made = windows(task, at)
    start = task.hours[at - 1] + 1 - WEEK  # not hours[at]: that may be behind the end
    when = calendar(start[:, None] + np.arange(0, WEEK, step))
    unit = np.ones(len(at)) if units is None else np.asarray(units) / made.scale
    return Batch(*(
        torch.from_numpy(np.asarray(each, np.float32))
        for each in (made.lags, when, made.future, made.real, unit)
    )).to(device)  # fmt: skip


def calendar(hours: Places) -> Floats:
    """What the clock and the calendar say of hours: (..., CALENDAR)."""
    day, year = 2 * np.pi * (hours % DAY) / DAY, 2 * np.pi * (hours % _YEAR) / _YEAR
    angles = np.stack([np.sin(day), np.cos(day), np.sin(year), np.cos(year)], -1)
    found: Floats = np.concatenate([angles, np.eye(7)[weekday(hours)]], -1)
    return found
