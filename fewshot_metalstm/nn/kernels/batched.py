"""Products of small matrices, one of each task and direction."""

from __future__ import annotations

from typing import Any

from fewshot_metalstm.nn.kernels.compiled import compiled
from fewshot_metalstm.nn.kernels.product import add_product


@compiled
def add_products(c: Any, a: Any, b: Any) -> None:
    """C += A B for (G, rows, columns), (G, rows, depth) and (G, depth, columns)."""
    groups, rows, columns = c.shape
    depth = a.shape[2]
    for g in range(groups):
        add_product(
            c, g * rows * columns, columns, a, g * rows * depth, depth, 1, b,
            g * depth * columns, columns, rows, columns, depth,
        )  # fmt: skip


@compiled
def add_outer(c: Any, a: Any, b: Any) -> None:
    """C += A^T B, block by block of the columns of A and B, of which there are K.

    For (K, depth, columns), (rows, K * depth) and (rows, K * columns).
    """
    blocks, depth, columns = c.shape
    rows, left, right = a.shape[0], a.shape[1], b.shape[1]
    for k in range(blocks):
        add_product(
            c, k * depth * columns, columns, a, k * depth, 1, left, b, k * columns, right,
            depth, columns, rows,
        )  # fmt: skip
