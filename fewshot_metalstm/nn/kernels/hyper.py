"""One direction of a cell whose weights another one scales, over packed sentences, and back.

The equations are those of :mod:`fewshot_metalstm.nn.hyper`, the packing that of
:mod:`fewshot_metalstm.nn.recurrence`; the arrays are described in
:mod:`fewshot_metalstm.nn.hyper_arrays` and :mod:`fewshot_metalstm.nn.cell_buffers`. ``d`` is the
direction, 0 or 1.
"""

from __future__ import annotations

from typing import Any

from fewshot_metalstm.nn.cell_buffers import Back, Cell, Norm
from fewshot_metalstm.nn.hyper_arrays import Products, Slopes, Turned, Weights
from fewshot_metalstm.nn.kernels.compiled import compiled
from fewshot_metalstm.nn.kernels.product import add_product
from fewshot_metalstm.nn.kernels.rows import cell_rows, cell_rows_backward


@compiled
def forward(
    d: int, sizes: Any, starts: Any, x: Any, w: Weights, meta: Cell, own: Cell, kept: Products,
    ceiling: float,
) -> None:  # fmt: skip
    """Fill the buffers; ``meta.x`` holds the small network's inputs, ``kept.of_h`` noughts."""
    count, m, h = x.shape[1], meta.out.shape[2], own.out.shape[2]
    km, kh = meta.x.shape[2], own.x.shape[2]
    zs, all_scales = w.to_z.shape[2], kept.scales.shape[2]
    blocks = 3 * kh // h if zs > 0 else 1
    depth, width = w.to_scale.shape[1] // blocks, w.to_scale.shape[2]
    for t in range(len(sizes)):
        size, row = sizes[t], starts[t]
        last = starts[t - 1] if t > 0 else -1
        here, ago = d * count + row, d * count + last
        if t > 0:
            add_product(meta.x, here * km, km, own.out, ago * h, h, 1, w.meta_h, d * h * km,
                        km, size, km, h)  # fmt: skip
            add_product(meta.x, here * km, km, meta.out, ago * m, m, 1, w.meta_g, d * m * km,
                        km, size, km, m)  # fmt: skip
            add_product(kept.of_h, here * kh, kh, own.out, ago * h, h, 1, w.wh, d * h * kh,
                        kh, size, kh, h)  # fmt: skip
        cell_rows(d, row, last, size, meta, w.meta_norm, ceiling)
        for j in range(row, row + size):
            for k in range(zs):
                kept.z[d, j, k] = w.z_at_rest[d, 0, k]
            for k in range(all_scales):
                kept.scales[d, j, k] = w.at_rest[d, 0, k]
        if zs > 0:
            add_product(kept.z, here * zs, zs, meta.out, here * m, m, 1, w.to_z, d * m * zs,
                        zs, size, zs, m)  # fmt: skip
        for b in range(blocks):
            to = d * blocks + b
            if zs > 0:
                add_product(kept.scales, here * all_scales + b * width, all_scales, kept.z,
                            here * zs + b * depth, zs, 1, w.to_scale, to * depth * width, width,
                            size, width, depth)  # fmt: skip
            else:
                add_product(kept.scales, here * all_scales + b * width, all_scales, meta.out,
                            here * m, m, 1, w.to_scale, to * depth * width, width,
                            size, width, depth)  # fmt: skip
        for j in range(row, row + size):
            for k in range(kh):
                own.x[d, j, k] = (
                    kept.scales[d, j, k] * kept.of_h[d, j, k]
                    + kept.scales[d, j, kh + k] * x[d, j, k] + kept.scales[d, j, 2 * kh + k]
                )  # fmt: skip
        cell_rows(d, row, last, size, own, w.norm, ceiling)


@compiled
def backward(
    d: int, sizes: Any, starts: Any, d_out: Any, x: Any, turned: Turned, meta: Cell,
    meta_norm: Norm, own: Cell, norm: Norm, kept: Products, ceiling: float, to_meta: Back,
    to_own: Back, to: Slopes,
) -> None:  # fmt: skip
    """Back through time."""
    count, m, h = x.shape[1], meta.out.shape[2], own.out.shape[2]
    km, kh = meta.x.shape[2], own.x.shape[2]
    zs, all_scales = kept.z.shape[2], kept.scales.shape[2]
    blocks = 3 * kh // h if zs > 0 else 1
    width, depth = turned.to_scale.shape[1] // blocks, turned.to_scale.shape[2]
    most = to_own.out.shape[1]
    for t in range(len(sizes) - 1, -1, -1):
        size, row = sizes[t], starts[t]
        goes_on = sizes[t + 1] if t + 1 < len(sizes) else 0
        before = starts[t - 1] if t > 0 else -1
        here, next_row = d * count + row, d * count + row + size
        for j in range(size):
            for k in range(h):
                to_own.out[d, j, k] = d_out[d, row + j, k]
            for k in range(m):
                to_meta.out[d, j, k] = 0
            for k in range(zs):
                to.z[d, row + j, k] = 0
        if goes_on > 0:
            add_product(to_own.out, d * most * h, h, to_meta.x, next_row * km, km, 1,
                        turned.meta_h, d * km * h, h, goes_on, h, km)  # fmt: skip
            add_product(to_own.out, d * most * h, h, to.of_h, next_row * kh, kh, 1,
                        turned.wh, d * kh * h, h, goes_on, h, kh)  # fmt: skip
            add_product(to_meta.out, d * most * m, m, to_meta.x, next_row * km, km, 1,
                        turned.meta_g, d * km * m, m, goes_on, m, km)  # fmt: skip
        cell_rows_backward(d, row, before, size, own, norm, ceiling, to_own)
        for j in range(row, row + size):
            for k in range(kh):
                slope = to_own.x[d, j, k]
                to.scales[d, j, k] = slope * kept.of_h[d, j, k]
                to.scales[d, j, kh + k] = slope * x[d, j, k]
                to.scales[d, j, 2 * kh + k] = slope
                to.of_h[d, j, k] = slope * kept.scales[d, j, k]
                to.x[d, j, k] = slope * kept.scales[d, j, kh + k]
        for b in range(blocks):
            back = d * blocks + b
            if zs > 0:
                add_product(to.z, here * zs + b * depth, zs, to.scales,
                            here * all_scales + b * width, all_scales, 1, turned.to_scale,
                            back * width * depth, depth, size, depth, width)  # fmt: skip
            else:
                add_product(to_meta.out, d * most * m, m, to.scales,
                            here * all_scales + b * width, all_scales, 1, turned.to_scale,
                            back * width * depth, depth, size, depth, width)  # fmt: skip
        if zs > 0:
            add_product(to_meta.out, d * most * m, m, to.z, here * zs, zs, 1, turned.to_z,
                        d * zs * m, m, size, m, zs)  # fmt: skip
        cell_rows_backward(d, row, before, size, meta, meta_norm, ceiling, to_meta)
