"""Features of words, looked up once: vectors, characters and the shape of a word.

What batches are made of them, and what is learned of them, is the business of a kind of task.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from fewshot_metalstm.nn.stored_rows import Array
from fewshot_metalstm.nn.vectors import WordVectors

CASE_FEATURES = 8
Ints = npt.NDArray[np.int64]


def case_features(word: str) -> list[float]:
    """Eight yes-or-no features of a word's shape."""
    letters = [c for c in word if c.isalpha()]
    return [
        float(bool(letters) and word.islower()),
        float(bool(letters) and word.isupper()),
        float(word[:1].isupper()),
        float(any(c.isupper() for c in word[1:])),
        float(any(c.isdigit() for c in word)),
        float(word.isdigit()),
        float("-" in word or "/" in word),
        float(not letters),
    ]


class WordFeatures:
    """Features of every word met so far. Grows on demand; rows never change.

    Args:
        vectors: word vectors, which are looked up and never trained.
        alphabet: characters known, in order; index 0 is padding and 1 any other character.
    """

    def __init__(self, vectors: WordVectors, alphabet: Sequence[str]) -> None:
        self.source = vectors
        self.alphabet = {c: i for i, c in enumerate(alphabet, start=2)}
        self._rows: dict[str, int] = {}
        self._vectors = np.zeros((0, vectors.size), np.float32)
        self._case = np.zeros((0, CASE_FEATURES), np.float32)
        self._characters: list[Ints] = []

    def __len__(self) -> int:
        return len(self._characters)

    def learn_words(self, words: Iterable[str]) -> None:
        """Look up the features of the words that are new, all at once."""
        new = [word for word in dict.fromkeys(words) if word not in self._rows]
        if not new:
            return
        for word in new:
            self._rows[word] = len(self._rows)
            self._characters.append(np.array([self.alphabet.get(c, 1) for c in word], np.int64))
        case = np.array([case_features(w) for w in new], np.float32)
        self._case = np.concatenate([self._case, case])
        self._vectors = np.concatenate([self._vectors, self.source.lookup(new)])

    def rows_of(self, words: Iterable[str], number: int = -1) -> Ints:
        """The rows of ``number`` words that were met (:meth:`learn_words`); KeyError otherwise."""
        return np.fromiter(map(self._rows.__getitem__, words), np.int64, number)

    def vectors(self, rows: Ints) -> Array:
        """The vectors of the words at ``rows``, (U, size)."""
        found: Array = self._vectors[rows]
        return found

    def case(self, rows: Ints) -> Array:
        """The shapes of the words at ``rows``, (U, 8)."""
        found: Array = self._case[rows]
        return found

    def characters(self, rows: Ints) -> Tensor:
        """The characters of the words at ``rows``, (U, L), padded with 0."""
        lengths = self.word_lengths(rows)
        padded = np.zeros((len(rows), lengths.max()), np.int64)
        inside = np.arange(lengths.max()) < lengths[:, None]
        padded[inside] = np.concatenate([self._characters[i] for i in rows])
        return torch.from_numpy(padded)

    def word_lengths(self, rows: Ints) -> Ints:
        """Characters of each of the words at ``rows``."""
        return np.array([len(self._characters[i]) for i in rows], np.int64)


def in_order_of_use(words: Ints) -> tuple[Ints, Ints]:
    """The distinct ones of ``words`` in the order of their first use, and where each stands.

    So a batch (and with it the dropout of its words) depends on its items alone and not on what a
    table of words met before.

    Returns:
        (U,) distinct values and, for each of ``words``, its place among them.
    """
    distinct, first, inverse = np.unique(words, return_index=True, return_inverse=True)
    order = np.argsort(first)
    return distinct[order], np.argsort(order)[inverse]
