"""Pruning by magnitude, little by little.

Source: Zhu and Gupta, "To Prune, or Not to Prune", 2017: after the share t of the pruning the
sparsity is S (1 - (1 - t)^3), so that most weights go early, while others can make up for them.
"""

from __future__ import annotations

import numpy as np

from fewshot_metalstm.compress.combining import Mask, Matrix


def sparsity_at(share: float, final: float) -> float:
    """The sparsity after a share (0 to 1) of the pruning, on the cubic schedule."""
    return final * (1.0 - (1.0 - min(max(share, 0.0), 1.0)) ** 3)


def without_smallest(matrix: Matrix, sparsity: float) -> Mask:
    """Where the weights of a matrix are that stay when the smallest share of them is pruned.

    Of weights that are as small, the first ones go. Weights that are zero count as pruned.

    Args:
        sparsity: share of all weights, in [0, 1); rounded to a whole number of weights.
    """
    flat = np.abs(matrix).ravel()
    gone = round(sparsity * flat.size)
    kept = np.ones(flat.size, np.bool_)
    kept[np.argsort(flat, kind="stable")[:gone]] = False
    return (kept & (flat > 0)).reshape(matrix.shape)
