"""The units that offsets are counted in, and how a file's own are found.

Python, brat, spaCy and PubTator count characters (code points). Programs in JavaScript, such as
Label Studio, count UTF-16 units, of which a character outside the first plane has two. Some tools
around BioC count UTF-8 bytes, and some editors count the two characters of a CR LF as one.

A format names the unit that it is written in first, and others that it is met in. Where the file
repeats the text of each mention, the first unit in which all the mentions of a document say what
stands there is taken; if none does, the document is refused. Without such texts the first counts.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import accumulate

from fewshot_metalstm.kinds.tagging.formats.document import Bounds

CHARACTERS, UTF16, BYTES, NEWLINES = "characters", "utf16", "bytes", "newlines"


@dataclass(frozen=True, slots=True)
class Claim:
    """What a file says of a mention: its pieces in some unit, and the text of it (or None).

    The pieces stand in the order of the file, which the text follows too, or that of the text.
    """

    pieces: tuple[Bounds, ...]
    text: str | None


class Ruler:
    """Offsets of one text in one unit, to characters and back."""

    def __init__(self, text: str, unit: str) -> None:
        self._size = len(text)
        self._starts: list[int] | None = None  # the unit's offset of every character and the end
        if unit == UTF16 and not text.isascii() and max(text) > "\uffff":
            self._starts = [0, *accumulate(2 if c > "\uffff" else 1 for c in text)]
        elif unit == BYTES and not text.isascii():
            self._starts = [0, *accumulate(_bytes(c) for c in text)]
        elif unit == NEWLINES and "\r\n" in text:
            after = text[1:] + " "
            self._starts = [0, *accumulate(
                0 if c == "\r" and n == "\n" else 1 for c, n in zip(text, after, strict=True)
            )]  # fmt: skip

    @property
    def plain(self) -> bool:
        """Whether the unit counts this text as characters do."""
        return self._starts is None

    def index(self, offset: int) -> int | None:
        """The character at ``offset``; None within a character or outside the text."""
        if self._starts is None:
            return offset if 0 <= offset <= self._size else None
        place = bisect_left(self._starts, offset)
        found = 0 <= place <= self._size and self._starts[place] == offset
        return place if found else None

    def offset(self, index: int) -> int:
        """The offset of the character ``index``, which lies within the text or at its end."""
        return index if self._starts is None else self._starts[index]


def _bytes(character: str) -> int:
    code = ord(character)
    return 1 if code < 0x80 else 2 if code < 0x800 else 3 if code < 0x10000 else 4


def same(stated: str, found: str) -> bool:
    """Whether two texts are one, apart from how much white space stands where."""
    return stated == found or stated.split() == found.split()


def says(text: str, pieces: Sequence[Bounds], stated: str) -> bool:
    """Whether ``stated`` is the text of the pieces, joined with blanks or without any."""
    words = [text[start:end] for start, end in pieces]
    if same(stated, " ".join(words)):
        return True
    return len(pieces) > 1 and "".join(stated.split()) == "".join("".join(words).split())


def far_longer(pieces: Sequence[Bounds], stated: str) -> bool:
    """Whether no white space explains the length: saves looking at it."""
    return sum(end - start for start, end in pieces) > 4 * len(stated) + 64


def fit(
    text: str, claims: Sequence[Claim], units: Sequence[str]
) -> tuple[str, list[tuple[Bounds, ...]]] | int:
    """The first unit in which all claims hold and the pieces in characters.

    Returns:
        unit and pieces; or the number of the first claim that does not hold in the first unit.
    """
    failed = 0
    tried_plain = False  # a unit that counts this text as characters do
    for number, unit in enumerate(units):
        ruler = Ruler(text, unit)
        if ruler.plain and tried_plain:
            continue
        tried_plain |= ruler.plain
        found = []
        for claim in claims:
            pieces = held(text, claim, ruler)
            if pieces is None:
                break
            found.append(pieces)
        else:
            return unit, found
        if number == 0:
            failed = len(found)
    return failed


def held(text: str, claim: Claim, ruler: Ruler) -> tuple[Bounds, ...] | None:
    """The pieces in characters and in their order, if what the claim says stands there."""
    pieces = []
    for start, end in claim.pieces:
        first, last = ruler.index(start), ruler.index(end)
        if first is None or last is None or first >= last:
            return None
        pieces.append((first, last))
    ordered = tuple(sorted(pieces))
    if claim.text is not None:
        if far_longer(pieces, claim.text):
            return None
        if not says(text, pieces, claim.text) and not says(text, ordered, claim.text):
            return None
    return ordered
