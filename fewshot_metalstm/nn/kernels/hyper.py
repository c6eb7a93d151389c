"""One direction of an LSTM whose weights another one scales, over packed sentences, and back.

The equations are those of :mod:`fewshot_metalstm.nn.hyper`, the packing that of
:mod:`fewshot_metalstm.nn.recurrence`; the arrays are described in
:class:`fewshot_metalstm.nn.hyper_fused.Buffers`. ``d`` is the direction, 0 or 1.
"""

from __future__ import annotations

from typing import Any

from fewshot_metalstm.nn.kernels.cell import cell_row, cell_row_backward
from fewshot_metalstm.nn.kernels.compiled import compiled
from fewshot_metalstm.nn.kernels.product import add_product


@compiled
def forward(
    d: int, sizes: Any, x: Any, meta_h: Any, meta_g: Any, scale: Any, at_rest: Any, wh: Any,
    meta: Any, s: Any, s_squashed: Any, g: Any, scales: Any, product: Any, gates: Any, c: Any,
    c_squashed: Any, out: Any,
) -> None:  # fmt: skip
    """Fill the buffers; ``meta`` holds the small network's inputs, ``product`` noughts."""
    count, m, h = g.shape[1], g.shape[2], c.shape[2]
    row = last = d * count
    for t in range(len(sizes)):
        size = sizes[t]
        if t > 0:
            add_product(meta, row * 4 * m, 4 * m, out, last * h, h, 1, meta_h, d * h * 4 * m,
                        4 * m, size, 4 * m, h)  # fmt: skip
            add_product(meta, row * 4 * m, 4 * m, g, last * m, m, 1, meta_g, d * m * 4 * m,
                        4 * m, size, 4 * m, m)  # fmt: skip
            add_product(product, row * 4 * h, 4 * h, out, last * h, h, 1, wh, d * h * 4 * h,
                        4 * h, size, 4 * h, h)  # fmt: skip
        for j in range(size):
            cell_row(
                meta, (row + j) * 4 * m, s, (row + j) * m, (last + j) * m if t > 0 else -1,
                s_squashed, g, (row + j) * m, g, -1, m,
            )  # fmt: skip
        for j in range(row - d * count, row - d * count + size):
            for k in range(12 * h):
                scales[d, j, k] = at_rest[d, 0, k]
        add_product(scales, row * 12 * h, 12 * h, g, row * m, m, 1, scale, d * m * 12 * h,
                    12 * h, size, 12 * h, m)  # fmt: skip
        for j in range(row - d * count, row - d * count + size):
            for k in range(4 * h):
                gates[d, j, k] = (
                    scales[d, j, k] * product[d, j, k]
                    + scales[d, j, 4 * h + k] * x[d, j, k] + scales[d, j, 8 * h + k]
                )  # fmt: skip
        for j in range(size):
            cell_row(
                gates, (row + j) * 4 * h, c, (row + j) * h, (last + j) * h if t > 0 else -1,
                c_squashed, out, (row + j) * h, out, -1, h,
            )  # fmt: skip
        last = row
        row += size


@compiled
def backward(
    d: int, sizes: Any, d_out: Any, x: Any, meta_h: Any, meta_g: Any, scale: Any, wh: Any,
    meta: Any, s: Any, s_squashed: Any, scales: Any, product: Any, gates: Any, c: Any,
    c_squashed: Any, d_meta: Any, d_scales: Any, d_product: Any, d_x: Any, d_gates: Any,
    d_h: Any, d_g: Any, d_c: Any, d_s: Any,
) -> None:  # fmt: skip
    """Back through time. Weights are transposed here; ``d_c`` and ``d_s`` hold noughts."""
    count, m, h = s.shape[1], s.shape[2], c.shape[2]
    most = d_h.shape[1]
    row = (d + 1) * count
    for t in range(len(sizes) - 1, -1, -1):
        size, later = sizes[t], row
        goes_on = sizes[t + 1] if t + 1 < len(sizes) else 0
        row -= size
        before = row - sizes[t - 1] if t > 0 else -1
        for j in range(size):
            for k in range(h):
                d_h[d, j, k] = d_out[d, row + j - d * count, k]
            for k in range(m):
                d_g[d, j, k] = 0
        if goes_on > 0:
            add_product(d_h, d * most * h, h, d_meta, later * 4 * m, 4 * m, 1, meta_h,
                        d * 4 * m * h, h, goes_on, h, 4 * m)  # fmt: skip
            add_product(d_h, d * most * h, h, d_product, later * 4 * h, 4 * h, 1, wh,
                        d * 4 * h * h, h, goes_on, h, 4 * h)  # fmt: skip
            add_product(d_g, d * most * m, m, d_meta, later * 4 * m, 4 * m, 1, meta_g,
                        d * 4 * m * m, m, goes_on, m, 4 * m)  # fmt: skip
        for j in range(size):
            cell_row_backward(
                d_gates, gates, (row + j) * 4 * h, c, (before + j) * h if t > 0 else -1,
                c_squashed, (row + j) * h, d_h, d_c, (d * most + j) * h, h,
            )  # fmt: skip
        for j in range(row - d * count, row - d * count + size):
            for k in range(4 * h):
                slope = d_gates[d, j, k]
                d_scales[d, j, k] = slope * product[d, j, k]
                d_scales[d, j, 4 * h + k] = slope * x[d, j, k]
                d_scales[d, j, 8 * h + k] = slope
                d_product[d, j, k] = slope * scales[d, j, k]
                d_x[d, j, k] = slope * scales[d, j, 4 * h + k]
        add_product(d_g, d * most * m, m, d_scales, row * 12 * h, 12 * h, 1, scale,
                    d * 12 * h * m, m, size, m, 12 * h)  # fmt: skip
        for j in range(size):
            cell_row_backward(
                d_meta, meta, (row + j) * 4 * m, s, (before + j) * m if t > 0 else -1,
                s_squashed, (row + j) * m, d_g, d_s, (d * most + j) * m, m,
            )  # fmt: skip
