"""From sentence pairs to tensors."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

from fewshot_metalstm.kinds.translation.pairs import Pairs
from fewshot_metalstm.kinds.translation.subwords import Subwords

CPU = torch.device("cpu")


@dataclass(frozen=True)
class Sentences:
    """Sentences to translate: B of them, S subwords in the longest."""

    symbols: Tensor  # (B, S) of int64
    lengths: Tensor  # (B,) of int64, at least 1

    def __len__(self) -> int:
        return len(self.lengths)


@dataclass(frozen=True)
class Batch:
    """Pairs: what is read, and what is to be written, T subwords in the longest with its end."""

    source: Sentences
    read: Tensor  # (B, T) of int64: START, then the translation
    wanted: Tensor  # (B, T) of int64: the translation, then END
    lengths: Tensor  # (B,) of int64

    @property
    def subwords(self) -> int:
        """How many are to be written, ends among them."""
        return int(self.lengths.sum())


class Memory(NamedTuple):
    """What an encoder made of B sentences, S subwords in the longest."""

    states: Tensor  # (B, S, F)
    inside: Tensor  # (B, S) of bool
    bridge: Tensor  # (B, embedding): what is added to what the decoder reads first


@dataclass(frozen=True)
class EncodedPairs:
    """Pairs by their subwords, with the mark of the end behind each."""

    sources: tuple[tuple[int, ...], ...]
    targets: tuple[tuple[int, ...], ...]
    start: int

    def __len__(self) -> int:
        return len(self.sources)

    def length(self, place: int) -> int:
        """Subwords of both sides."""
        return len(self.sources[place]) + len(self.targets[place])

    def batch(self, places: Sequence[int], device: torch.device = CPU) -> Batch:
        """Some of them."""
        written = [self.targets[i] for i in places]
        read = [(self.start, *each[:-1]) for each in written]
        wanted, lengths = padded(written, device)
        return Batch(
            sentences([self.sources[i] for i in places], device), padded(read, device)[0], wanted,
            lengths,
        )  # fmt: skip


def encode_pairs(pairs: Pairs, subwords: Subwords) -> EncodedPairs:
    """The subwords of some pairs."""
    end = (subwords.end,)
    sides = (subwords.numbers(side) for side in (pairs.sources, pairs.targets))
    sources, targets = (tuple((*each, *end) for each in side) for side in sides)
    return EncodedPairs(sources, targets, subwords.start)


def encode_sources(texts: Sequence[str], subwords: Subwords) -> list[tuple[int, ...]]:
    """The subwords of sentences to translate."""
    return [(*each, subwords.end) for each in subwords.numbers(texts)]


def sentences(rows: Sequence[Sequence[int]], device: torch.device = CPU) -> Sentences:
    """Sentences by their subwords as a batch."""
    return Sentences(*padded(rows, device))


def padded(rows: Sequence[Sequence[int]], device: torch.device) -> tuple[Tensor, Tensor]:
    """Rows of numbers, padded with 0 to one length, and how long each is."""
    lengths = [len(row) for row in rows]
    made = np.zeros((len(rows), max(lengths)), np.int64)
    for i, row in enumerate(rows):
        made[i, : len(row)] = row
    return torch.from_numpy(made).to(device), torch.tensor(lengths, device=device)
