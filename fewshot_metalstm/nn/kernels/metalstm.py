"""One direction of the Meta-LSTM and the basic LSTM over packed sentences, and the way back.

The equations and the packing are those of :mod:`fewshot_metalstm.nn.metalstm` and
:mod:`fewshot_metalstm.nn.recurrence`; the arrays are described in
:class:`fewshot_metalstm.nn.fused.Buffers`. ``d`` is the direction, 0 or 1; nothing is written
outside its half of an array.
"""

from __future__ import annotations

from typing import Any

from fewshot_metalstm.nn.kernels.cell import cell_row, cell_row_backward
from fewshot_metalstm.nn.kernels.compiled import compiled
from fewshot_metalstm.nn.kernels.product import add_product


@compiled
def forward(
    d: int, words: Any, rows: Any, places: Any, sizes: Any, meta_x: Any, meta_h: Any, meta_b: Any,
    meta_g: Any, meta_z: Any, qx: Any, qh: Any, p: Any, bz: Any, wx: Any, wh: Any, b: Any,
    offset: float, projected: Any, x: Any, s: Any, s_squashed: Any, g: Any, g_before: Any,
    zt: Any, u: Any, c: Any, c_squashed: Any, h_before: Any, out: Any,
) -> None:  # fmt: skip
    """Fill the buffers and ``out`` (places, h)."""
    count, (distinct, inputs) = len(rows), words.shape
    m, z, h = meta_g.shape[1], p.shape[2], p.shape[3]
    to_q, to_v = 4 * m, 4 * m + 4 * z
    width = to_v + 4 * h
    static = wx.size > 0

    for word in range(distinct):
        for k in range(4 * m):
            projected[d, word, k] = meta_b[d, 0, k]
        for k in range(to_q, width):
            projected[d, word, k] = 0
        if static:
            for k in range(4 * h):
                projected[d, word, to_v + k] = b[d, 0, k]
    at = d * distinct * width
    add_product(projected, at, width, words, 0, inputs, 1, meta_x, d * inputs * 4 * m, 4 * m,
                distinct, 4 * m, inputs)  # fmt: skip
    add_product(projected, at + to_q, width, words, 0, inputs, 1, qx, d * inputs * 4 * z, 4 * z,
                distinct, 4 * z, inputs)  # fmt: skip
    if static:
        add_product(projected, at + to_v, width, words, 0, inputs, 1, wx, d * inputs * 4 * h,
                    4 * h, distinct, 4 * h, inputs)  # fmt: skip

    row = last = d * count  # the first row of this step and of the one before
    for t in range(len(sizes)):
        size = sizes[t]
        goes_on = sizes[t + 1] if t + 1 < len(sizes) else 0
        for j in range(size):
            word = rows[row + j - d * count, d]
            for k in range(width):
                x[d, row + j - d * count, k] = projected[d, word, k]
            for k in range(z):
                zt[d, row + j - d * count, k] = offset
        at = row * width
        if t > 0:
            add_product(x, at, width, h_before, row * h, h, 1, meta_h, d * h * 4 * m, 4 * m,
                        size, 4 * m, h)  # fmt: skip
            add_product(x, at, width, g_before, row * m, m, 1, meta_g, d * m * 4 * m, 4 * m,
                        size, 4 * m, m)  # fmt: skip
            add_product(x, at + to_q, width, h_before, row * h, h, 1, qh, d * h * 4 * z, 4 * z,
                        size, 4 * z, h)  # fmt: skip
            if static:
                add_product(x, at + to_v, width, h_before, row * h, h, 1, wh, d * h * 4 * h,
                            4 * h, size, 4 * h, h)  # fmt: skip
        for j in range(size):
            cell_row(
                x, at + j * width, s, (row + j) * m, (last + j) * m if t > 0 else -1, s_squashed,
                g, (row + j) * m, g_before, (row + size + j) * m if j < goes_on else -1, m,
            )  # fmt: skip
        add_product(zt, row * z, z, g, row * m, m, 1, meta_z, d * m * z, z, size, z, m)
        for j in range(row - d * count, row - d * count + size):
            for k in range(4):
                for r in range(z):
                    u[d, j, k * z + r] = x[d, j, to_q + k * z + r] * zt[d, j, r]
        for k in range(4):
            add_product(x, at + to_v + k * h, width, u, row * 4 * z + k * z, 4 * z, 1, p,
                        (4 * d + k) * z * h, h, size, h, z)  # fmt: skip
        add_product(x, at + to_v, width, zt, row * z, z, 1, bz, d * z * 4 * h, 4 * h,
                    size, 4 * h, z)  # fmt: skip
        for j in range(size):
            cell_row(
                x, at + j * width + to_v, c, (row + j) * h, (last + j) * h if t > 0 else -1,
                c_squashed, out, places[row + j - d * count, d] * h, h_before,
                (row + size + j) * h if j < goes_on else -1, h,
            )  # fmt: skip
        last = row
        row += size


