"""Tagging by the nearest tokens of a support: its hidden states and tags, kept as they are.

    emission of tag k at a token with hidden state q = max over the support's tokens s of k of
    -|q - s|^2

A tag that the support has no token of is as near as the nearest token of its type, ``O`` as the
nearest of all; the tags of a type without any token are out of reach (:data:`FAR`). Decoding goes
over the legal sequences of IOBES tags as ever: without scores of transitions that is NNShot on
IOBES, with those of :mod:`fewshot_metalstm.kinds.tagging.tagger.abstract` StructShot.

The states are kept in half precision, from the beginning, so that a tagger gives the same before
it is saved and after.

Source: Yang, Katiyar, "Simple and Effective Few-Shot Named Entity Recognition with Structured
Nearest Neighbor Learning", EMNLP 2020, section 3.2.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

FAR = -1e4  # finite, so that probabilities of paths stay numbers
ROWS = 2048  # tokens of the support that are compared at once


@dataclass(frozen=True, eq=False)  # tensors have no one answer to ==
class Neighbours:
    """Tokens of a support, sorted by tag.

    ``hidden`` (N, width) in half precision, ``counts`` the tokens of each tag, in the order of
    :func:`~fewshot_metalstm.kinds.tagging.tagger.encoding.labels`; their sum is N.
    """

    hidden: Tensor
    counts: tuple[int, ...]

    def scores(self, hidden: Tensor) -> Tensor:
        """Emissions, (B, T, tags), of hidden states, (B, T, width)."""
        asked = hidden.reshape(-1, hidden.shape[-1])
        known = self.hidden.to(hidden)
        near = asked.new_full((len(asked), len(self.counts)), -torch.inf)
        first = 0
        for tag, count in enumerate(self.counts):
            for place in range(first, first + count, ROWS):
                rows = known[place : min(place + ROWS, first + count)]
                # Without -|q|^2, which is added below.
                found = (2 * asked @ rows.T - rows.square().sum(1)).amax(1)
                near[:, tag] = torch.maximum(near[:, tag], found)
            first += count
        near = near - asked.square().sum(1, keepdim=True)
        types = near[:, 1:].reshape(len(near), -1, 4)
        lacks = torch.tensor(self.counts, device=near.device) == 0
        of_type = types.amax(2, keepdim=True).expand_as(types).flatten(1)
        others = torch.cat([near.amax(1, keepdim=True), of_type], dim=1)
        filled = torch.where(lacks, others, near).clamp(min=FAR, max=0.0)
        return filled.view(*hidden.shape[:-1], -1)

    def tensors(self) -> dict[str, Tensor]:
        """As a model's folder holds them; see :func:`read_neighbours`."""
        return {"hidden": self.hidden.cpu().contiguous(), "counts": torch.tensor(self.counts)}


def neighbours_of(hidden: Sequence[Tensor], tags: Sequence[Tensor], number: int) -> Neighbours:
    """The tokens of a support in pieces: hidden states, (n, width), and tags, (n,), of each.

    Args:
        number: of tags.

    Raises:
        ValueError: no token at all.
    """
    states, of = torch.cat(list(hidden)).detach(), torch.cat(list(tags))
    if not len(of):
        raise ValueError("a support without tokens has no neighbours")
    order = torch.argsort(of, stable=True)
    counts = torch.bincount(of, minlength=number)
    return Neighbours(states[order].half(), tuple(counts.tolist()))


def read_neighbours(tensors: Mapping[str, Tensor], tags: int, width: int) -> Neighbours:
    """The tokens that :meth:`Neighbours.tensors` gave.

    Raises:
        ValueError: they are not of so many ``tags`` and states of ``width``.
    """
    if set(tensors) != {"hidden", "counts"}:
        raise ValueError("hidden states or counts are missing")
    hidden, counts = tensors["hidden"], tensors["counts"]
    if counts.shape != (tags,) or hidden.shape != (int(counts.sum()), width) or not len(hidden):
        raise ValueError("neighbours that do not fit the tagger")
    return Neighbours(hidden, tuple(counts.tolist()))
