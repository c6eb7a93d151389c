"""Raw text to tokens and back: every token keeps its character offsets.

Words are split as the biomedical corpora of the catalogue are: punctuation and symbols stand
alone, letters and digits stay together (``IL-2`` is ``IL``, ``-``, ``2``). A sentence ends at
``.``, ``!`` or ``?`` before white space and a capital or a digit, and at a line's end.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

# A mark that combines with a letter stays with it: \w alone would cut "é" written as two.
_MARKS = "\u0300-\u036f\u1ab0-\u1aff\u1dc0-\u1dff\u20d0-\u20ff\ufe20-\ufe2f"
_TOKEN = re.compile(rf"[^\W_]+(?:[{_MARKS}]+[^\W_]*)*|[^\w\s]|_")
_LINE = re.compile(r"[^\r\n]+")
# Begins with the mark itself: what begins with a look behind is tried at every character.
_END = re.compile(r"[.!?]([\"')\]]*)\s+(?=[\"'(\[]*[A-Z0-9À-ÖØ-ÞΑ-Ω])")
# A full stop after these does not end a sentence,
_ABBREVIATION = re.compile(
    r"(?:\b(?:al|approx|ca|cf|cv|Dr|e\.g|[Ee]qs?|et|etc|Figs?|i\.e|i\.p|i\.v|M[rs]|Mrs|no|Nos?|Prof|"
    r"[Rr]efs?|resp|sp|spp|ssp|St|subsp|Suppl|Tab|var|vs))\.$"
)
# nor after a single capital (initials, E. coli), unless it is the unit of a number ("at 37 C.") or
# a word follows that no name begins with: "protein kinase C. It".
_CAPITAL = re.compile(r"(?<!\d )(?<!\d °)(?<!°)\b[A-Z]\.$")
_BEGINNING = re.compile(
    r"[\"'(\[]*(?:After|All|Although|As|At|Because|Both|By|Finally|For|From|Furthermore|Here|However|In|It|"
    r"Moreover|Our|Since|Such|That|The|Then|There|Therefore|These|They|This|Thus|To|Using|We|When|"
    r"While|With)\b"
)


@dataclass(frozen=True, slots=True)
class TextSentence:
    """A sentence of a text: its tokens, and the ``text`` whose first character is at ``start``."""

    tokens: tuple[str, ...]
    text: str
    start: int

    @property
    def offsets(self) -> tuple[tuple[int, int], ...]:
        """The (start, end) of every token in the whole text. Found anew: few sentences need it."""
        found = _TOKEN.finditer(self.text)
        return tuple([(self.start + m.start(), self.start + m.end()) for m in found])


def tokenise(text: str) -> list[tuple[int, int]]:
    """The bounds of the tokens of a text, whatever its sentences; only white space is in none."""
    return [match.span() for match in _TOKEN.finditer(text)]


def split(text: str) -> list[TextSentence]:
    """Split ``text`` into sentences of tokens; ``text[start:end]`` is the token."""
    return list(split_stream([text]))


def sentence_bounds(text: str) -> Iterator[tuple[int, int]]:
    """Where the sentences of :func:`split` begin and end, without a look at their tokens.

    All but white space is in a token, so that the first begins and the last ends where a sentence
    without white space around it does.
    """
    for start, end in _sentences(text, whole=True):
        piece = text[start:end]
        bare = piece.lstrip()
        if bare:
            yield end - len(bare), start + len(piece.rstrip())


def split_stream(pieces: Iterable[str]) -> Iterator[TextSentence]:
    """:func:`split` for a text that comes in pieces, cut anywhere.

    Sentences are given as soon as their end is known. What is held is one piece and the sentence
    that it ends in, so that memory does not grow with the text.
    """
    held, base = "", 0
    waiting: list[str] = []  # pieces not looked at yet
    length = 0
    for piece in pieces:
        waiting.append(piece)
        length += len(piece)
        # A sentence that spans many pieces is looked through again only when it has doubled.
        if length < len(held):
            continue
        held += "".join(waiting)
        waiting, length = [], 0
        known = 0
        for start, end in _sentences(held, whole=False):
            yield from _tokens(held, start, end, base)
            known = end
        held, base = held[known:], base + known
    held += "".join(waiting)
    for start, end in _sentences(held, whole=True):
        yield from _tokens(held, start, end, base)


def _tokens(text: str, start: int, end: int, base: int) -> Iterator[TextSentence]:
    """The sentence at ``text[start:end]``, if it holds a token; ``text`` begins at ``base``."""
    # Cut out first, so that what follows the sentence is never looked at.
    piece = text[start:end].lstrip()
    tokens = tuple(_TOKEN.findall(piece))
    if tokens:
        yield TextSentence(tokens, piece, base + end - len(piece))


def _sentences(text: str, *, whole: bool) -> Iterator[tuple[int, int]]:
    """Bounds of the sentences; without the last one, which may go on, unless ``text`` is whole."""
    for line in _LINE.finditer(text):
        start = line.start()
        for gap in _END.finditer(text, line.start(), line.end()):
            # No abbreviation is longer; the whole sentence would be copied at every gap.
            stop = gap.start(1)
            before = text[max(start, stop - 32) : stop].rstrip("\"')]")
            if _ABBREVIATION.search(before):
                continue
            if _CAPITAL.search(before):
                begins = _BEGINNING.match(text, gap.end())
                # A word at the end of what is known may go on.
                if begins is None or (begins.end() == len(text) and not whole):
                    continue
            yield start, gap.end(1)
            start = gap.end()
        if whole or line.end() < len(text):
            yield start, line.end()
