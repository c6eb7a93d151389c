"""The best path of a CRF, compiled; it rounds as the plain form does."""

from __future__ import annotations

import numpy as np

from fewshot_metalstm.nn.kernels.compiled import compiled
from fewshot_metalstm.nn.kernels.crf import BAD, FINE, Floats, Ints


@compiled
def viterbi(
    emissions: Floats, inner: Floats, start: Floats, end: Floats, lengths: Ints, paths: Ints
) -> int:
    """The best path of each sentence into ``paths`` (B, T); of equals the first tag is taken.

    ``inner`` (K, K), ``start`` (K,) and ``end`` (K,) are scores, -inf where illegal, of the type of
    ``emissions``.
    """
    batch, steps, width = emissions.shape
    best, values = np.empty_like(start), np.empty_like(start)
    origin = np.empty((steps, width), np.int32)
    for row in range(batch):
        length = lengths[row]
        if length < 1 or length > steps:
            return BAD
        for j in range(width):
            best[j] = start[j] + emissions[row, 0, j]
        for t in range(1, length):
            for j in range(width):
                values[j] = best[0] + inner[0, j]
                origin[t, j] = 0
            for i in range(1, width):
                for j in range(width):
                    value = best[i] + inner[i, j]
                    if value > values[j]:
                        values[j] = value
                        origin[t, j] = i
            for j in range(width):
                best[j] = values[j] + emissions[row, t, j]
        tag = 0
        highest = best[0] + end[0]
        for j in range(1, width):
            value = best[j] + end[j]
            if value > highest:
                highest, tag = value, j
        for t in range(length - 1, 0, -1):
            paths[row, t] = tag
            tag = origin[t, tag]
        paths[row, 0] = tag
    return FINE
