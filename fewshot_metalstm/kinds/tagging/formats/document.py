"""Annotated text with character offsets, as every format is read into and written from.

Offsets count characters (Unicode code points, as ``str`` does) from 0, ends exclusive. What other
units a format counts in is :mod:`fewshot_metalstm.kinds.tagging.formats.offsets`.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import TypeAlias

from fewshot_metalstm.printable import encodable

Bounds: TypeAlias = tuple[int, int]
CONFIDENCE = "confidence"  # the attribute that holds it where a format has no other place


@dataclass(frozen=True, slots=True)
class Mention:
    """A mention of entity type ``type`` from ``start`` to ``end``.

    ``fragments`` are the pieces of a discontinuous mention, in order and apart, the first from
    ``start`` and the last to ``end``; empty for all others. ``id`` is the annotation's name in
    its file, ``attributes`` what else the file says of it, as (name, value). ``confidence`` is the
    probability, 0 to 1, that a tagger gives it; None where none did.
    """

    start: int
    end: int
    type: str
    id: str = ""
    fragments: tuple[Bounds, ...] = ()
    attributes: tuple[tuple[str, str], ...] = ()
    confidence: float | None = None

    @property
    def pieces(self) -> tuple[Bounds, ...]:
        """The fragments, or the one piece that there is."""
        return self.fragments or ((self.start, self.end),)


@dataclass(frozen=True, slots=True)
class Passage:
    """A part of a document, such as its title; ``type`` may be empty."""

    start: int
    end: int
    type: str = ""


@dataclass(frozen=True, slots=True)
class Document:
    """A text with its mentions, in the order of the file.

    ``passages``, and the bounds of ``sentences`` and ``tokens``, are those that the file gives;
    empty where it gives none, and sentences and tokens are then found by rule (see
    :func:`fewshot_metalstm.kinds.tagging.formats.sentences.to_sentences`).
    """

    id: str
    text: str
    mentions: tuple[Mention, ...] = ()
    passages: tuple[Passage, ...] = ()
    sentences: tuple[Bounds, ...] = ()
    tokens: tuple[Bounds, ...] = ()

    annotated: bool = True
    """Whether someone annotated it: if no one did, that it has no mentions says nothing."""

    def problem(self) -> str | None:
        """What is wrong with the document, or None.

        Every bound must lie within the text; sentences, tokens and the fragments of a mention
        are in order and apart; a mention is not empty and has a type in one line, and a confidence
        is a probability.
        """
        return next(self._problems(), None)

    def bad_mentions(self) -> list[tuple[Mention, str]]:
        """The mentions that something is wrong with, and what."""
        size = len(self.text)
        found = ((mention, next(_of_mention(mention, size), None)) for mention in self.mentions)
        return [(mention, problem) for mention, problem in found if problem is not None]

    def _problems(self) -> Iterator[str]:
        for text in (self.id, self.text):
            if not encodable(text):
                yield "holds a lone surrogate, which is no character"
        if any(ord(c) < 32 or c in "\x7f\x85\u2028\u2029" for c in self.id):
            yield f"the id {self.id[:80]!r} holds a control character"
        size = len(self.text)
        for mention in self.mentions:
            yield from _of_mention(mention, size)
        for passage in self.passages:
            if not 0 <= passage.start <= passage.end <= size:
                yield f"passage {passage.start}-{passage.end} is not within the text"
            if not encodable(passage.type):
                yield "a passage's type holds a lone surrogate, which is no character"
        for name, bounds in (("sentences", self.sentences), ("tokens", self.tokens)):
            if not _apart(bounds, size):
                yield f"{name} are out of order, empty or not within the text"


def _of_mention(mention: Mention, size: int) -> Iterator[str]:
    """What is wrong with a mention of a text of ``size`` characters."""
    name = f"mention {mention.id or mention.type!r} at {mention.start}-{mention.end}"
    if not mention.type.strip() or mention.type != mention.type.strip():
        yield f"{name} has no type, or one with blanks around it"
    if any(ord(c) < 32 or c in "\x7f\x85\u2028\u2029" for c in mention.type + mention.id):
        yield f"{name} has a control character in its type or id"
    words = (mention.type, mention.id, *(word for pair in mention.attributes for word in pair))
    if not all(map(encodable, words)):
        yield f"{name} holds a lone surrogate, which is no character"
    if mention.confidence is not None and not 0 <= mention.confidence <= 1:
        yield f"{name} has the confidence {mention.confidence}, which is not from 0 to 1"
    if mention.start == mention.end:
        yield f"{name} is empty"
    elif not 0 <= mention.start < mention.end <= size:
        yield f"{name} is not within the text of {size} characters"
    pieces = mention.fragments
    if pieces and (
        len(pieces) < 2
        or (pieces[0][0], pieces[-1][1]) != (mention.start, mention.end)
        or not _apart(pieces, size)
    ):
        yield f"{name} has fragments out of order"


def with_confidence(
    attributes: Iterable[tuple[str, str]], mention: Mention
) -> tuple[tuple[str, str], ...]:
    """Attributes with the mention's confidence among them, for formats without numbers."""
    own = () if mention.confidence is None else ((CONFIDENCE, str(mention.confidence)),)
    return (*attributes, *own)


def apart(
    attributes: tuple[tuple[str, str], ...],
) -> tuple[tuple[tuple[str, str], ...], float | None]:
    """Attributes without the one that :func:`with_confidence` added, and the confidence."""
    named = [value for name, value in attributes if name == CONFIDENCE]
    found = probability(named[0]) if len(named) == 1 else None
    if found is None or str(found) != named[0]:  # another program's, and kept as it is
        return attributes, None
    return tuple(pair for pair in attributes if pair[0] != CONFIDENCE), found


def probability(value: object) -> float | None:
    """A number from 0 to 1, or text that is one; None for all else."""
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        return None
    try:
        number = float(value)
    except (ValueError, OverflowError):
        return None
    return number if 0 <= number <= 1 else None


def _apart(bounds: tuple[Bounds, ...], size: int) -> bool:
    before = 0
    for start, end in bounds:
        if not before <= start < end <= size:
            return False
        before = end
    return True
