"""A text as a tagger reads it, as a page: mentions, how sure they are, mistakes beside gold."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from fewshot_metalstm.kinds.tagging.corpora.schemes import spans
from fewshot_metalstm.kinds.tagging.corpora.sentence import Span
from fewshot_metalstm.kinds.tagging.formats.document import Bounds, Document
from fewshot_metalstm.kinds.tagging.formats.notes import Notes
from fewshot_metalstm.kinds.tagging.formats.sentences import to_sentences
from fewshot_metalstm.kinds.tagging.tagger.confidence import Reading
from fewshot_metalstm.kinds.tagging.tagger.mistakes import (
    BOUNDARY,
    MISSED,
    MISTAKES,
    RIGHT,
    SPURIOUS,
    TYPE,
    Cost,
    Match,
    costs,
    match,
)
from fewshot_metalstm.kinds.tagging.tagger.scoring import f1
from fewshot_metalstm.pages.render import write_page

SIGNS = {MISSED: "\N{MINUS SIGN}", SPURIOUS: "+", BOUNDARY: "↔", TYPE: "≠", RIGHT: ""}
HUES = 12
UNSURE = 0.5  # a mention below this probability is drawn with a dashed line
COSTS = 30  # rows of the table of costliest mistakes


@dataclass(frozen=True, slots=True)
class Placed:
    """A sentence of a document: tokens, their bounds in its text, gold mentions, where it is."""

    tokens: tuple[str, ...]
    offsets: tuple[Bounds, ...]
    text: str  # of the document
    gold: tuple[Span, ...]
    place: str


@dataclass(frozen=True, slots=True)
class Mark:
    """How a mention looks: the classes of its element, and what its label says."""

    type: str
    hue: int
    look: str
    sign: str
    confidence: float | None


@dataclass(frozen=True, slots=True)
class Piece:
    """A stretch of a sentence, marked or not."""

    text: str
    mark: Mark | None


@dataclass(frozen=True, slots=True)
class Row:
    """A sentence of the page. ``gold`` is empty where it says the same as ``tagger``.

    ``kinds``, ``types`` and ``least`` are what the filters look at: kinds of its mistakes or
    ``clean``, places of its types or ``none``, and its least confidence or nothing.
    """

    tagger: tuple[Piece, ...]
    gold: tuple[Piece, ...]
    kinds: str
    types: str
    least: str
    place: str


@dataclass(frozen=True)
class Score:
    """The scores of a type, or of all, 0-100, and its mistakes by kind."""

    name: str
    f1: float
    precision: float
    recall: float
    gold: int
    counts: dict[str, int]


@dataclass(frozen=True)
class Kind:
    """A kind of mistake, and in how many sentences there is one."""

    name: str
    sign: str
    number: int


@dataclass(frozen=True)
class View:
    """All that the page shows; ``gold`` is whether there is a gold annotation."""

    model: str
    rows: tuple[Row, ...]
    types: tuple[str, ...]
    gold: bool
    found: int
    wanted: int
    scores: tuple[Score, ...]
    kinds: tuple[Kind, ...]
    clean: int
    costs: tuple[Cost, ...]
    forms: int
    notes: tuple[str, ...]
    unsure: float = UNSURE
    signs: Any = None


def placed(
    documents: Sequence[Document], overlaps: str, notes: Notes, source: Path
) -> list[Placed]:
    """The sentences of documents, with where they stand, by document and character."""
    found = []
    for document in documents:
        for each in to_sentences(document, overlaps=overlaps, notes=notes, place=str(source)):
            where = f"{document.id}, characters {each.offsets[0][0]}-{each.offsets[-1][1]}"
            found.append(Placed(
                each.sentence.tokens, each.offsets, document.text,
                tuple(spans(each.sentence.tags)), where,
            ))  # fmt: skip
    return found


def make_view(
    model: str,
    known: Sequence[str],
    sentences: Sequence[Placed],
    readings: Sequence[Reading],
    *,
    gold: bool,
    notes: Sequence[str] = (),
) -> View:
    """Hold what a tagger read against the gold annotation, if there is one.

    Args:
        model: the tagger, as the page names it.
        known: its types.
        readings: of the sentences, in their order.
        gold: whether the sentences' gold mentions are an annotation; else they are not looked at.
    """
    wanted = [s.gold if gold else () for s in sentences]
    more = sorted({span.type for each in wanted for span in each} - set(known))
    types = (*known, *more)
    matches = [match(w, r.mentions) for w, r in zip(wanted, readings, strict=True)]
    rows = tuple(
        _row(*each, types, gold) for each in zip(sentences, readings, matches, strict=True)
    )
    lines = list(notes)
    if more:
        lines.append(
            f"the tagger does not know the type{'s' * (len(more) > 1)} {', '.join(more)}: "
            "all such mentions count as missed, or as of the wrong type"
        )
    by_cost = costs([s.tokens for s in sentences], matches) if gold else []
    kinds = tuple(
        Kind(kind, SIGNS[kind], sum(kind in row.kinds.split() for row in rows)) for kind in MISTAKES
    )
    return View(
        model, rows, types, gold, sum(len(r.mentions) for r in readings), sum(map(len, wanted)),
        scores(types, matches), kinds, sum(row.kinds == "clean" for row in rows),
        tuple(by_cost[:COSTS]), len(by_cost), tuple(lines), signs=SIGNS,
    )  # fmt: skip


def write_view(view: View, title: str, path: Path) -> Path:
    """Write the page."""
    return write_page(path, "view", package=__package__, title=title, page=view)


def scores(types: Sequence[str], matches: Sequence[Sequence[Match]]) -> tuple[Score, ...]:
    """A line for each type and one for all. A mistake counts for the gold mention's type."""
    every = [one for each in matches for one in each]

    def line(name: str, of: Callable[[Span], bool]) -> Score:
        right = sum(m.kind == RIGHT and of(m.place) for m in every)
        found = sum(m.found is not None and of(m.found) for m in every)
        wanted = sum(m.gold is not None and of(m.gold) for m in every)
        counts = Counter(m.kind for m in every if of(m.place))
        return Score(
            name, f1(right, found, wanted), 100 * right / found if found else 0.0,
            100 * right / wanted if wanted else 0.0, wanted,
            {kind: counts[kind] for kind in MISTAKES},
        )  # fmt: skip

    rows = [line(name, lambda span, name=name: span.type == name) for name in types]  # type: ignore[misc]
    return (*rows, line("all", lambda span: True))


