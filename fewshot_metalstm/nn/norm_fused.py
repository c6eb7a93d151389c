"""The steps of an LSTM with layer norm or dropout, compiled, with the way back by hand.

For CPUs, where numba is installed. A gradient of the gradient (second order) is taken through the
steps in plain torch.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import torch
from torch import Tensor

from fewshot_metalstm.nn.cell_buffers import Cell, Norm, back_of, before, both, cell_of
from fewshot_metalstm.nn.products import outer
from fewshot_metalstm.nn.second_order import through_plain

Plain = Callable[[Tensor, Tensor, Norm], Tensor]


def steps_fused(
    x: Tensor, wh: Tensor, norm: Norm, keep: Tensor | None, sizes: Sequence[int], plain: Plain
) -> Tensor:
    """Run the steps over packed sentences.

    Args:
        x: W_x x, and the bias where nothing is normalised, (2, N, 4h).
        wh: (2, h, 4h).
        norm: of size 0 where nothing is normalised.
        keep: factors of dropout, (2, N, h).
        sizes: rows of each step, not increasing.
        plain: the same in plain torch, of the first three arguments.

    Returns:
        (2, N, h): outputs.
    """
    result: Tensor = _Steps.apply(  # type: ignore[no-untyped-call]
        keep, tuple(sizes), plain, x, wh, *norm
    )
    return result


class _Steps(torch.autograd.Function):
    """:func:`steps_fused` for autograd."""

    @staticmethod
    def forward(
        ctx: Any, keep: Tensor | None, sizes: tuple[int, ...], plain: Plain, *tensors: Tensor
    ) -> Tensor:
        from fewshot_metalstm.nn.kernels import norm_lstm

        x, wh, *rest = (tensor.detach().contiguous() for tensor in tensors)
        norm = Norm(*rest)
        cell = cell_of(x.clone(), wh.shape[1], keep, norm)
        both(norm_lstm.forward, sizes, wh, cell, norm)
        ctx.sizes, ctx.plain = sizes, plain
        ctx.save_for_backward(*tensors, *cell)
        return cell.out

    @staticmethod
    def backward(ctx: Any, *d_outputs: Tensor) -> tuple[Tensor | None, ...]:
        saved, needed = ctx.saved_tensors, ctx.needs_input_grad[3:]
        inputs, cell = saved[: len(needed)], Cell(*saved[len(needed) :])
        if torch.is_grad_enabled():
            found = through_plain(
                lambda x, wh, *norm: ctx.plain(x, wh, Norm(*norm)), inputs, needed, d_outputs[0]
            )
            return None, None, None, *found
        from fewshot_metalstm.nn.kernels import norm_lstm

        wh, norm = inputs[1].detach(), Norm(*(y.detach().contiguous() for y in inputs[2:]))
        most = ctx.sizes[0]
        to = back_of(cell, norm, most)
        both(
            norm_lstm.backward, ctx.sizes, d_outputs[0].contiguous(),
            wh.transpose(1, 2).contiguous(), cell, norm, to,
        )  # fmt: skip
        d_wh = None
        if needed[1]:
            d_wh = outer(cell.out.index_select(1, before(ctx.sizes)), to.x[:, most:])
        made = (to.x, d_wh, *to.norm)
        given = (y if need else None for y, need in zip(made, needed, strict=True))
        return None, None, None, *given
