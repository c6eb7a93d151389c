"""One direction of an LSTM with layer norm or dropout, over packed sentences, and back.

The equations are those of :mod:`fewshot_metalstm.nn.norm_lstm`, the arrays are described in
:mod:`fewshot_metalstm.nn.cell_buffers`. ``d`` is the direction, 0 or 1.
"""

from __future__ import annotations

from typing import Any

from fewshot_metalstm.nn.cell_buffers import Back, Cell, Norm
from fewshot_metalstm.nn.kernels.compiled import compiled
from fewshot_metalstm.nn.kernels.product import add_product
from fewshot_metalstm.nn.kernels.rows import cell_rows, cell_rows_backward

_NO_RNN = -1.0


@compiled
def forward(d: int, sizes: Any, starts: Any, wh: Any, cell: Cell, norm: Norm) -> None:
    """Fill the buffers; ``cell.x`` holds the products with the words."""
    count, h = cell.out.shape[1:]
    for t in range(len(sizes)):
        size, row = sizes[t], starts[t]
        last = starts[t - 1] if t > 0 else -1
        if t > 0:
            add_product(cell.x, (d * count + row) * 4 * h, 4 * h, cell.out,
                        (d * count + last) * h, h, 1, wh, d * h * 4 * h, 4 * h, size, 4 * h,
                        h)  # fmt: skip
        cell_rows(d, row, last, size, cell, norm, _NO_RNN)


@compiled
def backward(
    d: int, sizes: Any, starts: Any, d_out: Any, turned: Any, cell: Cell, norm: Norm, to: Back
) -> None:
    """Back through time; ``turned`` is W_h transposed."""
    count, h = cell.out.shape[1:]
    most = to.out.shape[1]
    for t in range(len(sizes) - 1, -1, -1):
        size, row = sizes[t], starts[t]
        before = starts[t - 1] if t > 0 else -1
        for j in range(size):
            for k in range(h):
                to.out[d, j, k] = d_out[d, row + j, k]
        if t + 1 < len(sizes):
            add_product(to.out, d * most * h, h, to.x, (d * count + row + size) * 4 * h, 4 * h, 1,
                        turned, d * 4 * h * h, h, sizes[t + 1], h, 4 * h)  # fmt: skip
        cell_rows_backward(d, row, before, size, cell, norm, _NO_RNN, to)