def _row(
    sentence: Placed, reading: Reading, matches: Sequence[Match], types: Sequence[str], gold: bool
) -> Row:
    number = {name: i for i, name in enumerate(types)}
    sure = dict(zip(reading.mentions, reading.confidences, strict=True))
    kind_of = {m.found: m.kind for m in matches if m.found}
    kinds = {m.kind for m in matches} - {RIGHT} if gold else set()

    def mark(span: Span, kind: str, confidence: float | None) -> Mark:
        look = [kind, "bad"] if kind and kind != RIGHT else [kind]
        if confidence is not None and confidence < UNSURE:
            look.append("unsure")
        sign = f"{SIGNS[kind]} {kind}" if kind and kind != RIGHT else ""
        return Mark(span.type, number[span.type] % HUES, " ".join(look).strip(), sign, confidence)

    tagger = _pieces(sentence, [
        (span, mark(span, kind_of[span] if gold else "", sure[span])) for span in reading.mentions
    ])  # fmt: skip
    wanted: tuple[Piece, ...] = ()
    if kinds:
        wanted = _pieces(sentence, [
            (m.gold, mark(m.gold, MISSED if m.kind == MISSED else "", None))
            for m in matches if m.gold
        ])  # fmt: skip
    there = {span.type for m in matches for span in (m.gold, m.found) if span}
    return Row(
        tagger, wanted, " ".join(k for k in MISTAKES if k in kinds) or "clean",
        " ".join(str(number[name]) for name in types if name in there) or "none",
        f"{min(sure.values()):.4f}" if sure else "", sentence.place,
    )  # fmt: skip


def _pieces(sentence: Placed, marks: Sequence[tuple[Span, Mark]]) -> tuple[Piece, ...]:
    """The sentence's text, cut where a mention begins or ends; what lies between is kept."""
    text, offsets = sentence.text, sentence.offsets
    pieces = []
    position = offsets[0][0]
    for span, mark in marks:
        start, end = offsets[span.start][0], offsets[span.end - 1][1]
        if start > position:
            pieces.append(Piece(text[position:start], None))
        pieces.append(Piece(text[start:end], mark))
        position = end
    if position < offsets[-1][1]:
        pieces.append(Piece(text[position : offsets[-1][1]], None))
    return tuple(pieces)
