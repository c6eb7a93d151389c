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
            first = gate * width
            total = number(0)
            for k in range(first, first + width):
                total += x[d, j, k]
            mean = total / number(width)
            total = number(0)
            for k in range(first, first + width):
                centred = x[d, j, k] - mean
                total += centred * centred
            scale = number(1) / np.sqrt(total / number(width) + number(EPSILON))
            spread[d, j, gate] = scale
            for k in range(first, first + width):
                made[d, j, k] = (x[d, j, k] - mean) * scale
        for k in range(x.shape[2]):
            y[d, j, k] = made[d, j, k] * gain[d, 0, k] + shift[d, 0, k]


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
        for k in range(d_y.shape[2]):
            d_shift[d, 0, k] += d_y[d, j, k]
        for k in range(d_y.shape[2]):
            d_gain[d, 0, k] += d_y[d, j, k] * made[d, j, k]
        for gate in range(gates):
            first = gate * width
            total, along = number(0), number(0)
            for k in range(first, first + width):
                slope = d_y[d, j, k] * gain[d, 0, k]
                d_y[d, j, k] = slope
                total += slope
                along += slope * made[d, j, k]
            total /= number(width)
            along /= number(width)
            scale = spread[d, j, gate]
            for k in range(first, first + width):
                d_y[d, j, k] = scale * (d_y[d, j, k] - total - along * made[d, j, k])
