"""What is annotated: a function of the journal and of what the text had when it was read.

Entries, beside their number ``n`` and the time ``at`` (seconds since 1970), are

``{"do": "mark", "sentence": 4, "how": "add", "status": "open", "spans": [...], "rejected": [...]}``
    the sentence is marked so from now on; ``how`` says what was done, for the figures of a session;
``{"do": "undo"}``, ``{"do": "redo"}``
    the last mark is taken back, the last that was taken back is done again;
``{"do": "type", "name": "Gene"}``
    a further type.

A span is ``["Gene", [[0, 4]]]``: its type and its pieces, which count characters of the sentence,
ends exclusive. ``rejected`` are spans that were proposed and shall not be again.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple, TypeAlias

from fewshot_metalstm.kinds.tagging.formats.document import Bounds

OPEN, DONE, SKIPPED = "open", "done", "skipped"
STATUSES = (OPEN, DONE, SKIPPED)
HOW = ("add", "remove", "change", "accept", "reject", "done", "skip", "reopen")
MOST_SPANS = 1000  # of a sentence
MOST_TYPES = 100
LONGEST_TYPE = 100


class Span(NamedTuple):
    """A mention of a sentence: its type, and its pieces in order."""

    type: str
    pieces: tuple[Bounds, ...]

    @property
    def start(self) -> int:
        """Its first character."""
        return self.pieces[0][0]

    @property
    def end(self) -> int:
        """The one after its last."""
        return self.pieces[-1][1]

    def overlaps(self, other: Span) -> bool:
        """Whether they share a character."""
        return any(a < d and c < b for a, b in self.pieces for c, d in other.pieces)


@dataclass(frozen=True)
class Marks:
    """What is said of a sentence."""

    spans: tuple[Span, ...] = ()
    rejected: tuple[Span, ...] = ()
    status: str = OPEN


Lengths: TypeAlias = Callable[[int], int]


@dataclass
class State:
    """What holds after the entries so far.

    Args:
        size: the number of sentences.
        length: of a sentence in characters.
        types: those that the project began with.
        given: what sentences were marked with in the text, where they were.
    """

    size: int
    length: Lengths
    types: list[str]
    given: Callable[[int], Marks]
    changed: dict[int, Marks] = field(default_factory=dict)
    versions: Counter[int] = field(default_factory=Counter)
    done_order: list[int] = field(default_factory=list)
    _undo: list[tuple[int, Marks, Marks]] = field(default_factory=list)
    _redo: list[tuple[int, Marks, Marks]] = field(default_factory=list)

    def marks(self, sentence: int) -> Marks:
        """What is said of a sentence now."""
        return self.changed[sentence] if sentence in self.changed else self.given(sentence)

    @property
    def can_undo(self) -> bool:
        """Whether there is a mark to take back."""
        return bool(self._undo)

    @property
    def can_redo(self) -> bool:
        """Whether there is one to do again."""
        return bool(self._redo)

    def check(self, entry: Mapping[str, Any]) -> None:
        """Raise :class:`ValueError`, saying why, for an entry that means nothing here."""
        do = entry.get("do")
        if do == "mark":
            sentence = entry.get("sentence")
            if type(sentence) is not int or not 0 <= sentence < self.size:
                raise ValueError("there is no such sentence")
            if entry.get("status") not in STATUSES or entry.get("how") not in HOW:
                raise ValueError("the status or the action is unknown")
            for name in ("spans", "rejected"):
                self._read_spans(entry.get(name), self.length(sentence))
        elif do == "type":
            self._check_type(entry.get("name"))
        elif do not in ("undo", "redo"):
            raise ValueError("the action is unknown")
        elif not (self._undo if do == "undo" else self._redo):
            raise ValueError(f"there is nothing to {do}")

    def apply(self, entry: Mapping[str, Any]) -> int | None:
        """Let an entry hold that was checked; the sentence that it changed."""
        do = entry["do"]
        if do == "type":
            self.types.append(entry["name"])
            return None
        if do == "mark":
            sentence = int(entry["sentence"])
            length = self.length(sentence)
            after = Marks(
                self._read_spans(entry["spans"], length),
                self._read_spans(entry["rejected"], length), entry["status"],
            )  # fmt: skip
            self._undo.append((sentence, self.marks(sentence), after))
            self._redo.clear()
            return self._put(sentence, after)
        if do == "undo":
            sentence, before, after = self._undo.pop()
            self._redo.append((sentence, before, after))
            return self._put(sentence, before)
        sentence, before, after = self._redo.pop()
        self._undo.append((sentence, before, after))
        return self._put(sentence, after)

    def _put(self, sentence: int, marks: Marks) -> int:
        before = self.marks(sentence).status
        self.changed[sentence] = marks
        self.versions[sentence] += 1
        if marks.status != before:
            if before == DONE:
                self.done_order.remove(sentence)
            if marks.status == DONE:
                self.done_order.append(sentence)
        return sentence

    def _check_type(self, name: Any) -> None:
        if not isinstance(name, str) or not valid_type(name):
            raise ValueError(
                f"a type is a name in one line, of up to {LONGEST_TYPE} characters without a comma"
            )
        if name in self.types:
            raise ValueError(f"there is a type {name} already")
        if len(self.types) >= MOST_TYPES:
            raise ValueError(f"there are {MOST_TYPES} types already")

    def _read_spans(self, given: Any, length: int) -> tuple[Span, ...]:
        """The spans of an entry; :class:`ValueError` for what is none."""
        if not isinstance(given, list | tuple) or len(given) > MOST_SPANS:
            raise ValueError("spans are a list")
        found = tuple(read_span(each, length) for each in given)
        if len(set(found)) != len(found):
            raise ValueError("a span is there twice")
        for span in found:
            if span.type not in self.types:
                raise ValueError(f"there is no type {span.type[:LONGEST_TYPE]}")
        return found


def valid_type(name: str) -> bool:
    """Whether a text can be the name of a type."""
    return bool(
        name == name.strip() and 0 < len(name) <= LONGEST_TYPE
        and name.isprintable() and "," not in name
    )  # fmt: skip


def read_span(given: Any, length: int) -> Span:
    """A span as entries have it; :class:`ValueError` for what is none in so many characters."""
    try:
        name, pieces = given
        bounds = tuple((start, end) for start, end in pieces)
    except (TypeError, ValueError):
        raise ValueError("a span is [type, [[start, end], ...]]") from None
    if not isinstance(name, str):
        raise ValueError("the type of a span is no text")
    before = 0
    for start, end in bounds:
        if type(start) is not int or type(end) is not int or not before <= start < end <= length:
            raise ValueError("the pieces of a span are out of order or outside the sentence")
        before = end
    if not bounds:
        raise ValueError("a span has no pieces")
    return Span(name, bounds)


def as_json(spans: Sequence[Span]) -> list[Any]:
    """Spans as entries have them."""
    return [[span.type, [list(piece) for piece in span.pieces]] for span in spans]
