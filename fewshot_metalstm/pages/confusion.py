"""Which classes are taken for which: a picture (PNG or SVG), and a section of ``report``."""

from __future__ import annotations

from itertools import chain
from pathlib import Path
from typing import Any

import numpy as np
from markupsafe import Markup

from fewshot_metalstm.accuracy import Confusion, Score
from fewshot_metalstm.pages.look import Look, LookPart, Picture, relative
from fewshot_metalstm.tracking.pictures import new_figure, save

PAIRS = 5  # of classes, that are named in words
_INTRO = (
    "Each row is a class as it is, each column what it was taken for; the darker a cell, the "
    "greater its share of the row. All right would be a dark diagonal alone."
)
_INCHES = 0.75  # of a cell
_DARK = 0.55  # shares from which the count is written in white


def confusion_picture(confusion: Confusion, path: Path, *, title: str = "Confusion") -> Path:
    """Draw the confusion matrix: counts, and as colour their share of the true class.

    A class without items has a row of zeros.
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


def confusion_look(folder: Path, product: str, items: str, text: str, found: Score) -> Look:
    """The confusion of the adapted model in ``folder`` on a split, as a picture and in words.

    Args:
        product: what such a model is called, such as ``reader``.
        items: what the split consists of, such as ``images``.
        text: the split, in words.
        found: the model's score on it.
    """
    assert found.confusion is not None
    confusion, name = found.confusion, folder.parent.name
    caption = f"Which classes {name} takes for which, on {text}."
    picture = Picture(
        f"confusion-{name}".replace("/", "_"), caption,
        lambda path: confusion_picture(confusion, path, title=caption.removesuffix(".")),
    )  # fmt: skip
    part = LookPart("confusion", "Which is taken for which", _INTRO,
                    _words(folder, items, text, confusion), (picture,))  # fmt: skip
    facts: dict[str, Any] = {
        product: str(folder), "split": text, "accuracy": round(found.value, 2),
        items: found.size,
        "confusion": {"classes": list(confusion.classes), "counts": confusion.counts.tolist()},
    }  # fmt: skip
    return Look(folder, text, (part,), facts)


def mistakes(confusion: Confusion) -> list[tuple[int, str, str]]:
    """The most frequent mistakes: how many, the class, and what it was taken for."""
    names = range(len(confusion.classes))
    every = (
        (int(confusion.counts[i, j]), confusion.classes[i], confusion.classes[j])
        for i, j in chain.from_iterable(((i, j) for j in names if i != j) for i in names)
    )
    return sorted((one for one in every if one[0]), key=lambda one: -one[0])[:PAIRS]


def _words(folder: Path, items: str, text: str, confusion: Confusion) -> Markup:
    pairs = mistakes(confusion)
    listed = ", ".join(f"{true} for {took} ({number})" for number, true, took in pairs)
    mean = f"{confusion.accuracy:.2f}% of {int(confusion.counts.sum()):,} {items} are right"
    often = f" Most often: {listed}." if listed else ""
    return Markup("<p><code>{}</code> on {}: {}.{}</p>").format(relative(folder), text, mean, often)
