"""One step of an LSTM's cell for many rows, forward and backward."""

from __future__ import annotations

from typing import Any

from fewshot_metalstm.nn.kernels.cell import cell_row, cell_row_backward
from fewshot_metalstm.nn.kernels.compiled import compiled


@compiled
def forward(x: Any, cell: Any, squashed: Any, out: Any) -> None:
    """Turn ``x`` (2, rows, 4h) into gates; fill ``squashed`` and ``out``, (2, rows, h).

    ``cell`` holds the cell before, and then the cell.
    """
    h = cell.shape[2]
    for row in range(cell.shape[0] * cell.shape[1]):
        at = row * h
        cell_row(x, 4 * at, cell, at, at, squashed, out, at, out, -1, h)


@compiled
def backward(x: Any, before: Any, squashed: Any, d_out: Any, d_x: Any, d_cell: Any) -> None:
    """Fill ``d_x``. ``d_cell`` holds the gradient of the cell, and then of the one before."""
    h = before.shape[2]
    for row in range(before.shape[0] * before.shape[1]):
        at = row * h
        cell_row_backward(d_x, x, 4 * at, before, at, squashed, at, d_out, d_cell, at, h)
