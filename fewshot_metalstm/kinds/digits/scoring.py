"""Accuracy on a whole split, of each class, and which classes are taken for which."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray

from fewshot_metalstm.kinds.digits.encoding import CPU, Scaling, encode
from fewshot_metalstm.kinds.digits.learner import DigitReader
from fewshot_metalstm.kinds.digits.tasks import DigitsTask
from fewshot_metalstm.meta.learner import Params

PIECE = 500  # images at a time


@dataclass(frozen=True, eq=False)
class Score:
    """How predictions compare with labels.

    ``confusion[i, j]`` counts the images of class i that were taken for class j, (N, N).
    """

    classes: tuple[str, ...]
    confusion: NDArray[np.int64]

    @property
    def accuracy(self) -> float:
        """Share of the images that are right, 0-100."""
        return 100 * float(np.trace(self.confusion)) / float(self.confusion.sum())

    @property
    def by_class(self) -> dict[str, float]:
        """Share of each class's images that are right, 0-100; NaN for a class without images."""
        sums = self.confusion.sum(axis=1)
        right = np.diagonal(self.confusion)
        return {
            name: 100 * float(right[at]) / float(sums[at]) if sums[at] else float("nan")
            for at, name in enumerate(self.classes)
        }


def compare(
    labels: NDArray[np.int64], predicted: NDArray[np.int64], classes: tuple[str, ...]
) -> Score:
    """The score of predictions (n,) for images with ``labels`` (n,), both places in ``classes``."""
    if len(labels) != len(predicted):
        raise ValueError(f"{len(predicted)} predictions for {len(labels)} labels")
    number = len(classes)
    counts = np.bincount(labels * number + predicted, minlength=number**2)
    return Score(classes, counts.reshape(number, number))


@torch.no_grad()
def predict(
    reader: DigitReader, params: Params, task: DigitsTask, split: str, scaling: Scaling,
    device: torch.device = CPU,
) -> NDArray[np.int64]:  # fmt: skip
    """The class of every image of a split under ``params``, (n,), as places in its classes."""
    pieces = [
        reader.scores_with(params, encode(task, split, part, scaling, device)).argmax(dim=1)
        for part in parts(len(task.splits[split]))
    ]
    found: NDArray[np.int64] = torch.cat(pieces).cpu().numpy()
    return found


def score(
    reader: DigitReader, params: Params, task: DigitsTask, split: str, scaling: Scaling,
    device: torch.device = CPU,
) -> Score:  # fmt: skip
    """How well a reader with adapted parameters tells the classes of a whole split apart."""
    predicted = predict(reader, params, task, split, scaling, device)
    return compare(task.splits[split].labels, predicted, task.classes)


def parts(number: int) -> Iterator[NDArray[np.int64]]:
    """0 to ``number`` in pieces, so that no split has to be in memory as floats at once."""
    for first in range(0, number, PIECE):
        yield np.arange(first, min(first + PIECE, number))
