"""One step of an LSTM cell for one sentence, forward and backward."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from numba import types
from numba.extending import intrinsic

from fewshot_metalstm.nn.kernels.blocks import blocks
from fewshot_metalstm.nn.kernels.lanes import Code, Lanes, sigmoid, tanh


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
        for block in blocks(code, size):
            n, o, i, f = block.load_gates(x, x0)
            n, o, i, f = tanh(n), sigmoid(o), sigmoid(i), sigmoid(f)
            last = block.load(cell, before, optional=True)
            c = n * i + last * f
            c_squashed = tanh(c)
            h = o * c_squashed
            block.store_gates((n, o, i, f), x, x0)
            block.store(c, cell, cell0)
            block.store(c_squashed, squashed, cell0)
            block.store(h, out, out0)
            with builder.if_then(builder.icmp_signed(">=", after0, code.number(0))):
                block.store(h, after, after0)
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
        for block in blocks(code, size):
            n, o, i, f = block.load_gates(x, x0)
            last = block.load(cell, before, optional=True)
            s = block.load(squashed, cell0)
            d_h = block.load(d_out, d0)
            later = block.load(d_cell, d0)
            one = Lanes(code, code.every(1.0))
            d_c = d_h * o * (one - s * s) + later
            values = (
                d_c * i * (one - n * n),
                d_h * s * o * (one - o),
                d_c * n * i * (one - i),
                d_c * last * f * (one - f),
            )
            block.store_gates(values, d_x, x0)
            block.store(d_c * f, d_cell, d0)
        return context.get_dummy_value()

    return signature, generate
