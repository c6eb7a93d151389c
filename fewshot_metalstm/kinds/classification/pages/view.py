"""Texts as a classifier reads them, as a page: labels, how sure they are, which words weigh."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from fewshot_metalstm.kinds.classification.predictor import Reading
from fewshot_metalstm.kinds.classification.tables import Row
from fewshot_metalstm.pages.render import write_page

LEVELS = (1.5, 3.0, 6.0, 12.0)  # times the even share, from which on a word is marked so
TOP = 15  # words of a class in the table
RIGHT, WRONG = "right", "wrong"


@dataclass(frozen=True, slots=True)
class Piece:
    """A stretch of a text; ``level`` is 0 for what has no weight to speak of, -1 for unread."""

    text: str
    level: int


@dataclass(frozen=True, slots=True)
class Shown:
    """A text of the page.

    ``gold`` is its label in the file, None where there is none, or the text has no word: such a
    text is no item of the task, and not scored by ``evaluate`` either.
    """

    pieces: tuple[Piece, ...]
    label: str
    place: int  # of its class
    probability: float
    gold: str | None
    kind: str
    where: str


@dataclass(frozen=True)
class Kind:
    """Right or wrong, and how many texts are."""

    name: str
    number: int


@dataclass(frozen=True)
class View:
    """All that the page shows; ``gold`` is whether the file has labels."""

    model: str
    rows: tuple[Shown, ...]
    classes: tuple[str, ...]
    gold: bool
    kinds: tuple[Kind, ...]
    accuracy: float | None
    counts: tuple[tuple[str, tuple[int, ...]], ...]  # of each gold label by class
    words: tuple[tuple[str, tuple[str, ...]], ...]  # that weigh most, by class
    attention: bool
    notes: tuple[str, ...]


def make_view(
    model: str, classes: Sequence[str], rows: Sequence[Row], readings: Sequence[Reading], *,
    attention: bool, notes: Sequence[str] = (),
) -> View:  # fmt: skip
    """The page of some texts and what they were taken for.

    Args:
        model: the classifier, as the page names it.
        rows: with their labels, where the file has some.
        attention: whether weights are those of attention, else places of maxima.
    """
    gold = any(row.label for row in rows)
    shown = tuple(
        _shown(row, reading, classes, gold) for row, reading in zip(rows, readings, strict=True)
    )
    known = [each for each in shown if each.gold is not None]
    right = sum(each.kind == RIGHT for each in known)
    labels = sorted({each.gold for each in known if each.gold is not None})
    counts = tuple(
        (label, tuple(sum(e.gold == label and e.label == name for e in known) for name in classes))
        for label in labels
    )
    kinds = (Kind(WRONG, len(known) - right), Kind(RIGHT, right)) if gold else ()
    return View(
        model, shown, tuple(classes), gold, kinds,
        100 * right / len(known) if known else None, counts, heaviest(rows, readings, classes),
        attention, tuple(notes),
    )  # fmt: skip


def write_view(view: View, title: str, path: Path) -> Path:
    """Write the page."""
    return write_page(path, "view", package=__package__, title=title, page=view)


def heaviest(
    rows: Sequence[Row], readings: Sequence[Reading], classes: Sequence[str]
) -> tuple[tuple[str, tuple[str, ...]], ...]:
    """The words with the most weight above the even share, in the texts taken for each class."""
    sums: dict[str, dict[str, float]] = {name: defaultdict(float) for name in classes}
    for row, reading in zip(rows, readings, strict=True):
        even = 1 / max(1, len(reading.tokens))
        for (start, end), weight in zip(reading.tokens, reading.weights, strict=True):
            sums[reading.name][row.text[start:end].lower()] += max(0.0, weight - even)
    return tuple(
        (name, tuple(word for word, value in
                     sorted(own.items(), key=lambda each: (-each[1], each[0]))[:TOP] if value > 0))
        for name, own in sums.items()
    )  # fmt: skip


def level(weight: float, tokens: int) -> int:
    """How heavily a word is marked, 0 to 4."""
    return sum(weight * tokens >= least for least in LEVELS)


def _shown(row: Row, reading: Reading, classes: Sequence[str], gold: bool) -> Shown:
    wanted = row.label if gold and row.label and reading.tokens else None
    kind = RIGHT if wanted is None or wanted == reading.name else WRONG
    return Shown(
        _pieces(row.text, reading), reading.name, list(classes).index(reading.name),
        reading.probability, wanted, kind, f"line {row.line}",
    )  # fmt: skip


def _pieces(text: str, reading: Reading) -> tuple[Piece, ...]:
    """The text, cut where a marked word begins or ends; all of it is there."""
    pieces: list[Piece] = []
    position = 0
    read = reading.tokens
    gap = len(read) - len(read) // 2 if reading.cut else -1  # the first token of the last half
    for number, ((start, end), weight) in enumerate(zip(read, reading.weights, strict=True)):
        if number == gap:
            last = read[number - 1][1]
            pieces += [Piece(text[position:last], 0), Piece(text[last:start], -1)]
            position = start
        heavy = level(weight, len(read))
        if heavy:
            pieces += [Piece(text[position:start], 0), Piece(text[start:end], heavy)]
            position = end
    pieces.append(Piece(text[position:], 0))
    return tuple(piece for piece in pieces if piece.text)
