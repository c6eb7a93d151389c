"""Features of words in their sentences, from a frozen encoder.

Whatever the encoder, a word's features are scaled to a root mean square of 1, as word vectors are.
Every sentence is read alone, so that features depend on the sentence and on nothing that happens to
be read beside it.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from pathlib import Path
from typing import Protocol

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

# Bytes: the draws of a support are scored on the same sentences, 20 KB each with 384 features.
REMEMBERED = 256 * 2**20
_LEAST = 1e-6  # root mean square that is scaled up to 1
Features = npt.NDArray[np.float16]  # (words of a sentence, size)
Tokens = Sequence[str]


class FeatureSource(Protocol):
    """What gives features of sentences."""

    size: int

    def learn(self, sentences: Sequence[Tokens]) -> None:
        """Make ready for sentences that will be asked for, perhaps many times."""

    def features(self, sentences: Sequence[Tokens]) -> list[Features]:
        """The features of each sentence, given as tokens."""


class FrozenEncoder(ABC):
    """An encoder that is read and never tuned; loaded when it is first needed.

    It remembers the last sentences that it read, up to :data:`REMEMBERED`. A subclass says how a
    sentence is read.

    Args:
        folder: where it is.
        sha256: its digest, under which features may be kept.
        size: numbers that it gives a word.
    """

    def __init__(self, folder: Path, sha256: str, size: int) -> None:
        self.folder, self.sha256, self.size = folder, sha256, size
        self._remembered: dict[tuple[str, ...], Features] = {}
        self._bytes = 0

    def __reduce__(self) -> tuple[object, ...]:
        """Another process loads the encoder itself, if it needs it."""
        return type(self), (self.folder, self.sha256, self.size)

    @abstractmethod
    def read(self, tokens: Tokens) -> Tensor:
        """What stands for each word of a sentence, (words, size), at least one, of any scale.

        Raises:
            UserError: the encoder cannot be loaded.
        """

    def learn(self, sentences: Sequence[Tokens]) -> None:
        """See :class:`FeatureSource`: sentences are read when their features are asked for."""
        del sentences

    def features(self, sentences: Sequence[Tokens]) -> list[Features]:
        """See :class:`FeatureSource`; in half precision.

        Raises:
            UserError: the encoder cannot be loaded.
        """
        found = []
        for tokens in sentences:
            key = tuple(tokens)
            features = self._remembered.get(key)
            if features is None:
                features = self._remembered[key] = self._scaled(key)
                self._bytes += features.nbytes
                while self._bytes > REMEMBERED:
                    self._bytes -= self._remembered.pop(next(iter(self._remembered))).nbytes
            found.append(features)
        return found

    @torch.no_grad()
    def _scaled(self, tokens: tuple[str, ...]) -> Features:
        if not tokens:
            return np.zeros((0, self.size), np.float16)
        words = self.read(tokens)
        scale = words.square().mean(1, keepdim=True).sqrt().clamp_min(_LEAST)
        features: Features = (words / scale).half().numpy()
        return features


def means(states: Tensor, pieces: Tensor) -> Tensor:
    """The mean of the states of each word's subwords, (words, size).

    Args:
        states: of the subwords, one behind the other, (subwords, size).
        pieces: how many each word has, (words,) of int64, at least 1.
    """
    word = torch.repeat_interleave(torch.arange(len(pieces)), pieces)
    return (
        states.new_zeros(len(pieces), states.shape[1]).index_add_(0, word, states) / pieces[:, None]
    )
