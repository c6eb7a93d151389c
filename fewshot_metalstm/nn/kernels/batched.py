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
    """C += A^T B for (G, depth, columns), (G, rows, depth) and (G, rows, columns)."""
    groups, depth, columns = c.shape
    rows = a.shape[1]
    for g in range(groups):
        add_product(
            c, g * depth * columns, columns, a, g * rows * depth, 1, depth, b,
            g * rows * columns, columns, depth, columns, rows,
        )  # fmt: skip
