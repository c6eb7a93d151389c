"""Word vectors: trained on the meta-train text, or a file of the user's.

A :class:`WordVectors` answers for any word. A word of the vocabulary has its row; another is
composed of its character n-grams where the vectors have them (fastText), and is zero otherwise.
Behind these numbers may stand those of the pieces that a pretrained encoder cuts a word into
(:mod:`fewshot_metalstm.nn.pieces`). Rows are held in half precision, or in a byte a number
(:class:`~fewshot_metalstm.nn.stored_rows.Quantised`).

Source: Bojanowski, Grave, Joulin, Mikolov, "Enriching Word Vectors with Subword Information",
TACL 2017; hashing as in gensim, which trains the vectors.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field, replace

import numpy as np

from fewshot_metalstm.nn.pieces import WordPieces
from fewshot_metalstm.nn.stored_rows import Array, Rows, quantise

_DIGIT = re.compile(r"[0-9]")


def normalise(word: str) -> str:
    """The form under which trained vectors know a word: lower case, every digit a 0."""
    return _DIGIT.sub("0", word.lower())


@dataclass(frozen=True)
class Subwords:
    """Character n-gram vectors: n-grams of ``min_n`` to ``max_n`` hashed to rows of ``buckets``."""

    buckets: Rows  # (number of buckets, size)
    min_n: int
    max_n: int


@dataclass(frozen=True)
class WordVectors:
    """A vocabulary with its vectors, (V, numbers), and perhaps subwords and pieces."""

    words: tuple[str, ...]
    matrix: Rows
    subwords: Subwords | None = None
    source: str = ""
    pieces: WordPieces | None = None
    _rows: dict[str, int] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "_rows", {word: i for i, word in enumerate(self.words)})

    @property
    def size(self) -> int:
        """Length of a vector, with what the pieces give."""
        return int(self.matrix.shape[1]) + (0 if self.pieces is None else self.pieces.size)

    def __contains__(self, word: str) -> bool:
        return self._row(word) is not None

    def _row(self, word: str) -> int | None:
        for form in (word, word.lower(), normalise(word)):
            row = self._rows.get(form)
            if row is not None:
                return row
        return None

    def lookup(self, words: Sequence[str]) -> Array:
        """Vectors of ``words``, (len(words), size).

        Each of their two parts has a root mean square of 1, or is all zero.
        """
        own = _scaled(self._own(words))
        if self.pieces is None:
            return own
        return np.concatenate([own, _scaled(self.pieces.lookup(words))], axis=1)

    def _own(self, words: Sequence[str]) -> Array:
        """Rows of the vocabulary, or what is composed of n-grams."""
        out = np.zeros((len(words), self.matrix.shape[1]), np.float32)
        rows = [self._row(word) for word in words]
        known = [i for i, row in enumerate(rows) if row is not None]
        out[known] = self.matrix[[row for row in rows if row is not None]]
        if self.subwords is not None:
            for i, row in enumerate(rows):
                if row is None:
                    out[i] = _composed(words[i], self.subwords)
        return out


def _scaled(vectors: Array) -> Array:
    """Each of root mean square 1; one that is all zero stays so."""
    scale = np.sqrt(np.mean(vectors**2, axis=1, keepdims=True))
    return np.divide(vectors, scale, out=np.zeros_like(vectors), where=scale > 0)


def _composed(word: str, subwords: Subwords) -> Array:
    """The mean of a word's n-grams, before it is scaled; zeros if it has none."""
    hashes = ngram_hashes(normalise(word), subwords.min_n, subwords.max_n, len(subwords.buckets))
    if not hashes:
        return np.zeros(subwords.buckets.shape[1], np.float32)
    mean: Array = np.asarray(subwords.buckets[hashes], np.float32).mean(axis=0)
    return mean


def quantised_vectors(vectors: WordVectors) -> WordVectors:
    """The same vectors in a byte a number (:func:`~fewshot_metalstm.nn.stored_rows.quantise`)."""
    subwords, pieces = vectors.subwords, vectors.pieces
    return replace(
        vectors, matrix=quantise(vectors.matrix),
        subwords=subwords and replace(subwords, buckets=quantise(subwords.buckets)),
        pieces=pieces and replace(pieces, matrix=quantise(pieces.matrix)),
    )  # fmt: skip


def blank_vectors(size: int) -> WordVectors:
    """Vectors of this length that know no word, so that every word is zero."""
    return WordVectors((), np.zeros((0, size), np.float16))


def ngram_hashes(word: str, min_n: int, max_n: int, buckets: int) -> list[int]:
    """Bucket of every character n-gram of ``<word>``, as gensim's fastText hashes them.

    N-grams are cut between UTF-8 characters; a lone ``<`` or ``>`` does not count. The hash is
    32-bit FNV-1a over signed bytes.
    """
    letters = [c.encode() for c in f"<{word}>"]
    hashes = []
    for start in range(len(letters)):
        value = 2166136261
        for n, letter in enumerate(letters[start : start + max_n], start=1):
            for byte in letter:
                signed = byte - 256 if byte > 127 else byte
                value = ((value ^ (signed & 0xFFFFFFFF)) * 16777619) & 0xFFFFFFFF
            if n >= min_n and not (n == 1 and (start in (0, len(letters) - 1))):
                hashes.append(value % buckets)
    return hashes
