"""Word vectors: trained on the meta-train text, or a file of the user's.

A :class:`WordVectors` answers for any word. A word of the vocabulary has its row; another is
composed of its character n-grams where the vectors have them (fastText), and is zero otherwise.
Rows are held in half precision, or in a byte a number (:class:`Quantised`).

Source: Bojanowski, Grave, Joulin, Mikolov, "Enriching Word Vectors with Subword Information",
TACL 2017; hashing as in gensim, which trains the vectors.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[np.float32]
_DIGIT = re.compile(r"[0-9]")


def normalise(word: str) -> str:
    """The form under which trained vectors know a word: lower case, every digit a 0."""
    return _DIGIT.sub("0", word.lower())


@dataclass(frozen=True)
class Quantised:
    """Rows of numbers, a byte each: number j of row i is ``codes[i, j] * scales[i]``.

    The largest number of a row is 127 steps of its scale, so that none is off by more than half
    a step. Indexed as an array is, it gives those rows alone in single precision.
    """

    codes: npt.NDArray[np.int8]  # (N, size)
    scales: Array  # (N,)

    def __post_init__(self) -> None:
        if self.codes.ndim != 2 or self.scales.shape != self.codes.shape[:1]:
            shapes = f"{self.codes.shape} and {self.scales.shape}"
            raise ValueError(f"codes and scales of the shapes {shapes} do not fit")

    @property
    def shape(self) -> tuple[int, ...]:
        """(N, size)."""
        return self.codes.shape

    def __len__(self) -> int:
        return len(self.codes)

    def __getitem__(self, rows: Sequence[int] | slice) -> Array:
        """The rows at some indices, (len(rows), size)."""
        return self.codes[rows] * self.scales[rows, None]


Rows = npt.NDArray[np.float16] | Quantised


def quantise(rows: Rows) -> Quantised:
    """Rows in a byte a number, one scale a row; those that are so already are left alone."""
    if isinstance(rows, Quantised):
        return rows
    full = rows.astype(np.float32)
    largest = np.abs(full).max(axis=1, initial=0.0)
    scales = np.where(largest > 0, largest / 127, 1.0).astype(np.float32)
    codes = np.rint(full / scales[:, None]).astype(np.int8)
    return Quantised(codes, scales)


@dataclass(frozen=True)
class Subwords:
    """Character n-gram vectors: n-grams of ``min_n`` to ``max_n`` hashed to rows of ``buckets``."""

    buckets: Rows  # (number of buckets, size)
    min_n: int
    max_n: int


@dataclass(frozen=True)
class WordVectors:
    """A vocabulary with its vectors, (V, size), and perhaps subwords."""

    words: tuple[str, ...]
    matrix: Rows
    subwords: Subwords | None = None
    source: str = ""
    _rows: dict[str, int] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "_rows", {word: i for i, word in enumerate(self.words)})

    @property
    def size(self) -> int:
        """Length of a vector."""
        return int(self.matrix.shape[1])

    def __contains__(self, word: str) -> bool:
        return self._row(word) is not None

    def _row(self, word: str) -> int | None:
        for form in (word, word.lower(), normalise(word)):
            row = self._rows.get(form)
            if row is not None:
                return row
        return None

    def lookup(self, words: Sequence[str]) -> Array:
        """Vectors of ``words``, (len(words), size), each of root mean square 1, or all zero."""
        out = np.zeros((len(words), self.size), np.float32)
        rows = [self._row(word) for word in words]
        known = [i for i, row in enumerate(rows) if row is not None]
        out[known] = self.matrix[[row for row in rows if row is not None]]
        if self.subwords is not None:
            for i, row in enumerate(rows):
                if row is None:
                    out[i] = self._composed(words[i], self.subwords)
        scale = np.sqrt(np.mean(out**2, axis=1, keepdims=True))
        return np.divide(out, scale, out=np.zeros_like(out), where=scale > 0)

    def _composed(self, word: str, subwords: Subwords) -> Array:
        """The mean of a word's n-grams, before it is scaled; zeros if it has none."""
        hashes = ngram_hashes(
            normalise(word), subwords.min_n, subwords.max_n, len(subwords.buckets)
        )
        if not hashes:
            return np.zeros(self.size, np.float32)
        mean: Array = np.asarray(subwords.buckets[hashes], np.float32).mean(axis=0)
        return mean


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
