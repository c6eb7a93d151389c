"""Layer normalisation of some rows of one direction, gate by gate, and the way back.

See :mod:`fewshot_metalstm.nn.layer_norm`. Arrays are (2, rows, .), ``d`` is the direction, and
``row`` the first of ``size`` rows.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from fewshot_metalstm.nn.kernels.compiled import compiled_sums
from fewshot_metalstm.nn.layer_norm import EPSILON


@compiled_sums
def norm_rows(
    d: int, row: int, size: int, x: Any, made: Any, spread: Any, gain: Any, shift: Any, y: Any
) -> None:
    """Normalise ``x``: ``made`` has mean 0 and variance 1, and ``y``, which may be ``x``, gains.

    ``spread`` (2, rows, gates) gets one over the standard deviation of every gate.
    """
    number = x.dtype.type
    gates = spread.shape[2]
    width = x.shape[2] // gates
    for j in range(row, row + size):
        for gate in range(gates):
            # Parts of rows, as an index from 0 on is what the compiler makes vectors of.
            part = slice(gate * width, (gate + 1) * width)
            values, into, normed = x[d, j, part], y[d, j, part], made[d, j, part]
            gains, shifts = gain[d, 0, part], shift[d, 0, part]
            total = number(0)
            for k in range(width):
                total += values[k]
            mean = total / number(width)
            total = number(0)
            for k in range(width):
                centred = values[k] - mean
                total += centred * centred
            scale = number(1) / np.sqrt(total / number(width) + number(EPSILON))
            spread[d, j, gate] = scale
            for k in range(width):
                normed[k] = (values[k] - mean) * scale
            for k in range(width):
                into[k] = normed[k] * gains[k] + shifts[k]


@compiled_sums
def norm_rows_backward(
    d: int, row: int, size: int, d_y: Any, made: Any, spread: Any, gain: Any, d_gain: Any,
    d_shift: Any,
) -> None:  # fmt: skip
    """Turn the gradient ``d_y`` into that of what was normalised.

    The gradients of gains and shifts are added to ``d_gain`` and ``d_shift``.
    """
    number = d_y.dtype.type
    gates = spread.shape[2]
    width = d_y.shape[2] // gates
    for j in range(row, row + size):
        for gate in range(gates):
            part = slice(gate * width, (gate + 1) * width)
            slopes, normed, gains = d_y[d, j, part], made[d, j, part], gain[d, 0, part]
            d_gains, d_shifts = d_gain[d, 0, part], d_shift[d, 0, part]
            for k in range(width):
                d_shifts[k] += slopes[k]
            for k in range(width):
                d_gains[k] += slopes[k] * normed[k]
            total, along = number(0), number(0)
            for k in range(width):
                slope = slopes[k] * gains[k]
                total += slope
                along += slope * normed[k]
            total /= number(width)
            along /= number(width)
            scale = spread[d, j, gate]
            for k in range(width):
                slopes[k] = scale * (slopes[k] * gains[k] - total - along * normed[k])