@compiled
def backward(
    d: int, d_out: Any, places: Any, sizes: Any, meta_h: Any, meta_g: Any, meta_z: Any, qh: Any,
    p: Any, bz: Any, wh: Any, x: Any, s: Any, s_squashed: Any, zt: Any, c: Any, c_squashed: Any,
    d_x: Any, d_z: Any, d_u: Any, d_h: Any, d_g: Any, d_c: Any, d_s: Any,
) -> None:  # fmt: skip
    """Back through time: fill ``d_x`` (pre-activations and Q u) and ``d_z``.

    All weights are transposed here: (2, outputs, inputs); ``d_c`` and ``d_s`` hold zeros.
    """
    count, width = x.shape[1:]
    m, z, h = meta_g.shape[2], p.shape[3], p.shape[2]
    to_q, to_v = 4 * m, 4 * m + 4 * z
    static = wh.size > 0
    most = d_h.shape[1]
    row = (d + 1) * count
    for t in range(len(sizes) - 1, -1, -1):
        size, later = sizes[t], row * width
        goes_on = sizes[t + 1] if t + 1 < len(sizes) else 0
        row -= size
        before = row - sizes[t - 1] if t > 0 else -1
        at = row * width
        for j in range(size):
            place = places[row + j - d * count, d]
            for k in range(h):
                d_h[d, j, k] = d_out[place, k]
            for k in range(m):
                d_g[d, j, k] = 0
            for k in range(z):
                d_z[d, row + j - d * count, k] = 0
            for k in range(4 * z):
                d_u[d, j, k] = 0
        if goes_on > 0:
            add_product(d_h, d * most * h, h, d_x, later, width, 1, meta_h, d * 4 * m * h, h,
                        goes_on, h, 4 * m)  # fmt: skip
            add_product(d_h, d * most * h, h, d_x, later + to_q, width, 1, qh, d * 4 * z * h, h,
                        goes_on, h, 4 * z)  # fmt: skip
            if static:
                add_product(d_h, d * most * h, h, d_x, later + to_v, width, 1, wh,
                            d * 4 * h * h, h, goes_on, h, 4 * h)  # fmt: skip
            add_product(d_g, d * most * m, m, d_x, later, width, 1, meta_g, d * 4 * m * m, m,
                        goes_on, m, 4 * m)  # fmt: skip
        for j in range(size):
            cell_row_backward(
                d_x, x, at + j * width + to_v, c, (before + j) * h if t > 0 else -1, c_squashed,
                (row + j) * h, d_h, d_c, (d * most + j) * h, h,
            )  # fmt: skip
        for k in range(4):
            add_product(d_u, d * most * 4 * z + k * z, 4 * z, d_x, at + to_v + k * h, width, 1,
                        p, (4 * d + k) * h * z, z, size, z, h)  # fmt: skip
        add_product(d_z, row * z, z, d_x, at + to_v, width, 1, bz, d * 4 * h * z, z,
                    size, z, 4 * h)  # fmt: skip
        for j in range(size):
            here = row + j - d * count
            for k in range(4):
                for r in range(z):
                    d_z[d, here, r] += d_u[d, j, k * z + r] * x[d, here, to_q + k * z + r]
                    d_x[d, here, to_q + k * z + r] = d_u[d, j, k * z + r] * zt[d, here, r]
        add_product(d_g, d * most * m, m, d_z, row * z, z, 1, meta_z, d * z * m, m, size, m, z)
        for j in range(size):
            cell_row_backward(
                d_x, x, at + j * width, s, (before + j) * m if t > 0 else -1, s_squashed,
                (row + j) * m, d_g, d_s, (d * most + j) * m, m,
            )  # fmt: skip


