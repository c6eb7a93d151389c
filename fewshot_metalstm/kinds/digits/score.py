"""The figure of readers of digits: accuracy. What a score holds is the same for all classifiers."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from fewshot_metalstm.accuracy import Confusion as Confusion
from fewshot_metalstm.accuracy import Score as Score
from fewshot_metalstm.accuracy import compare as compare
from fewshot_metalstm.figure import Figure

FIGURE = Figure(
    "accuracy", "accuracy", "accuracy", "percent", "higher",
    counted="images", group="class",
)  # fmt: skip
PIECE = 500  # images at a time


def parts(number: int) -> Iterator[NDArray[np.int64]]:
    """0 to ``number`` in pieces, so that no split has to be in memory as floats at once."""
    for first in range(0, number, PIECE):
        yield np.arange(first, min(first + PIECE, number))
