"""The character CNN's maxima, compiled. Importing this module imports numba."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from fewshot_metalstm.nn.kernels.compiled import compiled


@compiled
def windows(
    products: npt.NDArray[np.floating], characters: npt.NDArray[np.int64],
    found: npt.NDArray[np.int64],
) -> bool:  # fmt: skip
    """The characters of each filter's best window in each word; the first of equal windows.

    Args:
        products: of each character with each place of a window, (alphabet, width, filters).
        characters: (U, L); 0 is padding, and no window has its middle there.
        found: (U, width, filters), filled; zeros are left where a word has no character.

    Returns:
        Whether every index was within the alphabet; if not, ``found`` is not complete.
    """
    alphabet, width, filters = products.shape
    words, steps = characters.shape
    side = width // 2
    best = np.empty(filters, products.dtype)
    scores = np.empty(filters, products.dtype)
    where = np.empty(filters, np.int32)
    around = np.zeros(steps + 2 * side, np.int64)
    for word in range(words):
        for t in range(steps):
            around[side + t] = characters[word, t]
            if around[side + t] < 0 or around[side + t] >= alphabet:
                return False
        best[:] = -np.inf
        where[:] = -1
        for t in range(steps):
            if around[side + t] == 0:
                continue
            for f in range(filters):
                scores[f] = products[around[t], 0, f]
            for k in range(1, width):
                row = products[around[t + k], k]
                for f in range(filters):
                    scores[f] += row[f]
            for f in range(filters):
                if scores[f] > best[f]:
                    best[f] = scores[f]
                    where[f] = t
        for k in range(width):
            for f in range(filters):
                found[word, k, f] = around[max(where[f], 0) + k]
    return True
