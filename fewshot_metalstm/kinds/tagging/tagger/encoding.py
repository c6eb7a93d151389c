"""From sentences to tensors: distinct words with their features, and where they stand."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import accumulate, chain, pairwise

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from fewshot_metalstm.kinds.tagging.corpora.sentence import Sentence
from fewshot_metalstm.nn.vectors import WordVectors

CASE_FEATURES = 8
Ints = npt.NDArray[np.int64]


@dataclass(frozen=True)
class Batch:
    """Sentences as tensors. U distinct words, B sentences, T tokens in the longest.

    ``vectors`` (U, V) float, ``characters`` (U, L) int64 padded with 0, or (U, filters) float where
    they are encoded already, ``case`` (U, 8) float,
    ``index`` (B, T) int64 into the U words, ``lengths`` (B,) int64, ``tags`` (B, T) int64
    into ``O, B-, I-, E-, S-`` of each type; padding holds 0. ``types`` counts entity types.
    ``barred`` are places of a tagger's memory that the task may not start from.
    """

    vectors: Tensor
    characters: Tensor
    case: Tensor
    index: Tensor
    lengths: Tensor
    tags: Tensor
    types: int
    barred: tuple[int, ...] = ()

    def __len__(self) -> int:
        return len(self.lengths)

    def to(self, device: torch.device) -> Batch:
        """The same batch on ``device``."""
        moved = {k: v.to(device) for k, v in vars(self).items() if isinstance(v, Tensor)}
        return replace(self, **moved)  # type: ignore[arg-type]


@dataclass(frozen=True)
class Encoded:
    """Sentences as rows of a :class:`WordTable`: cheap to keep, quick to batch."""

    words: tuple[Ints, ...]
    tags: tuple[Ints, ...]
    types: int

    def __len__(self) -> int:
        return len(self.words)

    def take(self, indices: Sequence[int]) -> Encoded:
        """The sentences at ``indices``, in that order."""
        return Encoded(
            tuple(self.words[i] for i in indices), tuple(self.tags[i] for i in indices), self.types
        )


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


def labels(types: Sequence[str]) -> tuple[str, ...]:
    """``O`` and ``B-, I-, E-, S-`` of every type, in the order of the head's rows."""
    return ("O", *(f"{kind}-{name}" for name in types for kind in "BIES"))


class WordTable:
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

    def encode(self, sentences: Sequence[Sentence], types: Sequence[str]) -> Encoded:
        """Encode sentences whose tags are IOBES over ``types``; another tag is a ``KeyError``."""
        self.learn(sentences)
        rows = self._rows
        tag_of = {tag: i for i, tag in enumerate(labels(types))}
        # All at once, then cut: an array for each sentence would cost more than its words.
        total = sum(map(len, sentences))
        words = np.fromiter(
            map(rows.__getitem__, chain.from_iterable(s.tokens for s in sentences)), np.int64, total
        )
        tags = np.fromiter(
            map(tag_of.__getitem__, chain.from_iterable(s.tags for s in sentences)), np.int64, total
        )
        bounds = list(pairwise(accumulate(map(len, sentences), initial=0)))
        return Encoded(
            tuple([words[a:b] for a, b in bounds]),
            tuple([tags[a:b] for a, b in bounds]),
            len(types),
        )

    def learn(self, sentences: Sequence[Sentence]) -> None:
        """Look up the features of all words at once, before sentences are encoded one by one."""
        words = dict.fromkeys(chain.from_iterable(s.tokens for s in sentences))
        new = [w for w in words if w not in self._rows]
        if not new:
            return
        for word in new:
            self._rows[word] = len(self._rows)
            self._characters.append(np.array([self.alphabet.get(c, 1) for c in word], np.int64))
        case = np.array([case_features(w) for w in new], np.float32)
        self._case = np.concatenate([self._case, case])
        self._vectors = np.concatenate([self._vectors, self.source.lookup(new)])

    def __len__(self) -> int:
        return len(self._characters)

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

    def batch(self, encoded: Encoded, letters: Tensor | None = None) -> Batch:
        """Pad encoded sentences to a :class:`Batch`. Raises ``ValueError`` if there are none.

        ``letters`` are encodings of the characters of all words of this table, (words, filters),
        which the batch then holds in place of characters.

        Words stand in the order of their first use, so that a batch (and with it the dropout of
        its words) depends on its sentences alone and not on what the table met before.
        """
        if not encoded.words:
            raise ValueError("a batch needs at least one sentence")
        lengths = np.array([len(w) for w in encoded.words])
        distinct, first, inverse = np.unique(
            np.concatenate(encoded.words), return_index=True, return_inverse=True
        )
        order = np.argsort(first)
        distinct, inverse = distinct[order], np.argsort(order)[inverse]
        index = np.zeros((len(lengths), lengths.max()), np.int64)
        tags = np.zeros_like(index)
        inside = np.arange(lengths.max()) < lengths[:, None]
        index[inside] = inverse
        tags[inside] = np.concatenate(encoded.tags)
        if letters is None:
            letters = self.characters(distinct)
        else:
            letters = letters[torch.from_numpy(distinct).to(letters.device)]
        return Batch(
            torch.from_numpy(self._vectors[distinct]), letters,
            torch.from_numpy(self._case[distinct]), torch.from_numpy(index),
            torch.from_numpy(lengths), torch.from_numpy(tags), encoded.types,
        )  # fmt: skip


def token_batches(encoded: Encoded, tokens: int) -> list[list[int]]:
    """Split sentences into batches of like length with at most ``tokens`` padded tokens.

    A sentence longer than ``tokens`` stands alone; none is cut or left out.
    """
    order = sorted(range(len(encoded)), key=lambda i: len(encoded.words[i]))
    batches: list[list[int]] = []
    for i in order:
        if batches and (len(batches[-1]) + 1) * len(encoded.words[i]) <= tokens:
            batches[-1].append(i)
        else:
            batches.append([i])
    return batches
