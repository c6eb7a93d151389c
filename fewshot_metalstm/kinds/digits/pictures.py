"""A picture of which classes are taken for which, as a PNG or SVG file by the path's suffix."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from fewshot_metalstm.kinds.digits.score import Confusion
from fewshot_metalstm.tracking.pictures import new_figure, save

_INCHES = 0.75  # of a cell
_DARK = 0.55  # shares from which the count is written in white


def confusion_picture(confusion: Confusion, path: Path, *, title: str = "Confusion") -> Path:
    """Draw the confusion matrix: counts, and as colour their share of the true class.

    A class without images has a row of zeros.
    """
    counts, classes = confusion.counts, confusion.classes
    sums = counts.sum(axis=1, keepdims=True)
    shares = counts / np.maximum(sums, 1)
    number = len(classes)
    side = 1.6 + _INCHES * number
    figure = new_figure(width=side + 1.2, height=side + 0.5)
    axis = figure.subplots()
    image = axis.imshow(100 * shares, cmap="Blues", vmin=0, vmax=100)
    for row in range(number):
        for column in range(number):
            colour = "white" if shares[row, column] > _DARK else "black"
            axis.text(column, row, str(counts[row, column]), ha="center", va="center", color=colour)
    axis.set_xticks(range(number), classes)
    axis.set_yticks(range(number), classes)
    axis.set_xlabel("predicted class")
    axis.set_ylabel("true class")
    bar = figure.colorbar(image, ax=axis, shrink=0.8)
    bar.set_label("share of the true class (%)")
    return save(figure, f"{title}\naccuracy {confusion.accuracy:.1f}", path)
