"""Where the mentions of a document are: as claimed, moved to their text, or left out."""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Callable, Iterator, Sequence
from functools import cached_property
from itertools import accumulate, islice

from fewshot_metalstm.errors import UserError
from fewshot_metalstm.kinds.tagging.corpora.bad import OFFSETS, BadAnnotations
from fewshot_metalstm.kinds.tagging.formats.document import Bounds
from fewshot_metalstm.kinds.tagging.formats.offsets import Claim, Ruler, fit, held

_SEARCHED = 2**30  # characters of a document that may be looked through for texts of mentions
_OCCURRENCES = 1000  # of a text with other white space
_WORD = re.compile(r"\S+")


def settle(
    text: str,
    claims: Sequence[Claim],
    units: Sequence[str],
    bad: BadAnnotations,
    wrong: Callable[[int], tuple[UserError, str]],
) -> tuple[str, list[tuple[Bounds, ...] | None]]:
    """The unit of the claims and their pieces in characters, None for one that is left out.

    The unit is one in which all claims hold; if there is none, the one in which most do, and the
    others are bad annotations.

    Args:
        units: those that the format is met in, its own first.
        wrong: the error for a claim's number, and the annotation as the file has it.
    """
    fitted = fit(text, claims, units)
    if not isinstance(fitted, int):
        return fitted[0], list(fitted[1])
    unit, found = _best(text, claims, units)
    nearest = Occurrences(text)
    ruler = Ruler(text, unit)
    for number, pieces in enumerate(found):
        if pieces is not None:
            continue
        error, words = wrong(number)
        moved = moved_to(text, claims[number], ruler, nearest) if bad.repairs else None
        if moved is None:
            bad.leave_out(error, OFFSETS, words)
        else:
            places = ";".join(f"{start}-{end}" for start, end in moved)
            bad.mended(error, OFFSETS, words, f"moved to {places}")
            found[number] = moved
    return unit, found


def _best(
    text: str, claims: Sequence[Claim], units: Sequence[str]
) -> tuple[str, list[tuple[Bounds, ...] | None]]:
    tried_plain = False
    best: tuple[str, list[tuple[Bounds, ...] | None]] | None = None
    for unit in units:
        ruler = Ruler(text, unit)
        if ruler.plain and tried_plain:
            continue
        tried_plain |= ruler.plain
        found = [held(text, claim, ruler) for claim in claims]
        if best is None or found.count(None) < best[1].count(None):
            best = unit, found
    if best is None:
        raise AssertionError("a format without a unit")
    return best


def moved_to(
    text: str, claim: Claim, ruler: Ruler, nearest: Occurrences
) -> tuple[Bounds, ...] | None:
    """The nearest occurrence of the claim's text."""
    if claim.text is None or not claim.text.strip():
        return None
    claimed = ruler.index(claim.pieces[0][0])
    start = min(claim.pieces[0][0], len(text)) if claimed is None else claimed
    place = nearest.to(claim.text, start)
    return None if place is None else (place,)


class Occurrences:
    """Where texts of mentions occur in a document; the work of looking is bounded."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._absent: set[str] = set()  # as they are written
        self._spaced: dict[str, list[Bounds]] = {}  # occurrences with other white space
        self._searched = 0

    def to(self, stated: str, start: int) -> Bounds | None:
        """The occurrence of ``stated`` that begins nearest to ``start``, the first of two."""
        words = " ".join(stated.split())
        if words not in self._absent:
            place = self._nearest(words, start)
            if place is not None:
                return place, place + len(words)
        return self._with_other_space(words, start)

    def _nearest(self, words: str, start: int) -> int | None:
        if self._searched > _SEARCHED:  # of a file that is made to be slow
            return None
        before = self._last_before(words, start)
        after = self._text.find(words, start)
        self._searched += start - before if before >= 0 else start
        self._searched += (after if after >= 0 else len(self._text)) - start
        if before < 0 and after < 0:
            self._absent.add(words)
        found = [place for place in (before, after) if place >= 0]
        return min(found, key=lambda place: abs(place - start), default=None)

    def _with_other_space(self, words: str, start: int) -> Bounds | None:
        """The nearest of the first occurrences in which more or other white space stands."""
        if " " not in words:
            return None
        if words not in self._spaced:
            self._searched += len(self._text)
            if self._searched > _SEARCHED:
                return None
            self._spaced[words] = list(islice(self._in_any_space(words), _OCCURRENCES))
        places_known = self._spaced[words]
        return min(places_known, key=lambda place: abs(place[0] - start), default=None)

    def _last_before(self, words: str, start: int) -> int:
        """The last occurrence that begins at ``start`` or before it, or -1.

        Looked for from behind with ``find``: the time that ``rfind`` takes may be the product of
        both lengths.
        """
        length = len(self._text)
        place = self._backwards.find(words[::-1], max(length - start - len(words), 0))
        return place if place < 0 else length - place - len(words)

    @cached_property
    def _backwards(self) -> str:
        return self._text[::-1]

    @cached_property
    def _words(self) -> tuple[str, list[int], list[int]]:
        """The text with one blank between words; where these begin in it, and in the text."""
        found = [match.span() for match in _WORD.finditer(self._text)]
        single = " ".join(self._text[start:end] for start, end in found)
        lengths = (end - start + 1 for start, end in found)
        return single, [0, *accumulate(lengths)], [start for start, _ in found]

    def _in_any_space(self, words: str) -> Iterator[Bounds]:
        """The occurrences of ``words`` in the text, whatever white space is between them."""
        single, begins, starts = self._words

        def place(offset: int) -> int:
            word = bisect_right(begins, offset) - 1
            return starts[word] + offset - begins[word]

        found = single.find(words)
        while found >= 0:
            yield place(found), place(found + len(words) - 1) + 1
            found = single.find(words, found + len(words))
