"""How good a classifier is: accuracy, that of each class, and which class is taken for which."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True, eq=False)
class Confusion:
    """How predictions compare with labels.

    ``counts[i, j]`` is the number of items of class i that were taken for class j, (N, N).
    """

    classes: tuple[str, ...]
    counts: NDArray[np.int64]

    @property
    def accuracy(self) -> float:
        """Share of the items that are right, 0-100; NaN where there are none."""
        return _share(int(np.trace(self.counts)), int(self.counts.sum()))


@dataclass(frozen=True)
class Score:
    """A classifier's score on a split, as :class:`fewshot_metalstm.figure.Score` has it.

    ``groups`` are those of the classes that have items. What a file has of a score holds no
    ``confusion``.
    """

    value: float
    size: int
    groups: Mapping[str, Score] = field(default_factory=dict)
    confusion: Confusion | None = field(default=None, compare=False)

    @property
    def further(self) -> Mapping[str, float]:
        """No figures beside accuracy."""
        return {}


def compare(
    labels: NDArray[np.int64], predicted: NDArray[np.int64], classes: tuple[str, ...]
) -> Score:
    """The score of predictions (n,) for items with ``labels`` (n,), both places in ``classes``."""
    if len(labels) != len(predicted):
        raise ValueError(f"{len(predicted)} predictions for {len(labels)} labels")
    number = len(classes)
    counts = np.bincount(labels * number + predicted, minlength=number**2).reshape(number, number)
    confusion = Confusion(classes, counts)
    sums, right = counts.sum(axis=1).tolist(), np.diagonal(counts).tolist()
    groups = {
        name: Score(_share(right[at], sums[at]), sums[at])
        for at, name in enumerate(classes) if sums[at]
    }  # fmt: skip
    return Score(confusion.accuracy, len(labels), groups, confusion)


def _share(right: int, total: int) -> float:
    return 100 * right / total if total else float("nan")
