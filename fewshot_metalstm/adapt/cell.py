"""One cell of a few-shot table: a method, a draw, an adapted model and its score."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from fewshot_metalstm.figure import Figure, Score

SCRATCH = "scratch"  # the method of fresh weights, in every kind


@dataclass(frozen=True)
class Cell:
    """What to do: adapt by ``method`` on the support of ``draw``.

    ``support`` are indices into the target's train split, ``tune`` says which parameters change,
    ``config`` holds the method's settings. ``save`` is where to write the model, or None;
    ``score`` is whether to score it on the test split.
    """

    method: str
    draw: int
    seed: int
    support: tuple[int, ...]
    tune: str
    config: Any
    save: Path | None = None
    score: bool = True

    @property
    def called(self) -> str:
        """What its results go by."""
        return self.method

    def further_settings(self) -> dict[str, Any]:
        """What else its result is a function of, as plain values."""
        return {}


@dataclass(frozen=True)
class CellResult:
    """The outcome of a cell; ``score`` is None where nothing was scored.

    The support's size is given in items (sentences, images) and in what a score counts (mentions,
    images). ``start`` names the source head that each type started from, where there are any;
    ``about`` is what a baseline is made of, which no checkpoint says; ``choice`` is the recipe
    that a policy chose, with the reason and the signals, where there is one.
    """

    method: str
    draw: int
    score: Score | None
    support_items: int
    support_counted: int
    seconds: float  # of adaptation, without scoring
    losses: tuple[float, ...] = field(default=())
    start: Mapping[str, str] = field(default_factory=dict)
    about: Mapping[str, str | int] = field(default_factory=dict)
    choice: Mapping[str, Any] = field(default_factory=dict)

    def sizes(self, items: str, figure: Figure) -> dict[str, int]:
        """The support's sizes by the names that files have for them, as ``support_sentences``."""
        return {
            f"support_{items}": self.support_items,
            f"support_{figure.counted}": self.support_counted,
        }


def score_as_dict(score: Score, figure: Figure, *, digits: int | None = None) -> dict[str, Any]:
    """A score as JSON has it: the figure, those beside it, what was counted, and its parts.

    Args:
        digits: to round to; None leaves the numbers whole.
    """

    def number(value: float) -> float:
        return value if digits is None else round(value, digits)

    return {
        figure.key: number(score.value),
        **{key: number(score.further[key]) for key in figure.further},
        figure.counted: score.size,
        f"per_{figure.group}": {
            name: score_as_dict(each, figure, digits=digits) for name, each in score.groups.items()
        },
    }
