"""The nearest neighbour on pixels: what anyone would try first, beside every learner.

An image takes the class of the support image at the least Euclidean distance of their pixels; of
several at the same distance, of the first.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from fewshot_metalstm.kinds.digits.reader import Pixels
from fewshot_metalstm.kinds.digits.score import Score, compare, parts
from fewshot_metalstm.kinds.digits.tasks import DigitsTask


def nearest(support: Pixels, images: Pixels) -> NDArray[np.int64]:
    """The place in ``support`` (K, 28, 28) that is nearest to each of ``images`` (n, 28, 28)."""
    # Squares of bytes sum up to more than single precision counts exactly.
    known = support.reshape(len(support), -1).astype(np.float64)
    new = images.reshape(len(images), -1).astype(np.float64)
    # |a - b|^2 but for |a|^2, which all of a's distances share.
    distances: NDArray[np.float64] = np.square(known).sum(axis=1) - 2 * new @ known.T
    places: NDArray[np.int64] = distances.argmin(axis=1).astype(np.int64)
    return places


def score_neighbours(
    task: DigitsTask, support: Sequence[int], split: str, support_split: str = "train"
) -> Score:
    """The score of the nearest neighbour on a whole split.

    Args:
        support: positions in ``support_split``.
    """
    known = task.images(support_split, support)
    labels = task.labels(support_split, support)
    found = [
        labels[nearest(known, task.images(split, part))] for part in parts(len(task.splits[split]))
    ]
    return compare(task.splits[split].labels, np.concatenate(found), task.classes)
