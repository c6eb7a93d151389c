"""Pooling of one direction of a QRNN over packed sentences, and back.

The equations are those of :mod:`fewshot_metalstm.nn.qrnn`. ``gates`` holds n, o and f of every row,
(2, N, 3h); ``d`` is the direction, 0 or 1.
"""

from __future__ import annotations

from typing import Any

from fewshot_metalstm.nn.kernels.compiled import compiled


@compiled
def forward(d: int, sizes: Any, starts: Any, gates: Any, c: Any, out: Any) -> None:
    """Fill the cells ``c`` and the outputs ``out``, (2, N, h) each."""
    h = out.shape[2]
    for t in range(len(sizes)):
        for j in range(sizes[t]):
            row = starts[t] + j
            gate, cell, made = gates[d, row], c[d, row], out[d, row]
            if t == 0:
                for k in range(h):
                    cell[k] = (1 - gate[2 * h + k]) * gate[k]
                    made[k] = gate[h + k] * cell[k]
                continue
            ago = c[d, starts[t - 1] + j]
            for k in range(h):
                f = gate[2 * h + k]
                cell[k] = f * ago[k] + (1 - f) * gate[k]
                made[k] = gate[h + k] * cell[k]


@compiled
def backward(
    d: int, sizes: Any, starts: Any, d_out: Any, gates: Any, c: Any, to: Any, d_c: Any
) -> None:
    """Fill ``to``, the gradients before activation (2, N, 3h).

    ``d_c`` (2, rows of the first step, h) is that of the cell by the next step, noughts at first.
    """
    h = d_out.shape[2]
    for t in range(len(sizes) - 1, -1, -1):
        for j in range(sizes[t]):
            row = starts[t] + j
            gate, cell, made = gates[d, row], c[d, row], to[d, row]
            given, kept = d_out[d, row], d_c[d, j]
            ago = c[d, starts[t - 1] + j] if t > 0 else cell
            first = t == 0
            for k in range(h):
                n, o, f = gate[k], gate[h + k], gate[2 * h + k]
                before = 0.0 if first else ago[k]
                by_cell = kept[k] + given[k] * o
                made[k] = by_cell * (1 - f) * (1 - n * n)
                made[h + k] = given[k] * cell[k] * o * (1 - o)
                made[2 * h + k] = by_cell * (before - n) * f * (1 - f)
                kept[k] = by_cell * f
