"""Column combining: which columns of a sparse matrix share one packed column.

A matrix has a row for each output and a column for each input. Columns of a group are packed into
one: in every row the largest weight of the group stays, and the others of that row, the conflicts,
are pruned. A group has at most alpha columns, and at most gamma conflicts a row on average::

    conflicts(group) = sum over rows max(0, n_r - 1),   n_r: weights of the group in row r

Groups are merged pair by pair: of the pairs that may be merged, the one with the fewest rows that
are empty in both, since those stay empty when packed.

Source: Kung, McDanel, Zhang, "Packing Sparse Convolutional Neural Networks for Efficient Systolic
Array Implementations: Column Combining Under Joint Optimization", ASPLOS 2019, section 3 and
algorithm 2.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated

import numpy as np
import numpy.typing as npt

from fewshot_metalstm.ranges import NotNegative, Range

MOST_COLUMNS = 16  # of a group: which of them a weight belongs to is stored in half a byte

Groups = tuple[tuple[int, ...], ...]
Mask = npt.NDArray[np.bool_]
Matrix = npt.NDArray[np.floating]


@dataclass(frozen=True)
class CombiningConfig:
    """What a group of columns may be."""

    columns: Annotated[int, Range(least=1, most=MOST_COLUMNS)] = 4  # of a group at most [alpha]
    conflicts: NotNegative = 1.75  # of a group, a row on average, at most [gamma]


def conflicts(weights: Mask, group: Sequence[int]) -> int:
    """How many weights of a group of columns are not the only one of their row.

    Args:
        weights: where there is a weight, (rows, columns).
    """
    counts = weights[:, list(group)].sum(axis=1)
    return int(np.maximum(0, counts - 1).sum())


def combine(weights: Mask, config: CombiningConfig) -> Groups:
    """Groups of columns: every column is in one, in the order of the first columns.

    The same matrix gives the same groups: of pairs that are as good, the first one is merged.
    Takes time in the cube of the columns.

    Args:
        weights: where there is a weight, (rows, columns).
    """
    rows, columns = weights.shape
    groups = [[column] for column in range(columns)]
    if config.columns == 1 or columns < 2:
        return tuple(map(tuple, groups))
    empty = ~weights.T  # of each group: the rows without a weight
    both = empty.astype(np.float32) @ empty.T.astype(np.float32)  # rows that are empty in both
    total = weights.sum(axis=0).astype(np.float64)  # weights of each group
    size = np.ones(columns, np.int64)
    above = np.triu(np.ones((columns, columns), np.bool_), 1)
    most = config.conflicts * rows + 1e-9
    while True:
        # Since max(0, n - 1) = n - [n >= 1]: the weights of both, less the rows that have any.
        clash = total[:, None] + total[None, :] - (rows - both)
        allowed = above & (size[:, None] + size[None, :] <= config.columns) & (clash <= most)
        cost = np.where(allowed, both, np.inf)
        first, second = divmod(int(cost.argmin()), columns)
        if not allowed[first, second]:
            break
        groups[first] += groups[second]
        groups[second] = []
        empty[first] &= empty[second]
        total[first] += total[second]
        size[first] += size[second]
        above[second] = above[:, second] = False
        both[first] = both[:, first] = empty.astype(np.float32) @ empty[first].astype(np.float32)
    return tuple(tuple(sorted(group)) for group in groups if group)


def largest(matrix: Matrix, groups: Groups) -> Mask:
    """Which weights stay when groups are packed: of each row and group the largest, if not zero.

    Of weights that are as large, the one of the first column stays.

    Returns:
        (rows, columns).
    """
    kept = np.zeros(matrix.shape, np.bool_)
    rows = np.arange(len(matrix))
    for group in groups:
        places = np.asarray(group)[np.abs(matrix[:, list(group)]).argmax(axis=1)]
        kept[rows, places] = matrix[rows, places] != 0
    return kept
