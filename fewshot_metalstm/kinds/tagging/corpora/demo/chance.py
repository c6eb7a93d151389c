"""Draws for the synthetic corpora, all from one method of the generator.

Only :meth:`numpy.random.Generator.random` is used: its stream is the simplest one, so that the
corpora, and the digests of their splits, stay the same from one NumPy to the next.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeVar

from fewshot_metalstm.seeds import Key, numpy_generator

T = TypeVar("T")

_BLOCK = 4096


class Chance:
    """A stream of draws that is a function of ``(seed, *keys)``."""

    def __init__(self, seed: int, *keys: Key) -> None:
        self._generator = numpy_generator(seed, *keys)
        self._drawn: list[float] = []

    def unit(self) -> float:
        """A number in [0, 1)."""
        if not self._drawn:  # in blocks: a call for each number would take most of the time
            self._drawn = self._generator.random(_BLOCK).tolist()
            self._drawn.reverse()
        return self._drawn.pop()

    def below(self, limit: int) -> int:
        """A whole number in [0, limit)."""
        return int(self.unit() * limit)

    def pick(self, items: Sequence[T]) -> T:
        """One of ``items``."""
        return items[self.below(len(items))]

    def pick_early(self, items: Sequence[T]) -> T:
        """One of ``items``, the earlier the likelier: a few names make up most of a text."""
        return items[int(self.unit() ** 3 * len(items))]

    def shuffled(self, items: Sequence[T]) -> list[T]:
        """A shuffled copy of ``items`` (Fisher and Yates)."""
        mixed = list(items)
        for last in range(len(mixed) - 1, 0, -1):
            other = self.below(last + 1)
            mixed[last], mixed[other] = mixed[other], mixed[last]
        return mixed
