"""Tasks of forecasting: the series of a region or a user's own, in splits.

An item is an hour. The hours of all series of a task stand one behind another; a place is an index
into that row. The test split of a region of the catalogue is not fixed: it is the four weeks after
a support.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from fewshot_metalstm.errors import UserError
from fewshot_metalstm.kinds.forecasting.score import check_unit, seasonal_error
from fewshot_metalstm.kinds.forecasting.series import DAY, Floats, Hours, Series
from fewshot_metalstm.kinds.loaded_suite import LoadedSuite

KIND = "forecasting"
TRAIN, DEVEL, TEST = "train", "devel", "test"
QUERY = 28 * DAY  # hours that are scored behind a support

Span = tuple[int, int]  # places from the first to before the second


@dataclass(frozen=True, eq=False)
class ForecastTask:
    """Some series and their splits.

    ``spans`` has the places of each split, a span a series. ``follows`` says that the test split
    is what follows a support.
    """

    name: str
    family: str
    series: tuple[Series, ...]
    spans: Mapping[str, tuple[Span, ...]]
    data: str = ""
    follows: bool = False
    notes: Mapping[str, int] = field(default_factory=dict)  # what reading changed
    synthetic: bool = False
    invented: bool = False

    @property
    def kind(self) -> str:
        """See :class:`fewshot_metalstm.kinds.kind.Task`."""
        return KIND

    @property
    def types(self) -> tuple[str, ...]:
        """The names of the series, by the name that every kind has for them."""
        return tuple(each.name for each in self.series)

    @property
    def sizes(self) -> dict[str, int]:
        """Hours of each split."""
        found = {name: sum(b - a for a, b in spans) for name, spans in self.spans.items()}
        return found | ({TEST: QUERY} if self.follows else {})

    @cached_property
    def digests(self) -> dict[str, str]:
        """SHA-256 of the hours and values of each split."""
        found = {}
        for name, spans in self.spans.items():
            every = hashlib.sha256()
            for start, stop in spans:
                number = self.number(start)
                begin = int(self.begins[number])
                part = self.series[number].digest(start - begin, stop - begin)
                every.update(f"{self.series[number].name}\t{part}\n".encode())
            found[name] = every.hexdigest()
        return found

    @cached_property
    def begins(self) -> NDArray[np.int64]:
        """The place of each series' first hour, and behind them that of the end."""
        return np.cumsum([0, *(len(each) for each in self.series)])

    @cached_property
    def values(self) -> Floats:
        """The values of all hours; NaN in gaps."""
        return np.concatenate([each.values for each in self.series])

    @cached_property
    def real(self) -> NDArray[np.bool_]:
        """Whether each hour was measured."""
        return np.concatenate([each.real for each in self.series])

    @cached_property
    def hours(self) -> Hours:
        """The hour of each place, since the beginning of 1970."""
        return np.concatenate([each.hours for each in self.series])

    @cached_property
    def gaps(self) -> NDArray[np.int64]:
        """How many hours before each place, and before the end, have no value."""
        return np.concatenate([[0], np.cumsum(np.isnan(self.values))])

    @cached_property
    def measured(self) -> NDArray[np.int64]:
        """How many hours before each place, and before the end, were measured."""
        return np.concatenate([[0], np.cumsum(self.real)])

    def number(self, place: int) -> int:
        """Which series a place is of."""
        return int(np.searchsorted(self.begins, place, side="right")) - 1

    def runs(self, places: Sequence[int]) -> tuple[Span, ...]:
        """Ascending places as spans, each within a series."""
        ordered = np.asarray(places, np.int64)
        cut = np.flatnonzero((np.diff(ordered) != 1) | np.isin(ordered[1:], self.begins)) + 1
        return tuple(
            (int(part[0]), int(part[-1]) + 1) for part in np.split(ordered, cut) if len(part)
        )

    def unit(self, span: Span) -> float:
        """What MASE of a series divides by, for a support: the error of a week ago in it."""
        start, stop = span
        return seasonal_error(self.values[start:stop], self.real[start:stop])

    def units(self, support: Sequence[Span]) -> dict[int, float]:
        """:meth:`unit` by the number of the series; a :class:`UserError` where there is none."""
        found = {}
        for start, stop in support:
            number = self.number(start)
            place = f"{self.name}: the support of {self.series[number].name}"
            found[number] = check_unit(self.unit((start, stop)), place)
        return found

    def query(self, support: Sequence[Span]) -> tuple[Span, ...]:
        """What is scored behind a support: places, a span a series.

        Raises:
            UserError: there is nothing behind it.
        """
        if not self.follows:
            return self.spans[TEST]
        spans = tuple((stop, stop + QUERY) for _, stop in support)
        for _, end in spans:
            if end > self.begins[-1]:
                raise UserError(
                    f"{self.name} has no four weeks behind the support to score; take fewer shots"
                )
        return spans


@dataclass(frozen=True)
class Exclusions:
    """What was kept out of a suite for its targets."""

    targets: tuple[str, ...]
    tasks: tuple[str, ...] = ()

    def summary(self) -> tuple[str, ...]:
        """See :class:`fewshot_metalstm.kinds.kind.Exclusions`."""
        if not self.targets:
            return ("no target is kept out",)
        return (
            f"nothing of {', '.join(self.targets)} is learned from: {len(self.tasks)} tasks of "
            "their families were left out",
        )

    def lines(self) -> tuple[str, ...]:
        """See :class:`fewshot_metalstm.kinds.kind.Exclusions`."""
        return (*self.summary(), *(f"{name}: of a target's family" for name in self.tasks))


LoadedSeries = LoadedSuite[ForecastTask, Exclusions]
