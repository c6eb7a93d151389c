"""Hourly series: every hour between the first and the last, what is missing said and never hidden.

Times are those that the clock showed where the series was measured. So the hour that daylight
saving leaves out in spring is missing, and the one that it repeats in autumn stands there twice.

- Rows out of order are sorted. Hours that stand there more than once are averaged.
- Up to :data:`SHORT` missing hours in a row are interpolated where they are input, and never
  learned from or scored. A longer gap stays a gap: no window goes across it.
- Negative values are kept: what feeds in may be more than what is drawn.

All of it is counted.
"""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from fewshot_metalstm.errors import UserError

Floats = NDArray[np.float64]
Hours = NDArray[np.int64]  # since the beginning of 1970, by the clock

SHORT = 3  # missing hours in a row that are interpolated
LONGEST = 100 * 366 * 24  # hours of a series
DAY, WEEK = 24, 168  # hours

UNSORTED = "rows stood out of the order of time and were sorted"
TWICE = "hours stood there more than once and were averaged"
AUTUMN = "of them on Sundays in October or November, as daylight saving repeats an hour"
FILLED = f"hours were missing, at most {SHORT} in a row: interpolated as input, never scored"
SPRING = "of them single hours on Sundays in March or April, which daylight saving leaves out"
GAPS = f"hours were missing, more than {SHORT} in a row: no window goes across them"
NEGATIVE = "hours have a negative value and were kept"


@dataclass(frozen=True, eq=False)
class Series:
    """Hours in order, without a gap between them.

    ``values`` are NaN in long gaps; ``real`` is whether an hour was measured.
    """

    name: str
    start: int  # the first hour, since the beginning of 1970
    values: Floats  # (n,)
    real: NDArray[np.bool_]  # (n,)

    def __len__(self) -> int:
        return len(self.values)

    @property
    def hours(self) -> Hours:
        """The hour that each value is of, (n,)."""
        return np.arange(self.start, self.start + len(self))

    def digest(self, start: int = 0, stop: int | None = None) -> str:
        """SHA-256 of the hours and values from ``start`` to before ``stop``."""
        found = hashlib.sha256(f"{self.start + start}\n".encode())
        found.update(np.ascontiguousarray(self.values[start:stop], "<f8").tobytes())
        found.update(np.packbits(self.real[start:stop]).tobytes())
        return found.hexdigest()


def hour_text(hour: int) -> str:
    """An hour since the beginning of 1970 as ``2024-01-31 13:00:00``."""
    return str(np.datetime64(int(hour), "h").astype("datetime64[s]")).replace("T", " ")


def regular(
    name: str, hours: Hours, values: Floats, notes: Counter[str], place: str | None = None
) -> Series:
    """A series out of rows in any order; what was changed is counted in ``notes``.

    Args:
        hours: of each row, (n,).
        values: NaN where a row has none, (n,).
        place: what a message calls it.

    Raises:
        UserError: there is no value, or the hours are too few or too far apart to be hourly.
    """
    place = place or name
    notes[UNSORTED] += int((np.diff(hours) < 0).sum())
    there = ~np.isnan(values)
    hours, values = hours[there], values[there]
    if not len(hours):
        raise UserError(f"{place}: has no value; give some")
    known, inverse, times = np.unique(hours, return_inverse=True, return_counts=True)
    mean = np.bincount(inverse, weights=values) / times
    notes[TWICE] += int((times > 1).sum())
    notes[AUTUMN] += int((_in_months(known[times > 1], (10, 11))).sum())
    number = int(known[-1] - known[0]) + 1
    if number > LONGEST or 2 * len(known) < number:
        raise UserError(
            f"{place}: has values at {len(known)} of the {number} hours from "
            f"{hour_text(known[0])} to {hour_text(known[-1])}; give hourly data, at least half "
            "of all hours"
        )
    notes[NEGATIVE] += int((mean < 0).sum())
    whole = np.full(number, np.nan)
    whole[known - known[0]] = mean
    return _filled(name, int(known[0]), whole, notes)


def _filled(name: str, start: int, values: Floats, notes: Counter[str]) -> Series:
    """The series with its short gaps interpolated."""
    real = ~np.isnan(values)
    edges = np.flatnonzero(np.diff(np.concatenate([[True], real, [True]]).astype(np.int8)))
    for first, after in edges.reshape(-1, 2).tolist():
        length = after - first
        if length > SHORT:
            notes[GAPS] += length
            continue
        notes[FILLED] += length
        if length == 1:
            notes[SPRING] += int(_in_months(np.array([start + first]), (3, 4)).sum())
        ends = values[first - 1], values[after]
        values[first:after] = np.interp(np.arange(1, length + 1), [0, length + 1], ends)
    return Series(name, start, values, real)


def _in_months(hours: Hours, months: Sequence[int]) -> NDArray[np.bool_]:
    """Whether hours are on a Sunday of these months."""
    month = hours.astype("datetime64[h]").astype("datetime64[M]").astype(np.int64) % 12 + 1
    found: NDArray[np.bool_] = np.isin(month, months) & (weekday(hours) == 6)
    return found


def weekday(hours: Hours) -> Hours:
    """The day of the week of hours, 0 (Monday) to 6; 1970 began with a Thursday."""
    found: Hours = (hours // DAY + 3) % 7
    return found


def said(notes: Counter[str]) -> dict[str, int]:
    """The counts that are not 0, what is a part of another behind it."""
    order = (UNSORTED, TWICE, AUTUMN, FILLED, SPRING, GAPS, NEGATIVE)
    rest: Iterable[str] = (name for name in notes if name not in order)
    return {name: notes[name] for name in (*order, *rest) if notes[name]}
