"""The steps of an LSTM with batch norm, compiled, with the way back by hand.

For CPUs, where numba is installed, and by the statistics of the rows: with moving averages there is
little to be won. A gradient of the gradient is taken through the steps in plain torch.

Of :class:`~fewshot_metalstm.nn.cell_buffers.Cell` ``made`` holds both products with mean 0 and
variance 1, (2, N, 8h), first those with the words; ``spread`` (2, T, 8h) and ``cell_spread``
(2, T, h) are of the columns of each step.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import torch
from torch import Tensor

from fewshot_metalstm.nn.cell_buffers import Cell, Norm, back_of, before, both
from fewshot_metalstm.nn.products import outer
from fewshot_metalstm.nn.second_order import through_plain

Plain = Callable[[Tensor, Tensor, Norm], Tensor]


class Statistics(NamedTuple):
    """Of the rows of each step, (T, 2, 9h): of both products and of the cell.

    At the first step, where there is no state, those of the products with it are noughts.
    """

    mean: Tensor
    variance: Tensor


def steps_fused(
    x: Tensor, wh: Tensor, norm: Norm, keep: Tensor | None, sizes: Sequence[int], plain: Plain
) -> tuple[Tensor, Statistics]:
    """Run the steps over packed sentences.

    Args:
        x: W_x x, (2, N, 4h).
        wh: (2, h, 4h).
        norm: gains of W_x x and of W_h h, (2, 1, 8h), the bias of the gates as their shift,
            (2, 1, 4h), and those of the cell.
        keep: factors of dropout, (2, N, h).
        sizes: rows of each step, not increasing.
        plain: the same in plain torch, of the first three arguments.

    Returns:
        (2, N, h): outputs; and the statistics, without a graph.
    """
    out, mean, variance = _Steps.apply(  # type: ignore[no-untyped-call]
        keep, tuple(sizes), plain, x, wh, *norm
    )
    return out, Statistics(mean, variance)


class _Steps(torch.autograd.Function):
    """:func:`steps_fused` for autograd."""

    @staticmethod
    def forward(
        ctx: Any, keep: Tensor | None, sizes: tuple[int, ...], plain: Plain, *tensors: Tensor
    ) -> tuple[Tensor, Tensor, Tensor]:
        from fewshot_metalstm.nn.kernels import batch_lstm

        x, wh, *rest = (tensor.detach().contiguous() for tensor in tensors)
        norm, h, steps = Norm(*rest), wh.shape[1], len(sizes)

        def empty(*shape: int) -> Tensor:
            return x.new_empty(2, *shape)

        count = x.shape[1]
        cell = Cell(
            x.clone(), empty(count, h), empty(count, h), empty(count, h),
            empty(count, 0) if keep is None else keep.detach().contiguous(),
            empty(count, 8 * h), empty(steps, 8 * h), empty(count, h), empty(steps, h),
        )  # fmt: skip
        found = Statistics(*(x.new_zeros(steps, 2, 9 * h) for _ in Statistics._fields))
        both(batch_lstm.forward, sizes, wh, cell, norm, found, empty(sizes[0], 4 * h))
        ctx.sizes, ctx.plain = sizes, plain
        ctx.save_for_backward(*tensors, *cell)
        ctx.mark_non_differentiable(*found)
        return cell.out, *found

    @staticmethod
    def backward(ctx: Any, *d_outputs: Tensor) -> tuple[Tensor | None, ...]:
        saved, needed = ctx.saved_tensors, ctx.needs_input_grad[3:]
        inputs, cell = saved[: len(needed)], Cell(*saved[len(needed) :])
        if torch.is_grad_enabled():
            found = through_plain(
                lambda x, wh, *norm: ctx.plain(x, wh, Norm(*norm)), inputs, needed, d_outputs[0]
            )
            return None, None, None, *found
        from fewshot_metalstm.nn.kernels import batch_lstm

        wh, norm = inputs[1].detach(), Norm(*(y.detach().contiguous() for y in inputs[2:]))
        most, h = ctx.sizes[0], wh.shape[1]
        to = back_of(cell, norm, most)
        d_state = torch.empty_like(to.x)
        both(
            batch_lstm.backward, ctx.sizes, d_outputs[0].contiguous(),
            wh.transpose(1, 2).contiguous(), cell, norm, to, d_state, wh.new_empty(2, 2, 4 * h),
        )  # fmt: skip
        d_wh = None
        if needed[1]:
            d_wh = outer(cell.out.index_select(1, before(ctx.sizes)), d_state[:, most:])
        made = (to.x, d_wh, *to.norm)
        given = (y if need else None for y, need in zip(made, needed, strict=True))
        return None, None, None, *given
