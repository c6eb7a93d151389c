"""A recurrent layer that reads step by step, each step when what it reads is known.

A decoder that writes reads what it wrote last, so that a sentence cannot be read in one call. The
Meta-LSTM and the plain LSTM go on from a state. Of other cells no state can be had, and they read
again from the beginning: slower, with the same outputs.
"""

from __future__ import annotations

from abc import ABC, abstractmethod

import torch
from torch import Tensor

from fewshot_metalstm.nn.layer import joined
from fewshot_metalstm.nn.metalstm import MetaLSTM
from fewshot_metalstm.nn.plain_lstm import PlainLSTM
from fewshot_metalstm.nn.recurrence import one_step
from fewshot_metalstm.nn.recurrent import Recurrent


class Stepping(ABC):
    """A layer in the middle of some sentences. Both of its halves read forwards."""

    @abstractmethod
    def step(self, x: Tensor) -> Tensor:
        """Read (B, inputs), the next of each sentence; returns its outputs, (B, 2 * hidden)."""

    @abstractmethod
    def take(self, rows: Tensor) -> None:
        """Go on with these sentences, (B',) of int64, which may be there more than once."""


def stepping(layer: Recurrent, batch: int) -> Stepping:
    """A layer before the first step of ``batch`` sentences, under the weights that it has now."""
    if not layer.ahead:
        raise ValueError("a layer that reads backwards has to know the end")
    if isinstance(layer, (MetaLSTM, PlainLSTM)):
        return _Gated(layer, batch)
    return _Again(layer)


class _Gated(Stepping):
    """One step at a time."""

    def __init__(self, layer: MetaLSTM | PlainLSTM, batch: int) -> None:
        self._weights = layer.weights()
        self._offset = layer.config.offset if isinstance(layer, MetaLSTM) else 0.0
        self._from_x, self._bias, self._recurrent = joined(self._weights)
        m, h = self._weights.meta_g.shape[1], self._weights.p.shape[3]
        g = self._from_x.new_zeros(2, batch, m)
        hidden = self._from_x.new_zeros(2, batch, h)
        self._state = (g, g, hidden, hidden)

    def step(self, x: Tensor) -> Tensor:
        w = self._weights
        projected = torch.baddbmm(self._bias, x.expand(2, *x.shape), self._from_x)
        self._state = one_step(
            projected, self._state, self._recurrent, w.meta_g, w.meta_z, w.p, w.bz, self._offset
        )
        return self._state[2].transpose(0, 1).flatten(1)

    def take(self, rows: Tensor) -> None:
        g, s, hidden, c = (each.index_select(1, rows) for each in self._state)
        self._state = (g, s, hidden, c)


class _Again(Stepping):
    """All from the beginning, at every step."""

    def __init__(self, layer: Recurrent) -> None:
        self._layer = layer
        self._read: Tensor | None = None  # (B, steps, inputs)

    def step(self, x: Tensor) -> Tensor:
        x = x.unsqueeze(1)
        self._read = x if self._read is None else torch.cat([self._read, x], 1)
        rows, steps = self._read.shape[:2]
        index = torch.arange(rows * steps, device=x.device).view(rows, steps)
        lengths = torch.full((rows,), steps, device=x.device)
        outputs: Tensor = self._layer(self._read.flatten(0, 1), index, lengths)
        return outputs[:, -1]

    def take(self, rows: Tensor) -> None:
        if self._read is not None:
            self._read = self._read.index_select(0, rows)
