"""One step of a cell for some rows of one direction, and the way back.

The arrays are those of ``Cell``, ``Norm`` and ``Back`` in :mod:`fewshot_metalstm.nn.cell_buffers`;
``d`` is the direction, and rows are counted within it. A cell of four gates is an LSTM's, one of
one gate an RNN's, for which ``ceiling`` says what activates it: tanh where that is negative,
otherwise relu, which stops at it if it is not 0.
"""

from __future__ import annotations

from typing import Any

from fewshot_metalstm.nn.kernels.cell import cell_row, cell_row_backward
from fewshot_metalstm.nn.kernels.compiled import compiled_part
from fewshot_metalstm.nn.kernels.halves import (
    cell_half,
    cell_half_backward,
    output_half,
    output_half_backward,
    tanh_row,
)
from fewshot_metalstm.nn.kernels.layer_norm import norm_rows, norm_rows_backward


@compiled_part
def cell_rows(d: int, row: int, last: int, size: int, cell: Any, norm: Any, ceiling: float) -> None:
    """From pre-activations to outputs of ``size`` rows; they continue those from ``last`` on.

    ``last`` is negative at the first step.
    """
    count, h = cell.out.shape[1:]
    if norm.gain.size > 0:
        norm_rows(d, row, size, cell.x, cell.made, cell.spread, norm.gain, norm.shift, cell.x)
    if cell.x.shape[2] == h:
        _activate(d, row, size, cell, ceiling)
        return
    normed, dropped = norm.cell_gain.size > 0, cell.keep.size > 0
    for j in range(size):
        at = (d * count + row + j) * h
        ago = (d * count + last + j) * h if last >= 0 else -1
        if normed or dropped:
            cell_half(cell.x, 4 * at, cell.c, at, ago, cell.keep, at if dropped else -1, h)
        else:
            cell_row(
                cell.x, 4 * at, cell.c, at, ago, cell.squashed, cell.out, at, cell.out, -1, h
            )  # fmt: skip
    if normed:
        norm_rows(
            d, row, size, cell.c, cell.cell_made, cell.cell_spread, norm.cell_gain,
            norm.cell_shift, cell.squashed,
        )  # fmt: skip
    if normed or dropped:
        read = cell.squashed if normed else cell.c
        for j in range(size):
            at = (d * count + row + j) * h
            output_half(cell.x, 4 * at, read, cell.squashed, cell.out, at, h)


@compiled_part
def cell_rows_backward(
    d: int, row: int, before: int, size: int, cell: Any, norm: Any, ceiling: float, back: Any
) -> None:
    """Fill the rows of ``back.x``; ``back.out`` holds the gradient of their outputs.

    ``before`` is the first row of those that they continue, negative at the first step.
    """
    count, h = cell.out.shape[1:]
    most = back.out.shape[1]
    normed, dropped = norm.cell_gain.size > 0, cell.keep.size > 0
    if cell.x.shape[2] == h:
        _activate_backward(d, row, size, cell, ceiling, back)
    elif normed or dropped:
        for j in range(size):
            at = (d * count + row + j) * h
            output_half_backward(
                cell.x, 4 * at, cell.squashed, at, back.out, (d * most + j) * h, back.through, h
            )
        if normed:
            norm_rows_backward(
                d, row, size, back.through, cell.cell_made, cell.cell_spread, norm.cell_gain,
                back.norm.cell_gain, back.norm.cell_shift,
            )  # fmt: skip
        for j in range(size):
            at = (d * count + row + j) * h
            cell_half_backward(
                back.x, cell.x, 4 * at, cell.c, (d * count + before + j) * h if before >= 0 else -1,
                cell.squashed, at, cell.keep, at if dropped else -1, back.out, back.through,
                back.c, (d * most + j) * h, h,
            )  # fmt: skip
    else:
        for j in range(size):
            at = (d * count + row + j) * h
            cell_row_backward(
                back.x, cell.x, 4 * at, cell.c,
                (d * count + before + j) * h if before >= 0 else -1, cell.squashed, at, back.out,
                back.c, (d * most + j) * h, h,
            )  # fmt: skip
    if norm.gain.size > 0:
        norm_rows_backward(
            d, row, size, back.x, cell.made, cell.spread, norm.gain, back.norm.gain,
            back.norm.shift,
        )  # fmt: skip


@compiled_part
def _activate(d: int, row: int, size: int, cell: Any, ceiling: float) -> None:
    """Outputs of an RNN; no number stays none."""
    count, h = cell.out.shape[1:]
    number = cell.x.dtype.type
    nought, top = number(0), number(ceiling)
    for j in range(row, row + size):
        if ceiling < 0:
            tanh_row(cell.x, cell.out, (d * count + j) * h, h)
        else:
            for k in range(h):
                value = cell.x[d, j, k]
                value = nought if value < nought else value
                cell.out[d, j, k] = top if ceiling > 0 and value > top else value


@compiled_part
def _activate_backward(d: int, row: int, size: int, cell: Any, ceiling: float, back: Any) -> None:
    """The way back through :func:`_activate`; at the corners as torch's ``relu`` and ``clamp``."""
    h = cell.out.shape[2]
    number = cell.x.dtype.type
    nought, one, top = number(0), number(1), number(ceiling)
    for j in range(size):
        if ceiling < 0:
            for k in range(h):
                out = cell.out[d, row + j, k]
                back.x[d, row + j, k] = back.out[d, j, k] * (one - out * out)
            continue
        for k in range(h):
            value = cell.x[d, row + j, k]
            passes = nought <= value <= top if ceiling > 0 else value > nought
            back.x[d, row + j, k] = back.out[d, j, k] if passes else nought
