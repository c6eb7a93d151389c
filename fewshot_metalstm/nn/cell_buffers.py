"""What compiled steps of a cell read and write, and what their way back does.

A cell of four gates is an LSTM's, a cell of one gate an RNN's. Shapes: N rows of all steps,
``most`` rows of the first step, k gates, h outputs. What a cell has no use for is of size 0.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import torch
from torch import Tensor


class Norm(NamedTuple):
    """Gains and shifts of gates, (2, 1, k * h), and of the cell, (2, 1, h)."""

    gain: Tensor
    shift: Tensor
    cell_gain: Tensor
    cell_shift: Tensor


class Cell(NamedTuple):
    """A cell at every row, (2, N, .) each.

    ``x``: pre-activations, and then, of an LSTM, the gates (k * h); ``c``, ``squashed``: the cell
    and tanh of it (h); ``out`` (h); ``keep``: factors of dropout (h). Of layer norm: ``made`` (k *
    h) and ``cell_made`` (h), what has mean 0 and variance 1; ``spread`` (k) and ``cell_spread``
    (1), one over the standard deviations.
    """

    x: Tensor
    c: Tensor
    squashed: Tensor
    out: Tensor
    keep: Tensor
    made: Tensor
    spread: Tensor
    cell_made: Tensor
    cell_spread: Tensor


class Back(NamedTuple):
    """Gradients: of ``x`` before its normalisation, and of the cell by the output (2, N, .).

    Step by step, (2, most, h): of ``out``, and of ``c`` by the next step, noughts at first.
    ``norm``: of gains and shifts, noughts at first.
    """

    x: Tensor
    through: Tensor
    out: Tensor
    c: Tensor
    norm: Norm


def cell_of(x: Tensor, outputs: int, keep: Tensor | None, norm: Norm) -> Cell:
    """Buffers of a cell around its pre-activations, which are overwritten.

    Args:
        x: (2, N, k * outputs).
        norm: of size 0 where nothing is normalised.
    """
    count = x.shape[1]
    gates = x.shape[2] // outputs
    inside = outputs if gates > 1 else 0

    def empty(size: int, norm: Tensor | None = None) -> Tensor:
        return x.new_empty(2, count, size if norm is None or norm.numel() else 0)

    return Cell(
        x, empty(inside), empty(inside), empty(outputs),
        empty(0) if keep is None else keep.detach().contiguous(),
        empty(gates * outputs, norm.gain), empty(gates, norm.gain),
        empty(outputs, norm.cell_gain), empty(1, norm.cell_gain),
    )  # fmt: skip


def back_of(cell: Cell, norm: Norm, most: int) -> Back:
    """Buffers of the way back through ``cell``."""
    outputs, inside = cell.out.shape[2], cell.c.shape[2]
    return Back(
        torch.empty_like(cell.x), torch.empty_like(cell.c), cell.x.new_empty(2, most, outputs),
        cell.x.new_zeros(2, most, inside),
        Norm(*(torch.zeros_like(x) for x in norm)),
    )  # fmt: skip


def both(kernel: Callable[..., None], sizes: Sequence[int], *arguments: Any) -> None:
    """Run a kernel over steps of so many rows, for both directions, one after the other."""
    rows = torch.tensor(sizes)
    arrays = [_bare(x) for x in (rows, torch.cumsum(rows, 0) - rows, *arguments)]
    for direction in (0, 1):
        kernel(direction, *arrays)


def _bare(value: Any) -> Any:
    """Tensors as arrays, those in named tuples too."""
    if isinstance(value, Tensor):
        return value.detach().numpy()
    if isinstance(value, tuple):
        return type(value)(*(_bare(x) for x in value))
    return value


def before(sizes: Sequence[int]) -> Tensor:
    """The row that each row but those of the first step continues."""
    back_by = torch.tensor(sizes[:-1], dtype=torch.int64).repeat_interleave(
        torch.tensor(sizes[1:], dtype=torch.int64)
    )
    return torch.arange(sizes[0], sum(sizes)) - back_by
