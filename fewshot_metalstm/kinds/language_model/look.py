"""A closer look at an adapted language model: which characters cost it how much."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from markupsafe import Markup
from numpy.typing import NDArray

from fewshot_metalstm.kinds.language_model.model import PRODUCT, load_model
from fewshot_metalstm.kinds.language_model.scoring import log_probabilities, spans_of
from fewshot_metalstm.kinds.language_model.tasks import Span, TextTask
from fewshot_metalstm.pages.look import Look, LookPart, Picture, relative
from fewshot_metalstm.tracking.pictures import new_figure, save

CLASSES = ("first letter of a word", "further letter", "digit", "white space", "other")
_SMOOTH = 200  # characters that the curve is a mean over
_INTRO = (
    "Bits of each character: the less, the better the model knew what comes. The first letter of a "
    "word costs most, since a whole word is chosen with it; names and figures that the support has "
    "not cost more than all else."
)


@dataclass(frozen=True)
class Spent:
    """Bits by the class of characters: how many of them there are, and what they cost together."""

    counts: NDArray[np.int64]  # (5,)
    bits: NDArray[np.float64]  # (5,)

    @classmethod
    def of(cls, text: str, bits: NDArray[np.float64]) -> Spent:
        """Of a text and the bits of each of its characters."""
        classes = np.array(class_of(text), np.int64)
        number = len(CLASSES)
        return cls(
            np.bincount(classes, minlength=number),
            np.asarray(np.bincount(classes, weights=bits, minlength=number), np.float64),
        )


def class_of(text: str) -> list[int]:
    """The class of each character, an index into :data:`CLASSES`."""
    found, before = [], " "
    for character in text:
        if character.isalpha():
            found.append(1 if before.isalpha() else 0)
        elif character.isdigit():
            found.append(2)
        else:
            found.append(3 if character.isspace() else 4)
        before = character
    return found


def by_character(text: str, nats: NDArray[np.float64]) -> NDArray[np.float64]:
    """Bits of each character, out of the nats of the bytes that stand for them in UTF-8."""
    ends = np.cumsum([len(character.encode("utf-8")) for character in text])
    whole = np.concatenate([[0.0], np.cumsum(-nats)])[ends]
    found: NDArray[np.float64] = np.diff(whole, prepend=0.0) / math.log(2)
    return found


def report_look(folder: Path, task: TextTask, split: str, device: torch.device) -> Look:
    """What the characters of a split cost the model in ``folder``.

    Raises:
        UserError: there is no such model, or it was adapted to another target.
    """
    model = load_model(folder, PRODUCT)
    learner = model.learner.to(device)
    spans = spans_of(model, task, split)
    nats = log_probabilities(learner, dict(learner.named_parameters()), task, spans, device)
    text = read(task, spans)
    bits = by_character(text, nats)
    spent = Spent.of(text, bits)
    name, where = folder.parent.name, f"the {split} split of {task.name}"
    caption = f"What characters cost {name}, along {where}."
    picture = Picture(
        f"bits-{name}".replace("/", "_"), caption,
        lambda path: bits_picture(bits, path, title=caption.removesuffix(".")),
    )  # fmt: skip
    words = Markup("<p><code>{}</code> on {}: {:.3f} bits a character of {:,}.</p>{}").format(
        relative(folder), where, bits.mean(), len(text), _table(spent)
    )
    part = LookPart("bits", "What characters cost", _INTRO, words, (picture,))
    facts = {
        PRODUCT: str(folder), "split": where, "bpc": round(float(bits.mean()), 4),
        "characters": len(text),
        "bits": {
            name: round(float(own / max(1, number)), 3)
            for name, number, own in zip(CLASSES, spent.counts, spent.bits, strict=True)
        },
    }  # fmt: skip
    return Look(folder, where, (part,), facts)


def read(task: TextTask, spans: Sequence[Span]) -> str:
    """The text of some spans."""
    return b"".join(task.text(span) for span in spans).decode("utf-8")


def bits_picture(bits: NDArray[np.float64], path: Path, *, title: str) -> Path:
    """Draw the mean of the last characters along a text."""
    figure = new_figure(width=8.0, height=3.2)
    axes = figure.subplots()
    width = min(_SMOOTH, len(bits))
    smooth = np.convolve(bits, np.ones(width) / width, mode="valid")
    axes.plot(np.arange(width, len(bits) + 1), smooth)
    axes.axhline(float(bits.mean()), linestyle="--", color="grey")
    axes.set_xlabel("character")
    axes.set_ylabel(f"bits, mean of {width}")
    axes.set_ylim(bottom=0)
    axes.grid(alpha=0.3)
    return save(figure, title, path)


def _table(spent: Spent) -> Markup:
    head = Markup(
        "<tr><th>characters</th><th>share</th><th>bits each</th><th>of all bits</th></tr>"
    )
    rows = Markup("").join(
        Markup("<tr><td>{}</td><td>{:.1f}%</td><td>{:.2f}</td><td>{:.1f}%</td></tr>").format(
            name, 100 * number / spent.counts.sum(), own / number, 100 * own / spent.bits.sum()
        )
        for name, number, own in zip(CLASSES, spent.counts, spent.bits, strict=True) if number
    )  # fmt: skip
    return Markup("<table>{}{}</table>").format(head, rows)
