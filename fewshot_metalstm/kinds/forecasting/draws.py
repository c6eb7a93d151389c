"""Supports of forecasting: K days in a row, which every figure is computed on.

A support begins at midnight. That of (target, K, number) is a pure function of a seed, the
target's name, K and the number, and the four weeks behind it are its query; neither has a long gap.
For official targets draws 0-4 are frozen in files (see :mod:`fewshot_metalstm.data.draws`) as the
index of their first hour.

Of a user's own series draw 0 is the last K days of the train split, of each series: what comes
next is what a user wants to know. The draws behind it are anywhere in the train split.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from fewshot_metalstm.data.draws import FROZEN_SEED, SPLIT
from fewshot_metalstm.data.frozen import FrozenDraws, Indices
from fewshot_metalstm.errors import UserError
from fewshot_metalstm.kinds.forecasting.series import DAY, WEEK
from fewshot_metalstm.kinds.forecasting.tasks import KIND, QUERY, TRAIN, ForecastTask
from fewshot_metalstm.seeds import numpy_generator

LEAST = (WEEK + DAY) // DAY  # days that hold a window


def check_shots(shots: int) -> None:
    """Refuse days that hold no window of input and output: a :class:`UserError`."""
    if shots < LEAST:
        raise UserError(
            f"shots is {shots}: a window is a week and the day behind it, and {shots} days hold "
            f"none; use at least {LEAST}"
        )


def support(target: ForecastTask, shots: int, number: int, *, seed: int) -> tuple[int, ...]:
    """The places of the hours of a support, ascending.

    Args:
        shots: days; 0 takes the whole train split.

    Raises:
        UserError: too few days, or a target without so many in a row.
    """
    if shots == 0:
        if target.follows:
            raise UserError(
                f"{target.name}: all of it as support leaves no hour to score; name the days with "
                "--shots"
            )
        starts = [(a, b - a) for a, b in target.spans[TRAIN]]
    else:
        check_shots(shots)
        if target.follows:
            starts = [(load_draw(target, shots, number, seed=seed), shots * DAY)]
        else:
            starts = _own(target, shots, number, seed)
    return tuple(place for start, length in starts for place in range(start, start + length))


def _own(target: ForecastTask, shots: int, number: int, seed: int) -> list[tuple[int, int]]:
    found = []
    for start, stop in target.spans[TRAIN]:
        last, length = stop - shots * DAY, shots * DAY
        if last < start:
            name = target.series[target.number(start)].name
            raise UserError(
                f"{target.name}: {name} has {(stop - start) // DAY} days to learn from, fewer than "
                f"the {shots} of --shots; use fewer, or --shots 0 for all"
            )
        if number:
            rng = numpy_generator(seed, "draw", target.name, shots, number, start)
            last = int(rng.integers(start, last + 1))
        found.append((last, length))
    return found


def draw(target: ForecastTask, shots: int, number: int, *, seed: int = FROZEN_SEED) -> int:
    """Draw the first hour of a support of a region afresh.

    Raises:
        UserError: the region has nowhere so many days in a row.
    """
    found = candidates(target, shots * DAY)
    if not len(found):
        raise UserError(
            f"{target.name} has nowhere {shots} days and {QUERY // DAY} behind them without a gap; "
            "use fewer shots"
        )
    rng = numpy_generator(seed, "draw", target.name, shots, number)
    return int(found[rng.integers(len(found))])


def candidates(target: ForecastTask, length: int) -> NDArray[np.int64]:
    """The midnights behind which ``length`` hours and those of a query stand without a gap."""
    gaps = target.gaps
    starts = np.flatnonzero(target.hours % DAY == 0)
    starts = starts[starts + length + QUERY <= len(target.values)]
    found: NDArray[np.int64] = starts[gaps[starts + length + QUERY] == gaps[starts]]
    return found


def load_draw(
    target: ForecastTask, shots: int, number: int, *, seed: int = FROZEN_SEED,
    folder: Path | None = None,
) -> int:  # fmt: skip
    """The first hour of (target, shots, number): the frozen one where there is one, else drawn.

    Raises :class:`UserError` when the split's digest differs from the file's, or the file is
    damaged.
    """
    found = FROZEN.found(target, shots, number, seed, folder)
    return draw(target, shots, number, seed=seed) if found is None else found[0]


def _facts(target: ForecastTask) -> dict[str, Any]:
    return {"kind": KIND, "split": SPLIT, "sha256": target.digests[TRAIN],
            "hours": len(target.values)}  # fmt: skip


def _start(target: ForecastTask, shots: int, number: int) -> Indices:
    return (draw(target, shots, number),)


FROZEN = FrozenDraws[ForecastTask](
    counted="hours",
    shots=(10, 14, 28, 56),
    facts=_facts,
    draw=_start,
    size=lambda fields, shots: 1,  # the first
    corpus=lambda target: target.data,
)
