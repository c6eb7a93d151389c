"""Figures of merit: what a model of some kind is judged by, with name, unit and direction.

Tables, reports, MLflow metrics and ``--json`` name a figure by what stands here, so that none of
them takes F1 for granted.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal, Protocol


@dataclass(frozen=True)
class Figure:
    """How good a model of a kind is.

    Attributes:
        key: in JSON and in names of metrics, such as ``f1``.
        label: at the head of a column, such as ``F1``.
        title: in full, such as ``strict entity F1``.
        unit: such as ``points of 100``.
        better: whether more of it is better (``higher``) or worse (``lower``).
        further: keys of figures that stand beside it, such as ``precision``.
        counted: what a score counts, in JSON and tables, such as ``mentions``.
        group: what a score is broken down by, such as ``type``.
        digits: behind the point, wherever it is shown; a file of a run has more.
    """

    key: str
    label: str
    title: str
    unit: str
    better: Literal["higher", "lower"] = "higher"
    further: tuple[str, ...] = ()
    counted: str = "items"
    group: str = "group"
    digits: int = 2

    @property
    def sign(self) -> int:
        """1 where more is better, else -1."""
        return 1 if self.better == "higher" else -1

    def shown(self, value: float) -> str:
        """``value`` as tables have it."""
        return f"{value:.{self.digits}f}"

    @property
    def heading(self) -> str:
        """The title as a sentence begins with it; F1 stays F1."""
        return self.title[:1].upper() + self.title[1:]

    @property
    def axis(self) -> str:
        """Name and unit, for a picture's axis."""
        return f"{self.title} ({self.unit})"

    def improves(self, new: float, best: float) -> bool:
        """Whether ``new`` is better than ``best``."""
        return self.sign * (new - best) > 0

    def as_dict(self) -> dict[str, str]:
        """As ``--json`` of every command prints it: ``figure``, ``unit`` and ``better``."""
        return {"figure": self.key, "unit": self.unit, "better": self.better}


class Score(Protocol):
    """A model's score on a split: the kind's figure, figures beside it, and its parts."""

    @property
    def value(self) -> float:
        """The kind's figure."""

    @property
    def further(self) -> Mapping[str, float]:
        """The figures beside it, by the keys of :attr:`Figure.further`."""

    @property
    def size(self) -> int:
        """How much was scored: gold mentions, images."""

    @property
    def groups(self) -> Mapping[str, Score]:
        """The scores of its parts, such as entity types or classes; none where it has no parts."""


def interval(values: Sequence[float]) -> tuple[float, float]:
    """Mean and half width of its 95% interval (t distribution); NaN width for a single value."""
    n = len(values)
    mean = sum(values) / n
    if n < 2:
        return mean, math.nan
    from scipy.stats import t

    spread = math.sqrt(sum((v - mean) ** 2 for v in values) / (n - 1))
    return mean, float(t.ppf(0.975, n - 1)) * spread / math.sqrt(n)


@dataclass(frozen=True)
class Spread:
    """A mean and the half width of its 95% interval, None for a single value."""

    mean: float
    half: float | None
    digits: int = 2

    @classmethod
    def of(cls, values: Sequence[float], digits: int = 2) -> Spread:
        """Of at least one value.

        Args:
            digits: behind the point, where it is shown.
        """
        mean, half = interval(values)
        return cls(mean, None if math.isnan(half) else half, digits)

    def text(self, sign: str = "", digits: int | None = None) -> str:
        """Such as ``53.02 ± 9.91``."""
        digits = self.digits if digits is None else digits
        half = "" if self.half is None else f" ± {self.half:.{digits}f}"
        return f"{self.mean:{sign}.{digits}f}{half}"

    def as_dict(self) -> dict[str, float | None]:
        """As ``--json`` prints it."""
        half = None if self.half is None else round(self.half, self.digits)
        return {"mean": round(self.mean, self.digits), "ci95": half}
