"""One direction of an LSTM with batch norm by the rows of each step, and the way back.

The equations are those of :mod:`fewshot_metalstm.nn.norm_lstm`, the arrays are described in
:mod:`fewshot_metalstm.nn.batch_fused`. ``d`` is the direction, 0 or 1.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from fewshot_metalstm.nn.kernels.compiled import compiled, compiled_part
from fewshot_metalstm.nn.kernels.halves import (
    cell_half,
    cell_half_backward,
    output_half,
    output_half_backward,
)
from fewshot_metalstm.nn.kernels.product import add_product
from fewshot_metalstm.nn.layer_norm import EPSILON


@compiled_part
def _norm_columns(x: Any, made: Any, mean: Any, variance: Any, spread: Any) -> None:
    """Fill ``made`` with ``x`` (rows, F) with mean 0 and variance 1 in every column."""
    rows, width = x.shape
    number = x.dtype.type
    for k in range(width):
        mean[k] = variance[k] = number(0)
    for j in range(rows):
        row = x[j]
        for k in range(width):
            mean[k] += row[k]
    for k in range(width):
        mean[k] /= number(rows)
    for j in range(rows):
        row, to = x[j], made[j]
        for k in range(width):
            centred = row[k] - mean[k]
            to[k] = centred
            variance[k] += centred * centred
    for k in range(width):
        variance[k] /= number(rows)
        spread[k] = number(1) / np.sqrt(variance[k] + number(EPSILON))
    for j in range(rows):
        to = made[j]
        for k in range(width):
            to[k] *= spread[k]


@compiled_part
def _norm_columns_backward(
    d_y: Any, made: Any, spread: Any, gain: Any, d_gain: Any, total: Any, along: Any, to: Any
) -> None:
    """Fill ``to`` with the gradient of what was normalised; add to ``d_gain``.

    ``total`` gets the sum of ``d_y`` over the rows; ``along`` is room for as many numbers.
    """
    rows, width = d_y.shape
    number = d_y.dtype.type
    for k in range(width):
        total[k] = along[k] = number(0)
    for j in range(rows):
        row, normed = d_y[j], made[j]
        for k in range(width):
            total[k] += row[k]
            along[k] += row[k] * normed[k]
    for k in range(width):
        d_gain[k] += along[k]
    for j in range(rows):
        row, normed, found = d_y[j], made[j], to[j]
        for k in range(width):
            shared = (total[k] + normed[k] * along[k]) / number(rows)
            found[k] = gain[k] * spread[k] * (row[k] - shared)


@compiled
def forward(
    d: int, sizes: Any, starts: Any, wh: Any, cell: Any, norm: Any, statistics: Any, room: Any
) -> None:
    """Fill the buffers; ``cell.x`` holds the products with the words.

    ``room`` (2, rows of the first step, 4h) is for the products with the state.
    """
    count, h = cell.out.shape[1:]
    most = room.shape[1]
    gain, shift = norm.gain[d, 0], norm.shift[d, 0]
    cell_gain, cell_shift = norm.cell_gain[d, 0], norm.cell_shift[d, 0]
    for t in range(len(sizes)):
        size, row = sizes[t], starts[t]
        last = starts[t - 1] if t > 0 else -1
        mean, variance = statistics.mean[t, d], statistics.variance[t, d]
        spread = cell.spread[d, t]
        x, made = cell.x[d, row : row + size], cell.made[d, row : row + size]
        _norm_columns(x, made[:, : 4 * h], mean[: 4 * h], variance[: 4 * h], spread[: 4 * h])
        for j in range(size):
            to, normed = x[j], made[j]
            for k in range(4 * h):
                to[k] = shift[k] + normed[k] * gain[k]
        if t > 0:
            products = room[d, :size]
            products[:] = 0
            add_product(room, d * most * 4 * h, 4 * h, cell.out, (d * count + last) * h, h, 1, wh,
                        d * h * 4 * h, 4 * h, size, 4 * h, h)  # fmt: skip
            _norm_columns(
                products, made[:, 4 * h :], mean[4 * h : 8 * h], variance[4 * h : 8 * h],
                spread[4 * h : 8 * h],
            )  # fmt: skip
            for j in range(size):
                to, normed = x[j], made[j]
                for k in range(4 * h):
                    to[k] += normed[4 * h + k] * gain[4 * h + k]
        dropped = cell.keep.size > 0
        for j in range(size):
            at = (d * count + row + j) * h
            ago = (d * count + last + j) * h if last >= 0 else -1
            cell_half(cell.x, 4 * at, cell.c, at, ago, cell.keep, at if dropped else -1, h)
        cells, cell_made = cell.c[d, row : row + size], cell.cell_made[d, row : row + size]
        _norm_columns(cells, cell_made, mean[8 * h :], variance[8 * h :], cell.cell_spread[d, t])
        for j in range(size):
            to, normed = cell.squashed[d, row + j], cell_made[j]
            for k in range(h):
                to[k] = cell_shift[k] + normed[k] * cell_gain[k]
        for j in range(size):
            at = (d * count + row + j) * h
            output_half(cell.x, 4 * at, cell.squashed, cell.squashed, cell.out, at, h)


@compiled
def backward(
    d: int, sizes: Any, starts: Any, d_out: Any, turned: Any, cell: Any, norm: Any, to: Any,
    d_state: Any, room: Any,
) -> None:  # fmt: skip
    """Back through time; ``turned`` is W_h transposed.

    Fills ``to.x``, the gradient of the products with the words, and ``d_state`` (2, N, 4h), that of
    the products with the state. ``room`` (2, 2, 4h) is for sums.
    """
    count, h = cell.out.shape[1:]
    most = to.out.shape[1]
    total, along = room[d, 0], room[d, 1]
    gain, cell_gain = norm.gain[d, 0], norm.cell_gain[d, 0]
    d_gain, d_shift = to.norm.gain[d, 0], to.norm.shift[d, 0]
    d_cell_gain, d_cell_shift = to.norm.cell_gain[d, 0], to.norm.cell_shift[d, 0]
    dropped = cell.keep.size > 0
    for t in range(len(sizes) - 1, -1, -1):
        size, row = sizes[t], starts[t]
        before = starts[t - 1] if t > 0 else -1
        for j in range(size):
            for k in range(h):
                to.out[d, j, k] = d_out[d, row + j, k]
        if t + 1 < len(sizes):
            add_product(to.out, d * most * h, h, d_state, (d * count + row + size) * 4 * h, 4 * h,
                        1, turned, d * 4 * h * h, h, sizes[t + 1], h, 4 * h)  # fmt: skip
        for j in range(size):
            at = (d * count + row + j) * h
            output_half_backward(
                cell.x, 4 * at, cell.squashed, at, to.out, (d * most + j) * h, to.through, h
            )
        through = to.through[d, row : row + size]
        _norm_columns_backward(
            through, cell.cell_made[d, row : row + size], cell.cell_spread[d, t], cell_gain,
            d_cell_gain, total[:h], along[:h], through,
        )  # fmt: skip
        for k in range(h):
            d_cell_shift[k] += total[k]
        for j in range(size):
            at = (d * count + row + j) * h
            cell_half_backward(
                to.x, cell.x, 4 * at, cell.c, (d * count + before + j) * h if before >= 0 else -1,
                cell.squashed, at, cell.keep, at if dropped else -1, to.out, to.through, to.c,
                (d * most + j) * h, h,
            )  # fmt: skip
        d_x, made = to.x[d, row : row + size], cell.made[d, row : row + size]
        spread = cell.spread[d, t]
        if t > 0:
            _norm_columns_backward(
                d_x, made[:, 4 * h :], spread[4 * h :], gain[4 * h :], d_gain[4 * h :], total,
                along, d_state[d, row : row + size],
            )  # fmt: skip
        _norm_columns_backward(
            d_x, made[:, : 4 * h], spread[: 4 * h], gain[: 4 * h], d_gain[: 4 * h], total, along,
            d_x,
        )  # fmt: skip
        for k in range(4 * h):
            d_shift[k] += total[k]
