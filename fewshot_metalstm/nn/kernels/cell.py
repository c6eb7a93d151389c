"""One step of an LSTM cell for one sentence, forward and backward."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from numba import types
from numba.core import cgutils
from numba.extending import intrinsic

from fewshot_metalstm.nn.kernels.lanes import Code, Lanes, sigmoid, tanh


@dataclass(frozen=True)
class _Block:
    """As many outputs of a cell as a vector holds, from the ``first`` on; ``count`` are there."""

    code: Code
    size: Any
    first: Any
    count: Any

    def mask(self, place: Any = None) -> Any:
        """The lanes that are there; none where ``place`` is given and negative."""
        if place is None:
            return self.code.below(self.count)
        builder, zero = self.code.builder, self.code.number(0)
        there = builder.icmp_signed(">=", place, zero)
        return self.code.below(builder.select(there, self.count, zero))

    def gates(self, x0: Any) -> list[Any]:
        """Where the gates n, o, i, f of these outputs are in an array of pre-activations."""
        builder = self.code.builder
        return [
            builder.add(
                builder.add(x0, self.first), builder.mul(self.size, self.code.number(k))
            )
            for k in range(4)
        ]  # fmt: skip

    def load(self, data: Any, place: Any, mask: Any) -> Lanes:
        """These outputs' elements of an array that begins at ``place``."""
        return Lanes(self.code, self.code.load(data, self._at(place), mask))

    def store(self, value: Lanes, data: Any, place: Any, mask: Any) -> None:
        """Write them."""
        self.code.store(value.value, data, self._at(place), mask)

    def _at(self, place: Any) -> Any:
        return self.code.builder.add(place, self.first)


@contextmanager
def _blocks(code: Code, size: Any) -> Iterator[_Block]:
    """A loop over the blocks of ``size`` outputs; its body is generated once."""
    builder, width = code.builder, code.number(code.lanes)
    with cgutils.for_range_slice(builder, code.number(0), size, width) as (first, _):
        left = builder.sub(size, first)
        count = builder.select(builder.icmp_signed("<", left, width), left, width)
        yield _Block(code, size, first, count)


@intrinsic
def cell_row(
    typing: Any, x: Any, x0: Any, cell: Any, cell0: Any, before: Any, squashed: Any, out: Any,
    out0: Any, after: Any, after0: Any, size: Any,
) -> Any:  # fmt: skip
    """One sentence's step of an LSTM cell with ``size`` outputs.

    ``x`` holds the pre-activations of the gates n, o, i, f and then the gates. ``cell`` and
    ``squashed`` (its tanh) are written at ``cell0``; the cell before is at ``before``, if that is
    not negative. The output goes to ``out`` and, if ``after0`` is not negative, to ``after``.
    """
    place = types.intp
    signature = types.void(x, place, cell, place, place, squashed, out, place, after, place, place)

    def generate(context: Any, builder: Any, sig: Any, args: Sequence[Any]) -> Any:
        code = Code(context, builder, sig.args[0])
        x, cell, squashed, out, after = (code.data(sig.args[i], args[i]) for i in (0, 2, 5, 6, 8))
        x0, cell0, before, out0, after0, size = (args[i] for i in (1, 3, 4, 7, 9, 10))
        with _blocks(code, size) as block:
            mask, gates = block.mask(), block.gates(x0)
            n, o, i, f = (Lanes(code, code.load(x, place, mask)) for place in gates)
            n, o, i, f = tanh(n), sigmoid(o), sigmoid(i), sigmoid(f)
            last = block.load(cell, before, block.mask(before))
            c = n * i + last * f
            c_squashed = tanh(c)
            h = o * c_squashed
            for gate, place in zip((n, o, i, f), gates, strict=True):
                code.store(gate.value, x, place, mask)
            block.store(c, cell, cell0, mask)
            block.store(c_squashed, squashed, cell0, mask)
            block.store(h, out, out0, mask)
            block.store(h, after, after0, block.mask(after0))
        return context.get_dummy_value()

    return signature, generate


@intrinsic
def cell_row_backward(
    typing: Any, d_x: Any, x: Any, x0: Any, cell: Any, before: Any, squashed: Any, cell0: Any,
    d_out: Any, d_cell: Any, d0: Any, size: Any,
) -> Any:  # fmt: skip
    """The way back through :func:`cell_row`.

    ``d_x`` (laid out as ``x``) gets the gradient of the pre-activations. ``d_out`` is the
    gradient of the output and ``d_cell`` that of the cell by the next step; ``d_cell`` becomes
    that of the cell before.
    """
    place = types.intp
    signature = types.void(d_x, x, place, cell, place, squashed, place, d_out, d_cell, place, place)

    def generate(context: Any, builder: Any, sig: Any, args: Sequence[Any]) -> Any:
        code = Code(context, builder, sig.args[0])
        d_x, x, cell, squashed, d_out, d_cell = (
            code.data(sig.args[i], args[i]) for i in (0, 1, 3, 5, 7, 8)
        )
        x0, before, cell0, d0, size = (args[i] for i in (2, 4, 6, 9, 10))
        with _blocks(code, size) as block:
            mask, gates = block.mask(), block.gates(x0)
            n, o, i, f = (Lanes(code, code.load(x, place, mask)) for place in gates)
            last = block.load(cell, before, block.mask(before))
            s = block.load(squashed, cell0, mask)
            d_h = block.load(d_out, d0, mask)
            later = block.load(d_cell, d0, mask)
            one = Lanes(code, code.every(1.0))
            d_c = d_h * o * (one - s * s) + later
            values = (
                d_c * i * (one - n * n),
                d_h * s * o * (one - o),
                d_c * n * i * (one - i),
                d_c * last * f * (one - f),
            )
            for value, place in zip(values, gates, strict=True):
                code.store(value.value, d_x, place, mask)
            block.store(d_c * f, d_cell, d0, mask)
        return context.get_dummy_value()

    return signature, generate
