"""A closer look at an adapted reader: which classes it takes for which."""

from __future__ import annotations

from itertools import chain
from pathlib import Path
from typing import Any

import torch
from markupsafe import Markup, escape

from fewshot_metalstm.kinds.digits.model import READER, load_model
from fewshot_metalstm.kinds.digits.pictures import confusion_picture
from fewshot_metalstm.kinds.digits.score import Confusion
from fewshot_metalstm.kinds.digits.scoring import score_model
from fewshot_metalstm.kinds.digits.tasks import DigitsTask
from fewshot_metalstm.pages.look import Look, LookPart, Picture, relative

PAIRS = 5  # of classes, that are named in words
_INTRO = (
    "Each row is a class as it was written, each column what the reader took it for; the darker "
    "a cell, the greater its share of the row. All right would be a dark diagonal alone."
)


def report_look(folder: Path, task: DigitsTask, split: str, device: torch.device) -> Look:
    """The confusion of the reader in ``folder`` on a split, as a picture and in words.

    Raises:
        UserError: there is no such reader, or it was adapted to other classes.
    """
    model = load_model(folder, READER)
    model.learner.to(device)
    found = score_model(model, task, split)
    assert found.confusion is not None
    confusion, name = found.confusion, folder.parent.name
    text = f"the {split} split of {task.name}"
    caption = f"Which digits {name} takes for which, on {text}."
    picture = Picture(
        f"confusion-{name}".replace("/", "_"), caption,
        lambda path: confusion_picture(confusion, path, title=caption.removesuffix(".")),
    )  # fmt: skip
    pairs = mistakes(confusion)
    part = LookPart("confusion", "Which is taken for which", _INTRO,
                    _words(folder, text, confusion, pairs), (picture,))  # fmt: skip
    facts: dict[str, Any] = {
        "reader": str(folder), "split": text, "accuracy": round(found.value, 2),
        "images": found.size,
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


def _words(
    folder: Path, text: str, confusion: Confusion, pairs: list[tuple[int, str, str]]
) -> Markup:
    listed = ", ".join(f"{wrote} for {took} ({number})" for number, wrote, took in pairs)
    mean = f"{confusion.accuracy:.2f}% of {int(confusion.counts.sum()):,} images are right"
    often = f" Most often: {listed}." if listed else ""
    return Markup("<p><code>{}</code> on {}: {}.{}</p>").format(
        relative(folder), escape(text), mean, often
    )
