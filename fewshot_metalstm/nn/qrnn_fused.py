"""The pooling of a QRNN, compiled, with the way back by hand.

For CPUs, where numba is installed. A gradient of the gradient (second order) is taken through the
steps in plain torch.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import torch
from torch import Tensor

from fewshot_metalstm.nn.cell_buffers import both
from fewshot_metalstm.nn.second_order import through_plain

Plain = Callable[[Tensor], Tensor]


def pooled(rows: Tensor, sizes: Sequence[int], plain: Plain) -> Tensor:
    """Outputs from what is before the activation of the gates.

    Args:
        rows: (2, N, 3h).
        sizes: rows of each step, not increasing.
        plain: the same in plain torch.

    Returns:
        (2, N, h).
    """
    result: Tensor = _Pooling.apply(rows, tuple(sizes), plain)  # type: ignore[no-untyped-call]
    return result


class _Pooling(torch.autograd.Function):
    """:func:`pooled` for autograd."""

    @staticmethod
    def forward(ctx: Any, rows: Tensor, sizes: tuple[int, ...], plain: Plain) -> Tensor:
        from fewshot_metalstm.nn.kernels import qrnn

        h = rows.shape[2] // 3
        gates = rows.detach().clone(memory_format=torch.contiguous_format)
        gates[..., :h].tanh_()
        gates[..., h:].sigmoid_()
        cells = gates.new_empty(2, gates.shape[1], h)
        out = torch.empty_like(cells)
        both(qrnn.forward, sizes, gates, cells, out)
        ctx.sizes, ctx.plain = sizes, plain
        ctx.save_for_backward(rows, gates, cells)
        return out

    @staticmethod
    def backward(ctx: Any, *d_outputs: Tensor) -> tuple[Tensor | None, ...]:
        rows, gates, cells = ctx.saved_tensors
        if torch.is_grad_enabled():
            return *through_plain(ctx.plain, [rows], [True], d_outputs[0]), None, None
        from fewshot_metalstm.nn.kernels import qrnn

        to = torch.empty_like(gates)
        d_cells = cells.new_zeros(2, ctx.sizes[0], cells.shape[2])
        both(qrnn.backward, ctx.sizes, d_outputs[0].contiguous(), gates, cells, to, d_cells)
        return to, None, None
