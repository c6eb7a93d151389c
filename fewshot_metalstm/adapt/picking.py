"""Which items to label next: those that a model is unsure of, and that differ from each other.

Items are taken one after another by maximal marginal relevance (Carbonell, Goldstein, SIGIR 1998):
the most uncertain first, each discounted by its likeness to what is taken already. Uncertainty
counts by rank among the items: a model of a few items may be sure of nearly everything. Likeness
is the cosine of the items' states minus their mean, from which they differ little. Nothing is drawn
at random.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from fewshot_metalstm.errors import UserError

Matrix = npt.NDArray[np.float32]


def check_diversity(diversity: float) -> None:
    """Refuse a diversity outside 0 to 1 with a :class:`UserError`."""
    if not 0 <= diversity <= 1:
        raise UserError(f"diversity is {diversity:g}; use 0 to 1")


def pick(
    uncertainty: npt.NDArray[np.float32], states: Matrix, number: int, diversity: float
) -> list[tuple[int, float]]:
    """Maximal marginal relevance: indices and scores, in the order in which they are taken.

    Args:
        uncertainty: of each item, (N,); only its order counts.
        states: of each item, (N, D).
    """
    size = len(uncertainty)
    _, order, counts = np.unique(uncertainty, return_inverse=True, return_counts=True)
    rank = (np.cumsum(counts) / size)[order].astype(np.float32)  # equals have one rank
    apart = states - states.mean(0)
    apart /= np.maximum(np.linalg.norm(apart, axis=1, keepdims=True), 1e-12)
    likeness = np.full(size, -1, np.float32)  # to the nearest that is taken
    left = np.ones(size, bool)
    chosen: list[tuple[int, float]] = []
    for count in range(min(number, size)):
        weight = diversity if count else 0.0
        score = (1 - weight) * rank - weight * likeness
        best = int(np.where(left, score, -np.inf).argmax())  # the first of equals
        chosen.append((best, float(score[best])))
        left[best] = False
        likeness = np.maximum(likeness, apart @ apart[best])
    return chosen