@compiled
def weight_gradients(
    d: int, sizes: Any, d_x: Any, d_z: Any, g: Any, g_before: Any, zt: Any, u: Any,
    h_before: Any, to_meta_h: Any, to_meta_g: Any, to_meta_z: Any, to_qh: Any, to_p: Any,
    to_bz: Any, to_wh: Any,
) -> None:  # fmt: skip
    """Add each recurrent weight's gradient, one product over all rows, to an array of zeros.

    An array of size zero stands for a gradient that nobody needs.
    """
    count, width = d_x.shape[1:]
    m, z, h = g.shape[2], zt.shape[2], h_before.shape[2]
    to_q, to_v = 4 * m, 4 * m + 4 * z
    row, later = d * count, d * count + sizes[0]  # rows of the first step follow no other
    rest = count - sizes[0]
    if to_meta_h.size > 0:
        add_product(to_meta_h, d * h * 4 * m, 4 * m, h_before, later * h, 1, h, d_x,
                    later * width, width, h, 4 * m, rest)  # fmt: skip
    if to_meta_g.size > 0:
        add_product(to_meta_g, d * m * 4 * m, 4 * m, g_before, later * m, 1, m, d_x,
                    later * width, width, m, 4 * m, rest)  # fmt: skip
    if to_qh.size > 0:
        add_product(to_qh, d * h * 4 * z, 4 * z, h_before, later * h, 1, h, d_x,
                    later * width + to_q, width, h, 4 * z, rest)  # fmt: skip
    if to_wh.size > 0:
        add_product(to_wh, d * h * 4 * h, 4 * h, h_before, later * h, 1, h, d_x,
                    later * width + to_v, width, h, 4 * h, rest)  # fmt: skip
    if to_meta_z.size > 0:
        add_product(to_meta_z, d * m * z, z, g, row * m, 1, m, d_z, row * z, z, m, z, count)
    if to_p.size > 0:
        for k in range(4):
            add_product(to_p, (4 * d + k) * z * h, h, u, row * 4 * z + k * z, 1, 4 * z, d_x,
                        row * width + to_v + k * h, width, z, h, count)  # fmt: skip
    if to_bz.size > 0:
        add_product(to_bz, d * z * 4 * h, 4 * h, zt, row * z, 1, z, d_x, row * width + to_v,
                    width, z, 4 * h, count)  # fmt: skip


@compiled
def input_gradients(
    d: int, words: Any, rows: Any, d_x: Any, meta_x: Any, qx: Any, wx: Any, m: int, z: int,
    static: bool, projected: Any, to_words: Any, to_meta_x: Any, to_meta_b: Any, to_qx: Any,
    to_wx: Any, to_b: Any,
) -> None:  # fmt: skip
    """The same for the weights that meet the input, the biases and the words, (2, U, inputs).

    ``projected`` (2, U, .) holds zeros and gets the gradient by the words' projections;
    ``meta_x``, ``qx`` and ``wx`` are transposed and used for ``to_words`` alone.
    """
    count, width = d_x.shape[1:]
    distinct, inputs = words.shape
    to_q, to_v = 4 * m, 4 * m + 4 * z
    h4 = width - to_v
    for r in range(count):
        word = rows[r, d]
        for k in range(width):
            projected[d, word, k] += d_x[d, r, k]
    at = d * distinct * width
    if to_meta_b.size > 0:
        for word in range(distinct):
            for k in range(4 * m):
                to_meta_b[d, 0, k] += projected[d, word, k]
    if to_b.size > 0:
        for word in range(distinct):
            for k in range(h4):
                to_b[d, 0, k] += projected[d, word, to_v + k]
    if to_meta_x.size > 0:
        add_product(to_meta_x, d * inputs * 4 * m, 4 * m, words, 0, 1, inputs, projected, at,
                    width, inputs, 4 * m, distinct)  # fmt: skip
    if to_qx.size > 0:
        add_product(to_qx, d * inputs * 4 * z, 4 * z, words, 0, 1, inputs, projected, at + to_q,
                    width, inputs, 4 * z, distinct)  # fmt: skip
    if to_wx.size > 0:
        add_product(to_wx, d * inputs * h4, h4, words, 0, 1, inputs, projected, at + to_v,
                    width, inputs, h4, distinct)  # fmt: skip
    if to_words.size > 0:
        to = d * distinct * inputs
        add_product(to_words, to, inputs, projected, at, width, 1, meta_x, d * 4 * m * inputs,
                    inputs, distinct, inputs, 4 * m)  # fmt: skip
        add_product(to_words, to, inputs, projected, at + to_q, width, 1, qx,
                    d * 4 * z * inputs, inputs, distinct, inputs, 4 * z)  # fmt: skip
        if static:
            add_product(to_words, to, inputs, projected, at + to_v, width, 1, wx,
                        d * h4 * inputs, inputs, distinct, inputs, h4)  # fmt: skip
