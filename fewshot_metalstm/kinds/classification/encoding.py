"""From texts to tensors: distinct words with their features, and where they stand."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from fewshot_metalstm.encoders.features import Features, FeatureSource
from fewshot_metalstm.kinds.classification.text import ends, words
from fewshot_metalstm.nn.vectors import WordVectors
from fewshot_metalstm.nn.words import Ints, WordFeatures, in_order_of_use

CPU = torch.device("cpu")
TOKENS = 8192  # padded tokens of a batch that is read without learning


@dataclass(frozen=True)
class Batch:
    """Texts of one task as tensors. U distinct words, B texts, T tokens in the longest.

    ``vectors`` (U, V) float, ``characters`` (U, L) int64 padded with 0, ``case`` (U, 8) float,
    ``index`` (B, T) int64 into the U words, ``lengths`` (B,) int64, ``labels`` (B,) int64 in
    [0, classes); padding holds 0. A batch need not have texts of all classes. ``context`` (N, C)
    float are the features that a frozen encoder gives the N tokens, text by text; None without one.
    """

    vectors: Tensor
    characters: Tensor
    case: Tensor
    index: Tensor
    lengths: Tensor
    labels: Tensor
    classes: int
    context: Tensor | None = None

    def __len__(self) -> int:
        return len(self.lengths)

    def to(self, device: torch.device) -> Batch:
        """The same batch on ``device``."""
        moved = {k: v.to(device) for k, v in vars(self).items() if isinstance(v, Tensor)}
        return replace(self, **moved)  # type: ignore[arg-type]

    def pieces(self, size: int) -> Iterator[Batch]:
        """The same texts, at most ``size`` at a time; words are shared."""
        context = self.context
        ends_at = [0, *self.lengths.cumsum(0).tolist()]  # the tokens of each text, in context
        for first in range(0, len(self), size):
            piece = slice(first, first + size)
            yield replace(
                self, index=self.index[piece], lengths=self.lengths[piece],
                labels=self.labels[piece],
                context=None if context is None else context[
                    ends_at[first] : ends_at[min(first + size, len(self))]
                ],
            )  # fmt: skip


@dataclass(frozen=True)
class Encoded:
    """Texts as rows of a :class:`TextTable`: cheap to keep, quick to batch.

    ``cut`` counts the texts that are longer than what is read. ``context`` are the features of a
    frozen encoder, (tokens, C) a text, where there is one.
    """

    words: tuple[Ints, ...]
    labels: NDArray[np.int64]
    classes: int
    cut: int = 0
    context: tuple[Features, ...] = ()

    def __len__(self) -> int:
        return len(self.words)

    def take(self, places: Sequence[int] | NDArray[np.int64]) -> Encoded:
        """The texts at ``places``, in that order."""
        chosen = [int(i) for i in places]
        return Encoded(
            tuple(self.words[i] for i in chosen), self.labels[chosen], self.classes, self.cut,
            tuple(self.context[i] for i in chosen) if self.context else (),
        )  # fmt: skip


class TextTable(WordFeatures):
    """Features of every word met so far, and batches of texts made of them.

    Args:
        longest: tokens of a text that are read; of a longer one its first and its last half.
        context: gives features of words in what is read of their text, beside these.
    """

    def __init__(
        self, vectors: WordVectors, alphabet: Sequence[str], longest: int,
        context: FeatureSource | None = None,
    ) -> None:  # fmt: skip
        super().__init__(vectors, alphabet)
        self.longest = longest
        self.context = context

    def encode(
        self, texts: Sequence[str], labels: Sequence[int] | NDArray[np.int64], classes: int
    ) -> Encoded:
        """Encode texts; one without a token is a ``ValueError``."""
        found = [words(text) for text in texts]
        if not all(found):
            raise ValueError("a text without a word")
        read = [ends(each, self.longest) for each in found]
        self.learn_words(word for each in read for word in each)
        return Encoded(
            tuple(self.rows_of(each, len(each)) for each in read), np.asarray(labels, np.int64),
            classes, sum(len(each) > self.longest for each in found),
            () if self.context is None else tuple(self.context.features(read)),
        )  # fmt: skip

    def batch(self, encoded: Encoded) -> Batch:
        """Pad encoded texts to a :class:`Batch`; ``ValueError`` if there are none."""
        if not encoded.words:
            raise ValueError("a batch needs at least one text")
        lengths = np.array([len(w) for w in encoded.words])
        distinct, inverse = in_order_of_use(np.concatenate(encoded.words))
        index = np.zeros((len(lengths), lengths.max()), np.int64)
        index[np.arange(lengths.max()) < lengths[:, None]] = inverse
        context = None
        if encoded.context:
            context = torch.from_numpy(np.concatenate(encoded.context).astype(np.float32))
        return Batch(
            torch.from_numpy(self.vectors(distinct)), self.characters(distinct),
            torch.from_numpy(self.case(distinct)), torch.from_numpy(index),
            torch.from_numpy(lengths), torch.from_numpy(encoded.labels), encoded.classes,
            context,
        )  # fmt: skip


def by_length(encoded: Encoded, tokens: int = TOKENS) -> list[list[int]]:
    """Places of texts in batches of like length, each of at most ``tokens`` padded tokens."""
    order = sorted(range(len(encoded)), key=lambda i: len(encoded.words[i]))
    batches: list[list[int]] = []
    for i in order:
        if batches and (len(batches[-1]) + 1) * len(encoded.words[i]) <= tokens:
            batches[-1].append(i)
        else:
            batches.append([i])
    return batches
