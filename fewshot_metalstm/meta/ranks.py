"""The ranks of a run: processes, on one host or several, that share its episodes.

``torchrun`` starts the processes and tells each its rank in the environment. Rank 0 leads: it
alone reads and writes files, and it tells the others what comes next (:class:`Order`); they
follow with the same parameters, and say nothing. A process that was started alone is the one rank
of a run (:class:`Ranks`) and has nothing to do with ``torch.distributed``.

The mean gradient is taken over episodes in their order, whoever computed them, so that it is the
same to the last bit on any number of ranks. See :mod:`fewshot_metalstm.meta.torch_ranks`;
:mod:`fewshot_metalstm.meta.join` gives a process the ranks that it is one of.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from enum import IntEnum
from typing import Any, TypeVar

import torch
from torch import Tensor

from fewshot_metalstm.errors import UserError
from fewshot_metalstm.machine import cores, pick_device

T = TypeVar("T")


class Order(IntEnum):
    """What rank 0 tells the others to do."""

    TAKE = 0  # an object that it gives
    STEP = 1  # an outer step
    VALIDATE = 2  # meta-validation


class RankLost(UserError):
    """Another rank ended or does not answer: the run cannot go on."""


class EndedElsewhere(Exception):
    """Rank 0 has ended, with success if ``code`` is 0, and has said what there is to say."""

    def __init__(self, code: int) -> None:
        super().__init__("ended by rank 0")
        self.code = code


def mean_in_order(rows: Tensor, kept: Sequence[int]) -> Tensor:
    """The mean of the rows ``kept`` of ``rows``, (N, P), added one after the other.

    The sum of each column is that of its numbers in this order, whatever columns stand beside it.
    """
    total = rows[kept[0]].clone()
    for index in kept[1:]:
        total += rows[index]
    return total.div_(len(kept))


class Ranks:
    """The ranks of a run, and this one among them; here the only one.

    Attributes:
        rank: from 0.
        size: how many there are.
        local: how many of them are on this host.
    """

    rank = 0
    size = 1
    local = 1

    @property
    def first(self) -> bool:
        """Whether this rank leads."""
        return self.rank == 0

    def cores(self) -> int:
        """Processor cores for this rank: its share of those of its host."""
        return max(1, cores() // self.local)

    def order(self, order: Order) -> None:
        """Rank 0: have the others do something. Elsewhere nothing."""

    def hear(self) -> Order:
        """Ranks other than 0: wait for an order. Raises :class:`EndedElsewhere` at the end."""
        raise RuntimeError("the only rank has none to follow")

    def give(self, value: object) -> None:
        """Rank 0: hand ``value`` to the others, which :meth:`take` it."""

    def take(self) -> Any:
        """Ranks other than 0: what rank 0 gives."""
        raise RuntimeError("the only rank has none to follow")

    def share(self, work: Callable[[], T]) -> list[T]:
        """What ``work`` returns on every rank, in the order of ranks, on every rank.

        An error on one ends all. A :class:`UserError` is raised by rank 0, with the name of the
        rank; another keeps its traceback where it happened, and is :class:`RankLost` on rank 0.
        """
        return [work()]

    def together(self, work: Callable[[], T]) -> T:
        """What ``work`` returns here, once it has succeeded on every rank; see :meth:`share`."""
        results: list[T] = []
        self.share(lambda: results.append(work()))
        return results[0]

    def same(self, facts: Mapping[str, str]) -> None:
        """Raise :class:`UserError` unless ``facts`` are the same on every rank."""

    def use(self, device: str) -> torch.device:
        """This rank's device for ``auto``, ``cpu`` or ``cuda``; all ranks have to call it."""
        return pick_device(device)

    def mean(self, rows: Tensor, kept: Sequence[int]) -> Tensor:
        """The mean gradient of the episodes ``kept``, on every rank.

        Args:
            rows: (slots, P); row ``j`` is episode ``j * size + rank``, and ``slots`` is the same
                on every rank. Rows of no episode hold anything.
            kept: numbers of episodes, at least one, the same on every rank.
        """
        return mean_in_order(rows, kept)

    def align(self, vector: Tensor) -> Tensor:
        """``vector`` of rank 0, on every rank."""
        return vector
