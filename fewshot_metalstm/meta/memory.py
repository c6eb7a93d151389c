"""How much memory an outer gradient keeps, measured on an episode before a long run.

What counts is what automatic differentiation holds on to: nearly all of what second order needs
beyond the learner and the batch. Buffers that live for one operation are not in it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import torch
from torch import Tensor

from fewshot_metalstm.meta.algorithm import Algorithm
from fewshot_metalstm.meta.learner import Episode, Learner
from fewshot_metalstm.meta.unrolled import Unrolled

MIB = 2**20


@dataclass(frozen=True)
class Memory:
    """Bytes that the graphs of one call of the algorithm hold at most.

    ``step``: that one more inner step adds. ``peak``: of all ``steps`` that are differentiated
    through, and the query. ``tasks``: episodes in the call. ``keeper``: what needs the graphs.
    """

    step: float
    peak: float
    steps: int
    tasks: int
    keeper: str = "second order"

    def summary(self, workers: int) -> str:
        """One line for a user."""
        what = "an episode" if self.tasks == 1 else f"{self.tasks} episodes at once"
        return (
            f"{self.keeper} keeps {self.step / MIB:.1f} MiB an inner step ({self.steps} of them), "
            f"about {self.peak / MIB:.0f} MiB {what}, in each of {workers} processes"
        )


def measure(algorithm: Algorithm, learner: Learner, episodes: Sequence[Episode]) -> Memory | None:
    """What ``algorithm`` keeps for ``episodes``; None if no graph of an inner step is kept."""
    if not isinstance(algorithm, Unrolled) or algorithm.depth == 0:
        return None
    given = list(episodes)[: algorithm.tasks]
    one, two = (_peak(algorithm, learner, given, steps) for steps in (1, 2))
    growth = max(two - one, 0)
    step = growth or one
    peak = one + growth * (algorithm.depth - 1)
    return Memory(step, peak, algorithm.depth, len(given), algorithm.keeper)


def _peak(algorithm: Unrolled, learner: Learner, episodes: Sequence[Episode], steps: int) -> float:
    short = replace(algorithm, inner=replace(algorithm.inner, steps=steps), truncate=None)
    known = {p.untyped_storage().data_ptr() for p in learner.parameters()}
    count = _Count(known)
    with torch.autograd.graph.saved_tensors_hooks(count.pack, count.unpack):
        short.outcomes(learner, episodes, [torch.Generator().manual_seed(0) for _ in episodes])
    return count.most


class _Count:
    """Bytes of distinct storages that graphs hold, now and at most."""

    def __init__(self, known: set[int]) -> None:
        self.known = known
        self.holders: dict[int, int] = {}
        self.now = self.most = 0

    def pack(self, tensor: Tensor) -> Any:
        """Take note of a tensor that a graph saves."""
        return _Held(self, tensor)

    def unpack(self, packed: Any) -> Tensor:
        """The tensor again."""
        tensor: Tensor = packed.tensor
        return tensor


class _Held:
    """A saved tensor; the graph drops it when it needs it no more."""

    def __init__(self, count: _Count, tensor: Tensor) -> None:
        self.count, self.tensor = count, tensor
        storage = tensor.untyped_storage()
        self.place, self.bytes = storage.data_ptr(), storage.nbytes()
        if self.place in count.known:
            self.bytes = 0
        holders = count.holders.get(self.place, 0)
        count.holders[self.place] = holders + 1
        if holders == 0:
            count.now += self.bytes
            count.most = max(count.most, count.now)

    def __del__(self) -> None:
        count = self.count
        count.holders[self.place] -= 1
        if count.holders[self.place] == 0:
            del count.holders[self.place]
            count.now -= self.bytes
