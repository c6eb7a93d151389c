"""Loops over the outputs of a cell, a vector register's worth at a time."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from numba.core import cgutils

from fewshot_metalstm.nn.kernels.lanes import Code, Lanes


@dataclass(frozen=True)
class Block:
    """As many outputs of a cell as a vector holds, from the ``first`` on.

    ``count`` are there, or all of them where it is None.
    """

    code: Code
    size: Any
    first: Any
    count: Any = None

    def mask(self, place: Any = None) -> Any:
        """The lanes that are there; none where ``place`` is given and negative."""
        code = self.code
        count = code.number(code.lanes) if self.count is None else self.count
        if place is not None:
            zero = code.number(0)
            there = code.builder.icmp_signed(">=", place, zero)
            count = code.builder.select(there, count, zero)
        return code.below(count)

    def _gates(self, x0: Any) -> list[Any]:
        """Where the gates n, o, i, f of these outputs are in an array of pre-activations."""
        builder = self.code.builder
        return [
            builder.add(
                builder.add(x0, self.first), builder.mul(self.size, self.code.number(k))
            )
            for k in range(4)
        ]  # fmt: skip

    def load(self, data: Any, place: Any, *, optional: bool = False) -> Lanes:
        """These outputs' elements of an array that begins at ``place``.

        Args:
            optional: ``place`` may be negative, and the elements are noughts then.
        """
        mask = self.mask(place if optional else None)
        return Lanes(self.code, self.code.load(data, self._at(place), mask))

    def store(self, value: Lanes, data: Any, place: Any) -> None:
        """Write them."""
        self.code.store(value.value, data, self._at(place), self.mask())

    def load_gates(self, data: Any, x0: Any) -> list[Lanes]:
        """The elements n, o, i, f of an array that begins at ``x0``."""
        mask = self.mask()
        return [Lanes(self.code, self.code.load(data, at, mask)) for at in self._gates(x0)]

    def store_gates(self, values: Sequence[Lanes], data: Any, x0: Any) -> None:
        """Write them."""
        mask = self.mask()
        for value, at in zip(values, self._gates(x0), strict=True):
            self.code.store(value.value, data, at, mask)

    def _at(self, place: Any) -> Any:
        return self.code.builder.add(place, self.first)


def blocks(code: Code, size: Any) -> Iterator[Block]:
    """The blocks of ``size`` outputs: generate a loop's body for each block that this yields.

    Those of whole vectors have a loop without masks, as some processors write under a mask many
    times slower than without one; what is left over comes last.
    """
    builder, width = code.builder, code.number(code.lanes)
    whole = builder.sub(size, builder.urem(size, width))
    with cgutils.for_range_slice(builder, code.number(0), whole, width) as (first, _):
        yield Block(code, size, first)
    left = builder.sub(size, whole)
    with builder.if_then(builder.icmp_signed(">", left, code.number(0))):
        yield Block(code, size, whole, left)
