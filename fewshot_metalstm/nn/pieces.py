"""Words as the subwords of a pretrained encoder, each of which has a vector of its own.

A word is cut as BERT cuts it: cleaned, perhaps in lower case and without accents, cut at
punctuation, and then from left to right into the longest pieces that the vocabulary has. It has the
mean of their vectors. So a word that no text of ours had is composed of what an encoder, which has
read far more, knows of its parts; the encoder itself is not needed.

Sources: Devlin et al., "BERT: Pre-training of Deep Bidirectional Transformers for Language
Understanding", NAACL 2019 (the cutting); Bommasani, Davis, Cardie, "Interpreting Pretrained
Contextualized Representations via Reductions to Static Equivalents", ACL 2020 (vectors of an
encoder that stand without it).
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

import numpy as np

from fewshot_metalstm.nn.stored_rows import Array, Rows

INSIDE = "##"  # before a piece that does not begin a word
LONGEST = 100  # characters of a word that is cut; a longer one is unknown
# Blocks of Chinese characters, each of which is a word of its own.
_CHINESE = (
    (0x4E00, 0x9FFF), (0x3400, 0x4DBF), (0x20000, 0x2A6DF), (0x2A700, 0x2B73F),
    (0x2B740, 0x2B81F), (0x2B920, 0x2CEAF), (0xF900, 0xFAFF), (0x2F800, 0x2FA1F),
)  # fmt: skip


@dataclass(frozen=True)
class WordPieces:
    """The pieces of an encoder with their vectors.

    Args:
        pieces: the vocabulary, in its order; those inside a word begin with ``##``.
        matrix: a vector a piece, (P, size).
        unknown: the place of the piece that stands for what cannot be cut.
        lower: whether words are read in lower case and without accents.
        source: which encoder they are of.

    Raises:
        ValueError: they do not fit each other.
    """

    pieces: tuple[str, ...]
    matrix: Rows
    unknown: int
    lower: bool
    source: str = ""
    _places: dict[str, int] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        if len(self.pieces) != len(self.matrix) or not 0 <= self.unknown < len(self.pieces):
            raise ValueError(f"{len(self.matrix)} vectors for {len(self.pieces)} pieces")
        object.__setattr__(self, "_places", {piece: i for i, piece in enumerate(self.pieces)})

    @property
    def size(self) -> int:
        """Length of a vector."""
        return int(self.matrix.shape[1])

    def lookup(self, words: Sequence[str]) -> Array:
        """The mean vector of each word's pieces, (len(words), size)."""
        cut = [self.cut(word) for word in words]
        if not cut:
            return np.zeros((0, self.size), np.float32)
        rows = np.asarray(self.matrix[[place for places in cut for place in places]], np.float32)
        numbers = np.array([len(places) for places in cut])
        means: Array = np.add.reduceat(rows, np.cumsum(numbers) - numbers)
        means /= numbers[:, None]
        return means

    def cut(self, word: str) -> list[int]:
        """The places of the pieces of a word, at least one."""
        found = [place for part in _parts(word, self.lower) for place in self._longest(part)]
        return found or [self.unknown]

    def _longest(self, part: str) -> list[int]:
        """The longest pieces from left to right, or the unknown one alone."""
        if len(part) > LONGEST:
            return [self.unknown]
        found = []
        start = 0
        while start < len(part):
            mark = INSIDE if start else ""
            for end in range(len(part), start, -1):
                place = self._places.get(mark + part[start:end])
                if place is not None:
                    found.append(place)
                    start = end
                    break
            else:
                return [self.unknown]
        return found


def _parts(word: str, lower: bool) -> Iterator[str]:
    """A word without what is not printed, cut at spaces and around punctuation."""
    if lower:
        # Character by character: a sigma at a word's end is an ordinary one.
        word = "".join(
            c.lower() for c in unicodedata.normalize("NFD", word) if unicodedata.category(c) != "Mn"
        )
    part = ""
    for c in word:
        if _alone(c) or _space(c):
            if part:
                yield part
            part = ""
            if not _space(c):
                yield c
        elif not (c == "\ufffd" or unicodedata.category(c) in ("Cc", "Cf", "Co")):
            part += c
    if part:
        yield part


def _space(c: str) -> bool:
    return c in "\t\n\r" or (c.isspace() and unicodedata.category(c) != "Cc")


def _alone(c: str) -> bool:
    """Whether a character is a part of its own: punctuation, ASCII signs, Chinese characters."""
    if c.isascii():
        return c.isprintable() and not c.isalnum() and c != " "
    code = ord(c)
    return unicodedata.category(c).startswith("P") or any(a <= code <= b for a, b in _CHINESE)
