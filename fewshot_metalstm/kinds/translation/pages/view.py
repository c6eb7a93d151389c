"""Sentences as a translator writes them in the other language, as a page."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from torch import Tensor

from fewshot_metalstm.kinds.translation.alignment import alignments
from fewshot_metalstm.kinds.translation.model import TranslationModel
from fewshot_metalstm.kinds.translation.score import Score, each_chrf, score
from fewshot_metalstm.kinds.translation.scoring import translate
from fewshot_metalstm.kinds.translation.search import longest
from fewshot_metalstm.pages.render import write_page

LEVELS = (0.1, 0.25, 0.5, 0.75)  # weights of attention from which on a word is marked so


@dataclass(frozen=True, slots=True)
class Cell:
    """The weight of a word that was read, in percent, and how it is marked, 0 to 4."""

    percent: int
    level: int


@dataclass(frozen=True, slots=True)
class Shown:
    """A sentence of the page; ``reference`` and ``chrf`` are None where the file has none."""

    line: int
    source: str
    translation: str
    cut: bool  # whether it was ended where it was longest
    reference: str | None
    chrf: float | None
    read: tuple[str, ...]
    wrote: tuple[str, ...]
    weights: tuple[tuple[Cell, ...], ...]


@dataclass(frozen=True)
class View:
    """All that the page shows; ``score`` is None where the file has no translations."""

    model: str
    rows: tuple[Shown, ...]
    score: Score | None
    notes: tuple[str, ...]


def make_view(
    name: str, model: TranslationModel, sources: Sequence[str],
    references: Sequence[str] | None = None,
) -> View:  # fmt: skip
    """The page of some sentences.

    Args:
        name: the translator, as the page names it.
        sources: a sentence for each line of the file; an empty one is left out.
        references: their translations, where the file has them.
    """
    lines = [place for place, text in enumerate(sources) if text]
    texts = [sources[place] for place in lines]
    learner = model.learner
    device = next(learner.parameters()).device
    found, _ = translate(
        learner, dict(learner.named_parameters()), model.subwords, texts, learner.config.beam,
        device,
    )  # fmt: skip
    wanted = None if references is None else [references[place] for place in lines]
    own: Sequence[float | None] = [None] * len(texts)
    if wanted is not None:
        own = each_chrf(found, wanted)
    read, wrote = ([tuple(text.split()) for text in side] for side in (texts, found))
    weights = alignments(model, read, wrote)
    most = [longest(len(each) + 1) - 1 for each in model.subwords.numbers(texts)]
    lengths = [len(each) for each in model.subwords.numbers(found)]
    rows = tuple(
        Shown(
            line + 1, texts[i], found[i], lengths[i] >= most[i],
            None if wanted is None else wanted[i], own[i], read[i], wrote[i], _cells(weights[i]),
        )
        for i, line in enumerate(lines)
    )  # fmt: skip
    empty = len(sources) - len(lines)
    notes = (f"{empty} empty lines are left out",) if empty else ()
    return View(name, rows, None if wanted is None else score(found, wanted), notes)


def write_view(view: View, title: str, path: Path) -> Path:
    """Write the page."""
    return write_page(
        path, "translations", package=__package__, script="details", title=title, page=view
    )


def _cells(weights: Tensor) -> tuple[tuple[Cell, ...], ...]:
    return tuple(
        tuple(Cell(round(100 * w), sum(w >= least for least in LEVELS)) for w in row)
        for row in weights.tolist()
    )
