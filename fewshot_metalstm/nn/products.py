"""Batched products with constant matrices, differentiable by what they are multiplied with.

For loops over steps whose weights get their gradient elsewhere (see :mod:`.tangent`).
On a CPU with numba the products are compiled ones, which for matrices as small as these take about
half the time of torch's.
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from fewshot_metalstm.nn.jit import available


class Constant:
    """Matrices (G, depth, columns) that many products share, and their transposes."""

    def __init__(self, value: Tensor) -> None:
        self.value = value.detach().contiguous()
        self.turned = self.value.transpose(1, 2).contiguous()

    def add(self, left: Tensor, to: Tensor | None = None) -> Tensor:
        """``left`` (G, rows, depth) times these, plus ``to`` (G, rows, columns) if given."""
        result: Tensor = _Product.apply(left, to, self)  # type: ignore[no-untyped-call]
        return result


class _Product(torch.autograd.Function):
    """Differentiable by both tensors, once."""

    @staticmethod
    def forward(ctx: Any, left: Tensor, to: Tensor | None, constant: Constant) -> Tensor:
        """See :meth:`Constant.add`."""
        ctx.constant, ctx.added = constant, to is not None
        return times(left, constant.value, to)

    @staticmethod
    def backward(ctx: Any, *d_result: Tensor) -> tuple[Tensor | None, ...]:
        """Gradients of ``left`` and ``to``."""
        d_left = None
        if ctx.needs_input_grad[0]:
            d_left = times(d_result[0], ctx.constant.turned)
        return d_left, d_result[0] if ctx.added else None, None


def times(left: Tensor, right: Tensor, to: Tensor | None = None) -> Tensor:
    """(G, rows, depth) times (G, depth, columns), plus ``to``; without a graph."""
    if not compiled_for(left):
        return torch.bmm(left, right) if to is None else torch.baddbmm(to, left, right)
    from fewshot_metalstm.nn.kernels.batched import add_products

    if to is None:
        result = left.new_zeros(len(left), left.shape[1], right.shape[2])
    else:
        result = to.detach().clone(memory_format=torch.contiguous_format)
    add_products(result.numpy(), *(x.detach().contiguous().numpy() for x in (left, right)))
    return result


def outer(left: Tensor, right: Tensor, blocks: int = 1) -> Tensor:
    """Sums over rows: (G, rows, K * a), (G, rows, K * b) -> (G, K * a, b); without a graph.

    Args:
        blocks: K; the columns of a block are multiplied with those of the same block alone.
    """
    if not compiled_for(left):
        a, b = (x.reshape(*x.shape[:2], blocks, -1).transpose(1, 2) for x in (left, right))
        return torch.matmul(a.transpose(2, 3), b).flatten(1, 2)
    from fewshot_metalstm.nn.kernels.batched import add_outer

    shape = len(left), blocks, left.shape[2] // blocks, right.shape[2] // blocks
    result = left.new_zeros(shape)
    for to, *factors in zip(result, left.detach(), right.detach(), strict=True):
        # Of each by itself a part of the rows needs no copy.
        add_outer(to.numpy(), *(x.contiguous().numpy() for x in factors))
    return result.flatten(1, 2)


def compiled_for(x: Tensor) -> bool:
    """Whether compiled kernels serve tensors like ``x``."""
    return x.device.type == "cpu" and x.dtype in (torch.float32, torch.float64) and available()
