"""The product of a matrix in packed columns with a batch.

A packed matrix holds one weight for each row and group of columns, and the number of the column
that the weight is of (:mod:`fewshot_metalstm.compress.packed`). The batch stands in the lanes of
vector registers: each weight is spread over a register and multiplied with its column's values.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from numba import types
from numba.core import cgutils
from numba.extending import intrinsic

from fewshot_metalstm.nn.kernels.compiled import compiled
from fewshot_metalstm.nn.kernels.lanes import VECTOR_BYTES, Code

TILE_VECTORS = 4  # sums of a row that are kept in registers


@intrinsic
def _row(
    typing: Any, y: Any, y0: Any, values: Any, columns: Any, first: Any, x: Any, x0: Any,
    x_row: Any, count: Any, groups: Any,
) -> Any:  # fmt: skip
    """``y[y0 + j] += sum over g of values[first + g] * x[x0 + columns[first + g] * x_row + j]``."""
    place = types.intp
    signature = types.void(y, place, values, columns, place, x, place, place, place, place)

    def generate(context: Any, builder: Any, sig: Any, args: Sequence[Any]) -> Any:
        code = Code(context, builder, sig.args[0])
        to, weights, chosen, read = (code.data(sig.args[i], args[i]) for i in (0, 2, 3, 5))
        y0, first, x0, x_row, count, groups = (args[i] for i in (1, 4, 6, 7, 8, 9))
        vectors = builder.udiv(
            builder.add(count, code.number(code.lanes - 1)), code.number(code.lanes)
        )
        done = builder.append_basic_block("done")
        impossible = builder.append_basic_block("impossible")
        switch = builder.switch(vectors, impossible)
        for v in range(1, TILE_VECTORS + 1):
            block = builder.append_basic_block(f"row_{v}")
            switch.add_case(code.number(v), block)
            builder.position_at_end(block)
            last = builder.sub(count, code.number((v - 1) * code.lanes))
            masks = [code.below(code.number(code.lanes))] * (v - 1) + [code.below(last)]
            sums = [cgutils.alloca_once(builder, code.vector) for _ in range(v)]
            for j, mask in enumerate(masks):
                at = builder.add(y0, code.number(j * code.lanes))
                builder.store(code.load(to, at, mask), sums[j])
            with cgutils.for_range(builder, groups) as loop:
                here = builder.add(first, loop.index)
                weight = code.spread(builder.load(builder.gep(weights, [here])))
                column = builder.load(builder.gep(chosen, [here]))
                column = builder.sext(column, code.index)
                from_x = builder.add(x0, builder.mul(column, x_row))
                for j, mask in enumerate(masks):
                    at = builder.add(from_x, code.number(j * code.lanes))
                    total = builder.load(sums[j])
                    builder.store(code.fma(weight, code.load(read, at, mask), total), sums[j])
            for j, mask in enumerate(masks):
                at = builder.add(y0, code.number(j * code.lanes))
                code.store(builder.load(sums[j]), to, at, mask)
            builder.branch(done)
        builder.position_at_end(impossible)
        builder.branch(done)
        builder.position_at_end(done)
        return context.get_dummy_value()

    return signature, generate


@compiled
def add_packed(y: Any, values: Any, columns: Any, x: Any) -> None:
    """Y += A X for Y (rows, batch), A packed as (rows, groups), X (columns of A, batch).

    Args:
        y: contiguous, as all are.
        values: the weights, of the type of ``x`` and ``y``.
        columns: the column of each weight, int32, below ``len(x)``.
    """
    rows, groups = values.shape
    batch = x.shape[1]
    width = TILE_VECTORS * VECTOR_BYTES // x.itemsize
    for start in range(0, batch, width):
        count = min(width, batch - start)
        for row in range(rows):
            _row(
                y, row * batch + start, values, columns, row * groups, x, start, batch, count,
                groups,
            )  # fmt: skip
