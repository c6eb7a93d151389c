"""One step of an LSTM cell for one sentence in two halves, and the way back.

The first half makes the cell, the second one the output of it; between the two the cell may be
normalised. What a step adds to the cell may be multiplied with factors of dropout.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from numba import types
from numba.extending import intrinsic

from fewshot_metalstm.nn.kernels.blocks import Block, blocks
from fewshot_metalstm.nn.kernels.lanes import Code, Lanes, sigmoid, tanh


def _factors(code: Code, block: Block, keep: Any, keep0: Any) -> Lanes:
    """Factors from ``keep0`` on; ones where that is negative."""
    there = code.builder.icmp_signed(">=", keep0, code.number(0))
    found = block.load(keep, keep0, optional=True)
    return Lanes(code, code.builder.select(there, found.value, code.every(1.0)))


@intrinsic
def cell_half(
    typing: Any, x: Any, x0: Any, cell: Any, cell0: Any, before: Any, keep: Any, keep0: Any,
    size: Any,
) -> Any:  # fmt: skip
    """Turn pre-activations ``x`` into gates, and write the cell at ``cell0``.

    The cell before is at ``before`` and the factors are at ``keep0``, if these are not negative.
    """
    place = types.intp
    signature = types.void(x, place, cell, place, place, keep, place, place)

    def generate(context: Any, builder: Any, sig: Any, args: Sequence[Any]) -> Any:
        code = Code(context, builder, sig.args[0])
        x, cell, keep = (code.data(sig.args[i], args[i]) for i in (0, 2, 5))
        x0, cell0, before, keep0, size = (args[i] for i in (1, 3, 4, 6, 7))
        for block in blocks(code, size):
            n, o, i, f = block.load_gates(x, x0)
            n, o, i, f = tanh(n), sigmoid(o), sigmoid(i), sigmoid(f)
            block.store_gates((n, o, i, f), x, x0)
            last = block.load(cell, before, optional=True)
            block.store(n * i * _factors(code, block, keep, keep0) + last * f, cell, cell0)
        return context.get_dummy_value()

    return signature, generate


@intrinsic
def output_half(
    typing: Any, x: Any, x0: Any, cell: Any, squashed: Any, out: Any, cell0: Any, size: Any
) -> Any:
    """Fill ``squashed`` with tanh of ``cell``, and ``out``, all at ``cell0``; ``x`` are gates."""
    place = types.intp
    signature = types.void(x, place, cell, squashed, out, place, place)

    def generate(context: Any, builder: Any, sig: Any, args: Sequence[Any]) -> Any:
        code = Code(context, builder, sig.args[0])
        x, cell, squashed, out = (code.data(sig.args[i], args[i]) for i in (0, 2, 3, 4))
        x0, cell0, size = (args[i] for i in (1, 5, 6))
        for block in blocks(code, size):
            o = block.load_gates(x, x0)[1]
            s = tanh(block.load(cell, cell0))
            block.store(s, squashed, cell0)
            block.store(o * s, out, cell0)
        return context.get_dummy_value()

    return signature, generate


@intrinsic
def output_half_backward(
    typing: Any, x: Any, x0: Any, squashed: Any, cell0: Any, d_out: Any, d0: Any, d_normed: Any,
    size: Any,
) -> Any:  # fmt: skip
    """Fill ``d_normed`` at ``cell0``: the gradient of what :func:`output_half` read of the cell."""
    place = types.intp
    signature = types.void(x, place, squashed, place, d_out, place, d_normed, place)

    def generate(context: Any, builder: Any, sig: Any, args: Sequence[Any]) -> Any:
        code = Code(context, builder, sig.args[0])
        x, squashed, d_out, d_normed = (code.data(sig.args[i], args[i]) for i in (0, 2, 4, 6))
        x0, cell0, d0, size = (args[i] for i in (1, 3, 5, 7))
        one = Lanes(code, code.every(1.0))
        for block in blocks(code, size):
            o = block.load_gates(x, x0)[1]
            s, d_h = block.load(squashed, cell0), block.load(d_out, d0)
            block.store(d_h * o * (one - s * s), d_normed, cell0)
        return context.get_dummy_value()

    return signature, generate


@intrinsic
def cell_half_backward(
    typing: Any, d_x: Any, x: Any, x0: Any, cell: Any, before: Any, squashed: Any, cell0: Any,
    keep: Any, keep0: Any, d_out: Any, d_through: Any, d_cell: Any, d0: Any, size: Any,
) -> Any:  # fmt: skip
    """Fill ``d_x`` with the gradient of the pre-activations.

    ``d_through`` is the cell's gradient by this step's output and ``d_cell`` that by the next step;
    ``d_cell`` becomes that of the cell before.
    """
    place = types.intp
    signature = types.void(
        d_x, x, place, cell, place, squashed, place, keep, place, d_out, d_through, d_cell, place,
        place,
    )  # fmt: skip

    def generate(context: Any, builder: Any, sig: Any, args: Sequence[Any]) -> Any:
        code = Code(context, builder, sig.args[0])
        d_x, x, cell, squashed, keep, d_out, d_through, d_cell = (
            code.data(sig.args[i], args[i]) for i in (0, 1, 3, 5, 7, 9, 10, 11)
        )
        x0, before, cell0, keep0, d0, size = (args[i] for i in (2, 4, 6, 8, 12, 13))
        one = Lanes(code, code.every(1.0))
        for block in blocks(code, size):
            n, o, i, f = block.load_gates(x, x0)
            last = block.load(cell, before, optional=True)
            s, d_h = block.load(squashed, cell0), block.load(d_out, d0)
            d_c = block.load(d_through, cell0) + block.load(d_cell, d0)
            added = d_c * _factors(code, block, keep, keep0)
            values = (
                added * i * (one - n * n),
                d_h * s * o * (one - o),
                added * n * i * (one - i),
                d_c * last * f * (one - f),
            )
            block.store_gates(values, d_x, x0)
            block.store(d_c * f, d_cell, d0)
        return context.get_dummy_value()

    return signature, generate


@intrinsic
def tanh_row(typing: Any, x: Any, out: Any, place: Any, size: Any) -> Any:
    """``out`` = tanh of ``x``, both at ``place``."""
    signature = types.void(x, out, types.intp, types.intp)

    def generate(context: Any, builder: Any, sig: Any, args: Sequence[Any]) -> Any:
        code = Code(context, builder, sig.args[0])
        data = [code.data(sig.args[i], args[i]) for i in (0, 1)]
        for block in blocks(code, args[3]):
            block.store(tanh(block.load(data[0], args[2])), data[1], args[2])
        return context.get_dummy_value()

    return signature, generate
