"""Raw text to tokens and back: every token keeps its character offsets.

Words are split as the biomedical corpora of the catalogue are: punctuation and symbols stand
alone, letters and digits stay together (``IL-2`` is ``IL``, ``-``, ``2``). A sentence ends at
``.``, ``!`` or ``?`` before white space and a capital or a digit, and at a line's end.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

_TOKEN = re.compile(r"[^\W_]+|[^\w\s]|_")
_END = re.compile(r"(?<=[.!?])([\"')\]]*)\s+(?=[\"'(\[]*[A-Z0-9])")
# A full stop after these does not end a sentence; single capitals (initials, E. coli) neither.
_ABBREVIATION = re.compile(
    r"(?:\b(?:[A-Z]|al|approx|ca|cf|Dr|e\.g|et|etc|Fig|Figs|i\.e|no|No|Prof|Ref|Refs|resp|sp|spp|"
    r"St|subsp|var|vs))\.$"
)


@dataclass(frozen=True)
class TextSentence:
    """A sentence of a text: its tokens with their offsets (start, end) in the whole text."""

    tokens: tuple[str, ...]
    offsets: tuple[tuple[int, int], ...]


def split(text: str) -> list[TextSentence]:
    """Split ``text`` into sentences of tokens; ``text[start:end]`` is the token."""
    sentences = []
    for start, end in _sentences(text):
        found = list(_TOKEN.finditer(text, start, end))
        if found:
            sentences.append(
                TextSentence(tuple(m.group() for m in found), tuple(m.span() for m in found))
            )
    return sentences


def _sentences(text: str) -> list[tuple[int, int]]:
    bounds = []
    for line in re.finditer(r"[^\r\n]+", text):
        start = line.start()
        for gap in _END.finditer(text, line.start(), line.end()):
            before = text[start : gap.start()].rstrip("\"')]")
            if _ABBREVIATION.search(before):
                continue
            bounds.append((start, gap.end(1)))
            start = gap.end()
        bounds.append((start, line.end()))
    return bounds
