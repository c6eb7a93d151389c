"""What a tagger got wrong, beside the gold annotation: missed, spurious, wrong bounds, wrong type.

A mention counts only with exact bounds and type (see
:mod:`fewshot_metalstm.kinds.tagging.tagger.scoring`). Here each that does not is paired with the
one that it was meant to be, where the two overlap, so that one mistake is shown once although it
costs precision and recall both.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from fewshot_metalstm.kinds.tagging.corpora.sentence import Span
from fewshot_metalstm.kinds.tagging.tagger.scoring import f1

RIGHT, BOUNDARY, TYPE, MISSED, SPURIOUS = "right", "boundary", "type", "missed", "spurious"
MISTAKES = (MISSED, SPURIOUS, BOUNDARY, TYPE)


@dataclass(frozen=True, slots=True)
class Match:
    """A gold mention and the tagged one that stands for it; either may be absent, never both."""

    gold: Span | None
    found: Span | None

    @property
    def kind(self) -> str:
        """``missed`` or ``spurious`` (nothing overlaps), ``type`` (an overlapping mention of
        another type, with the same bounds or others), ``boundary`` (of the same type with other
        bounds), or ``right``."""
        if self.found is None:
            return MISSED
        if self.gold is None:
            return SPURIOUS
        if self.gold == self.found:
            return RIGHT
        return BOUNDARY if self.gold.type == self.found.type else TYPE

    @property
    def place(self) -> Span:
        """The gold mention, or the tagged one where there is none."""
        span = self.gold or self.found
        assert span is not None
        return span


def match(gold: Sequence[Span], found: Sequence[Span]) -> list[Match]:
    """Pair the mentions of a sentence, from left to right.

    Equal ones first; then those with the same bounds; then those that share most tokens, of the
    same type before others. A mention is in one pair.
    """
    pairs = [
        (g != f, (g.start, g.end) != (f.start, f.end), -_shared(g, f), g.type != f.type,
         g.start, f.start, i, j)
        for i, g in enumerate(gold) for j, f in enumerate(found) if _shared(g, f) > 0
    ]  # fmt: skip
    of_gold: dict[int, int] = {}
    of_found: dict[int, int] = {}
    for *_, i, j in sorted(pairs):
        if i not in of_gold and j not in of_found:
            of_gold[i], of_found[j] = j, i
    matches = [Match(g, found[of_gold[i]] if i in of_gold else None) for i, g in enumerate(gold)]
    matches += [Match(None, f) for j, f in enumerate(found) if j not in of_found]
    return sorted(matches, key=lambda m: (m.place.start, m.place.end, m.found is None))


def _shared(a: Span, b: Span) -> int:
    return min(a.end, b.end) - max(a.start, b.start)


@dataclass(frozen=True)
class Cost:
    """What one surface form costs: ``gain`` is how much F1 would rise without these mistakes."""

    kind: str
    text: str
    type: str
    number: int
    gain: float
    places: tuple[int, ...]  # sentences, each once


def totals(matches: Iterable[Match]) -> tuple[int, int, int]:
    """(right, tagged, gold) mentions, for
    :func:`~fewshot_metalstm.kinds.tagging.tagger.scoring.f1`.
    """
    right = found = gold = 0
    for one in matches:
        right += one.kind == RIGHT
        found += one.found is not None
        gold += one.gold is not None
    return right, found, gold


def costs(tokens: Sequence[Sequence[str]], matches: Sequence[Sequence[Match]]) -> list[Cost]:
    """The mistakes by kind, surface form and type, the costliest first.

    The form and the type are those of the gold annotation, or of the tagger where that has none.
    """
    groups: dict[tuple[str, str, str], list[int]] = {}
    for number, (words, found) in enumerate(zip(tokens, matches, strict=True)):
        for one in found:
            if one.kind != RIGHT:
                place = one.place
                text = " ".join(words[place.start : place.end])
                groups.setdefault((one.kind, text, place.type), []).append(number)
    right, found_all, gold = totals(one for each in matches for one in each)
    before = f1(right, found_all, gold)
    rows = []
    for (kind, text, name), places in groups.items():
        n = len(places)
        tagged = found_all + n * ((kind == MISSED) - (kind == SPURIOUS))
        mended = f1(right + n * (kind != SPURIOUS), tagged, gold)
        rows.append(Cost(kind, text, name, n, mended - before, tuple(dict.fromkeys(places))))
    return sorted(rows, key=lambda c: (-c.gain, c.kind, c.text, c.type))
