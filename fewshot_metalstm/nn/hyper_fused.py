"""The steps of a cell whose weights another one scales, compiled, with the way back by hand.

For CPUs, where numba is installed. A gradient of the gradient (second order) is taken through the
steps in plain torch.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import torch
from torch import Tensor

from fewshot_metalstm.nn.cell_buffers import Cell, Norm, back_of, before, both, cell_of
from fewshot_metalstm.nn.hyper_arrays import Products, Slopes, Weights
from fewshot_metalstm.nn.products import outer
from fewshot_metalstm.nn.second_order import through_plain

Plain = Callable[[Tensor, Tensor, Weights], Tensor]


class Steps(NamedTuple):
    """What the steps go by and no gradient is of.

    ``sizes``: rows of each step, not increasing. ``plain``: the same in plain torch, of
    ``to_meta``, ``x`` and weights. ``keep``: factors of dropout, (2, N, h). ``ceiling``: of an
    RNN's relu; 0: none; negative: tanh.
    """

    sizes: Sequence[int]
    plain: Plain
    keep: Tensor | None
    ceiling: float


def steps_fused(to_meta: Tensor, x: Tensor, weights: Weights, steps: Steps) -> Tensor:
    """Run the steps over packed sentences.

    Args:
        to_meta: inputs of the small network's gates, (2, N, k * m).
        x: W_x x, (2, N, k * h).

    Returns:
        (2, N, h): outputs.
    """
    result: Tensor = _Steps.apply(steps, to_meta, x, *_flat(weights))  # type: ignore[no-untyped-call]
    return result


def _flat(weights: Weights) -> list[Tensor]:
    *first, meta_norm, norm = weights
    return [*first, *meta_norm, *norm]


def _weights(tensors: Sequence[Tensor]) -> Weights:
    meta_h, meta_g, to_z, z_at_rest, to_scale, at_rest, wh = tensors[:7]
    norms = Norm(*tensors[7:11]), Norm(*tensors[11:])
    return Weights(meta_h, meta_g, to_z, z_at_rest, to_scale, at_rest, wh, *norms)


class _Steps(torch.autograd.Function):
    """:func:`steps_fused` for autograd."""

    @staticmethod
    def forward(ctx: Any, steps: Steps, *tensors: Tensor) -> Tensor:
        from fewshot_metalstm.nn.kernels import hyper

        to_meta, x, *rest = (tensor.detach().contiguous() for tensor in tensors)
        w = _weights(rest)
        count, m, h = x.shape[1], w.meta_g.shape[1], w.wh.shape[1]
        meta = cell_of(to_meta.clone(), m, None, w.meta_norm)
        own = cell_of(torch.empty_like(x), h, steps.keep, w.norm)
        kept = Products(
            x.new_empty(2, count, w.to_z.shape[2]), x.new_empty(2, count, 3 * x.shape[2]),
            torch.zeros_like(x),
        )  # fmt: skip
        both(hyper.forward, steps.sizes, x, w, meta, own, kept, steps.ceiling)
        ctx.steps = steps
        ctx.save_for_backward(*tensors, *meta, *own, *kept)
        return own.out

    @staticmethod
    def backward(ctx: Any, *d_outputs: Tensor) -> tuple[Tensor | None, ...]:
        saved, needed, steps = ctx.saved_tensors, ctx.needs_input_grad[1:], ctx.steps
        inputs, kept = saved[: len(needed)], saved[len(needed) :]
        if torch.is_grad_enabled():
            found = through_plain(
                lambda to_meta, x, *weights: steps.plain(to_meta, x, _weights(weights)),
                inputs, needed, d_outputs[0],
            )  # fmt: skip
            return None, *found
        size = len(Cell._fields)
        return None, *_by_kernels(
            inputs, needed, Cell(*kept[:size]), Cell(*kept[size : 2 * size]),
            Products(*kept[2 * size :]), steps, d_outputs[0],
        )  # fmt: skip


def _by_kernels(
    inputs: Sequence[Tensor], needed: Sequence[bool], meta: Cell, own: Cell, kept: Products,
    steps: Steps, d_out: Tensor,
) -> list[Tensor | None]:  # fmt: skip
    """Back through time, then one product over all steps for each weight that needs it."""
    from fewshot_metalstm.nn.kernels import hyper

    _, x, *rest = (value.detach().contiguous() for value in inputs)
    w, most = _weights(rest), steps.sizes[0]
    to_meta, to_own = back_of(meta, w.meta_norm, most), back_of(own, w.norm, most)
    to = Slopes(*(torch.empty_like(y) for y in (*kept, x)))
    both(
        hyper.backward, steps.sizes, d_out.contiguous(), x, w.turned(), meta, w.meta_norm,
        own, w.norm, kept, steps.ceiling, to_meta, to_own, to,
    )  # fmt: skip
    rows = before(steps.sizes)
    h_before, g_before = (y.index_select(1, rows) for y in (own.out, meta.out))

    gradients: list[Callable[[], Tensor]] = [
        lambda: to_meta.x,
        lambda: to.x,
        lambda: outer(h_before, to_meta.x[:, most:]),
        lambda: outer(g_before, to_meta.x[:, most:]),
        lambda: outer(meta.out, to.z),
        lambda: to.z.sum(1, keepdim=True),
        lambda: outer(kept.z if kept.z.numel() else meta.out, to.scales, w.blocks()),
        lambda: to.scales.sum(1, keepdim=True),
        lambda: outer(h_before, to.of_h[:, most:]),
    ]
    made = [make() if need else None for make, need in zip(gradients, needed, strict=False)]
    norms = [*to_meta.norm, *to_own.norm]
    return made + [y if need else None for y, need in zip(norms, needed[9:], strict=True)]
