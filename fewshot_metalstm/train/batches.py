"""Batches by length: items of like length share one, and every item is in one, once an epoch."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from fewshot_metalstm.seeds import numpy_generator

POOL = 50  # batches whose items are sorted by length together


def epoch_batches(
    lengths: Mapping[str, Sequence[int]], size: int, seed: int, epoch: int
) -> list[tuple[str, list[int]]]:
    """The batches of an epoch in order, each of one task: its name, and indices of its items.

    The items are shuffled and cut into pools, each pool is sorted by length and cut into batches,
    and the batches of all tasks are shuffled. So a batch has little padding, and yet another
    company of items in every epoch. It is a pure function of the arguments.

    Args:
        lengths: of each item of each task; items are batched with those of like length.
        size: items of a batch; the last of a task's may have fewer.
        epoch: from 1.
    """
    found: list[tuple[str, list[int]]] = []
    for task in sorted(lengths):
        length = np.asarray(lengths[task], np.int64)
        order = numpy_generator(seed, "train-order", epoch, task).permutation(len(length))
        for start in range(0, len(order), POOL * size):
            pool = order[start : start + POOL * size]
            pool = pool[np.argsort(length[pool], kind="stable")]
            found += [(task, pool[i : i + size].tolist()) for i in range(0, len(pool), size)]
    shuffled = numpy_generator(seed, "train-batches", epoch).permutation(len(found))
    return [found[i] for i in shuffled]


def number_of_batches(lengths: Mapping[str, Sequence[int]], size: int) -> int:
    """How many :func:`epoch_batches` gives, in every epoch."""
    return sum(-(-len(each) // size) for each in lengths.values())
