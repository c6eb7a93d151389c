"""A product of small matrices.

The products of a recurrent step are small (16 x 100 x 800, say) and many. What BLAS libraries do
around such a product costs about as much as the product, and on some processors those that torch
and NumPy bring use half of the vector width. So the inner loop is written here: a tile of C stays
in the registers while the rows of B stream by.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from numba import types
from numba.core import cgutils
from numba.extending import intrinsic

from fewshot_metalstm.nn.kernels.compiled import compiled
from fewshot_metalstm.nn.kernels.lanes import AVX, VECTOR_BYTES, WIDE, Code

# The sums of a tile, 6 x 4 (or 6 x 2) vectors, fill most of the 32 (or 16) vector registers.
TILE_ROWS = 6
TILE_VECTORS = 2 if AVX and not WIDE else 4
DEPTH = 160  # rows of a panel that are used before the next ones: they stay in the first cache


@intrinsic
def _tile(
    typing: Any, c: Any, c0: Any, c_row: Any, a: Any, a0: Any, a_row: Any, a_depth: Any, b: Any,
    b0: Any, b_row: Any, rows: Any, columns: Any, depth: Any,
) -> Any:  # fmt: skip
    """C[:rows, :columns] += A[:rows, :depth] B[:depth, :columns] within one tile."""
    signature = types.void(
        c, types.intp, types.intp, a, types.intp, types.intp, types.intp, b, types.intp,
        types.intp, types.intp, types.intp, types.intp,
    )  # fmt: skip

    def generate(context: Any, builder: Any, sig: Any, args: Sequence[Any]) -> Any:
        # Inlined at every place that calls it, it would take several times as long to compile.
        builder.function.attributes.add("noinline")
        code = Code(context, builder, sig.args[0])
        data = [code.data(sig.args[i], args[i]) for i in (0, 3, 7)]
        c0, c_row, a0, a_row, a_depth, b0, b_row = (args[i] for i in (1, 2, 4, 5, 6, 8, 9))
        rows, columns, depth = args[10:]
        vectors = builder.udiv(
            builder.add(columns, code.number(code.lanes - 1)), code.number(code.lanes)
        )
        # A tile of whole vectors is a case of its own, number 0: some processors write a vector
        # under a mask many times slower than without one.
        whole = builder.icmp_signed("==", columns, code.number(TILE_VECTORS * code.lanes))
        vectors = builder.select(whole, code.number(0), vectors)
        all_lanes = code.below(code.number(code.lanes))
        done = builder.append_basic_block("done")
        impossible = builder.append_basic_block("impossible")
        case = builder.add(builder.mul(rows, code.number(8)), vectors)
        switch = builder.switch(case, impossible)
        for r in range(1, TILE_ROWS + 1):
            for number in range(TILE_VECTORS + 1):
                v = number or TILE_VECTORS
                block = builder.append_basic_block(f"tile_{r}_{number}")
                switch.add_case(code.number(8 * r + number), block)
                builder.position_at_end(block)
                sums = [
                    [cgutils.alloca_once(builder, code.vector) for _ in range(v)] for _ in range(r)
                ]
                for row in sums:
                    for place in row:
                        builder.store(code.every(0.0), place)
                last = builder.sub(columns, code.number((v - 1) * code.lanes))
                masks = [all_lanes] * (v - 1) + [code.below(last) if number else all_lanes]
                with cgutils.for_range(builder, depth) as loop:
                    b_at = builder.add(b0, builder.mul(loop.index, b_row))
                    right = [
                        code.load(data[2], builder.add(b_at, code.number(j * code.lanes)), mask)
                        for j, mask in enumerate(masks)
                    ]
                    a_at = builder.add(a0, builder.mul(loop.index, a_depth))
                    for i in range(r):
                        place = builder.add(a_at, builder.mul(a_row, code.number(i)))
                        left = code.spread(builder.load(builder.gep(data[1], [place])))
                        for j in range(v):
                            total = builder.load(sums[i][j])
                            builder.store(code.fma(left, right[j], total), sums[i][j])
                for i in range(r):
                    for j, mask in enumerate(masks):
                        place = builder.add(
                            builder.add(c0, builder.mul(c_row, code.number(i))),
                            code.number(j * code.lanes),
                        )
                        old = code.load(data[0], place, mask)
                        code.store(
                            builder.fadd(old, builder.load(sums[i][j])), data[0], place, mask
                        )
                builder.branch(done)
        builder.position_at_end(impossible)
        builder.branch(done)
        builder.position_at_end(done)
        return context.get_dummy_value()

    return signature, generate


@compiled
def add_product(
    c: Any, c0: int, c_row: int, a: Any, a0: int, a_row: int, a_depth: int, b: Any, b0: int,
    b_row: int, rows: int, columns: int, depth: int,
) -> None:  # fmt: skip
    """C += A B for C (rows, columns), A (rows, depth), B (depth, columns).

    Element (i, j) of C is ``c[c0 + i * c_row + j]``, (i, k) of A is ``a[a0 + i * a_row + k *
    a_depth]``, (k, j) of B is ``b[b0 + k * b_row + j]``.
    """
    width = TILE_VECTORS * VECTOR_BYTES // c.itemsize
    blocks = (rows + TILE_ROWS - 1) // TILE_ROWS
    for k in range(0, depth, DEPTH):
        part = min(DEPTH, depth - k)
        for column in range(0, columns, width):
            here = min(width, columns - column)
            for block in range(blocks):
                first = rows * block // blocks
                count = rows * (block + 1) // blocks - first
                _tile(
                    c, c0 + first * c_row + column, c_row,
                    a, a0 + first * a_row + k * a_depth, a_row, a_depth,
                    b, b0 + k * b_row + column, b_row, count, here, part,
                )  # fmt: skip
