"""The steps of an LSTM whose weights another one scales, compiled, with the way back by hand.

For CPUs, where numba is installed, without norm and dropout. A gradient of the gradient (second
order) is taken through the steps in plain torch.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import torch
from torch import Tensor

from fewshot_metalstm.nn.products import outer


class Weights(NamedTuple):
    """What the steps multiply with: see :mod:`fewshot_metalstm.nn.hyper`.

    ``meta_h`` (2, h, 4m), ``meta_g`` (2, m, 4m), ``scale`` (2, m, 12h) and ``at_rest`` (2, 1, 12h)
    of the scales of W_h h, of W_x x and of the bias, ``wh`` (2, h, 4h).
    """

    meta_h: Tensor
    meta_g: Tensor
    scale: Tensor
    at_rest: Tensor
    wh: Tensor


class Buffers(NamedTuple):
    """What the way back needs, (2, N, .) each.

    ``meta``: gates of the small network (4m); ``s``, ``s_squashed``, ``g``: its cells, their tanh
    and its outputs (m); ``scales`` (12h); ``product``: W_h h (4h); ``gates`` (4h), ``c``,
    ``c_squashed`` and ``out`` (h) of the LSTM.
    """

    meta: Tensor
    s: Tensor
    s_squashed: Tensor
    g: Tensor
    scales: Tensor
    product: Tensor
    gates: Tensor
    c: Tensor
    c_squashed: Tensor
    out: Tensor


Plain = Callable[[Tensor, Tensor, Weights], Tensor]


def steps_fused(
    to_meta: Tensor, x: Tensor, weights: Weights, sizes: Sequence[int], plain: Plain
) -> Tensor:
    """Run the steps over packed sentences.

    Args:
        to_meta: inputs of the small network's gates, (2, N, 4m).
        x: W_x x, (2, N, 4h).
        sizes: rows of each step, not increasing.
        plain: the same in plain torch, of the first three arguments.

    Returns:
        (2, N, h): outputs.
    """
    result: Tensor = _Steps.apply(  # type: ignore[no-untyped-call]
        tuple(sizes), plain, to_meta, x, *weights
    )
    return result


class _Steps(torch.autograd.Function):
    """:func:`steps_fused` for autograd."""

    @staticmethod
    def forward(ctx: Any, sizes: tuple[int, ...], plain: Plain, *tensors: Tensor) -> Tensor:
        from fewshot_metalstm.nn.kernels import hyper

        to_meta, x, *rest = (tensor.detach().contiguous() for tensor in tensors)
        w = Weights(*rest)
        count, m, h = x.shape[1], w.meta_g.shape[1], w.wh.shape[1]

        def empty(size: int) -> Tensor:
            return x.new_empty(2, count, size)

        kept = Buffers(
            to_meta.clone(), empty(m), empty(m), empty(m), empty(12 * h),
            x.new_zeros(2, count, 4 * h), empty(4 * h), empty(h), empty(h), empty(h),
        )  # fmt: skip
        _both(hyper.forward, torch.tensor(sizes), x, *w, *kept)
        ctx.sizes, ctx.plain = sizes, plain
        ctx.save_for_backward(*tensors, *kept)
        return kept.out.clone()

    @staticmethod
    def backward(ctx: Any, *d_outputs: Tensor) -> tuple[Tensor | None, ...]:
        saved, needed = ctx.saved_tensors, ctx.needs_input_grad[2:]
        inputs = saved[: len(needed)]
        if torch.is_grad_enabled():
            # Views, so that an input that depends on another one does not count twice.
            to_meta, x, *rest = views = [value.view_as(value) for value in inputs]
            output = ctx.plain(to_meta, x, Weights(*rest))
            wanted = [value for value, need in zip(views, needed, strict=True) if need]
            found = iter(torch.autograd.grad(output, wanted, d_outputs[0], create_graph=True))
            return None, None, *(next(found) if need else None for need in needed)
        gradients = _by_kernels(inputs, Buffers(*saved[len(needed) :]), ctx.sizes, d_outputs[0])
        return (
            None,
            None,
            *(value if need else None for value, need in zip(gradients, needed, strict=True)),
        )


def _by_kernels(
    inputs: Sequence[Tensor], kept: Buffers, sizes: tuple[int, ...], d_out: Tensor
) -> list[Tensor]:
    """Back through time, then one product over all steps for each weight."""
    from fewshot_metalstm.nn.kernels import hyper

    x, w = inputs[1].contiguous(), Weights(*inputs[2:])
    m, h, most = w.meta_g.shape[1], w.wh.shape[1], sizes[0]
    d_meta, d_scales, d_product, d_x, d_gates = (
        torch.empty_like(y) for y in (kept.meta, kept.scales, kept.product, x, kept.gates)
    )
    turned = [y.transpose(1, 2).contiguous() for y in (w.meta_h, w.meta_g, w.scale, w.wh)]
    _both(
        hyper.backward, torch.tensor(sizes), d_out.contiguous(), x, *turned, kept.meta, kept.s,
        kept.s_squashed, kept.scales, kept.product, kept.gates, kept.c, kept.c_squashed,
        d_meta, d_scales, d_product, d_x, d_gates, x.new_empty(2, most, h),
        x.new_empty(2, most, m), x.new_zeros(2, most, h), x.new_zeros(2, most, m),
    )  # fmt: skip
    # The row that each row but those of the first step continues.
    back_by = torch.tensor(sizes[:-1], dtype=torch.int64).repeat_interleave(
        torch.tensor(sizes[1:], dtype=torch.int64)
    )
    before = torch.arange(most, x.shape[1]) - back_by
    h_before, g_before = (y.index_select(1, before) for y in (kept.out, kept.g))
    return [
        d_meta, d_x, outer(h_before, d_meta[:, most:]), outer(g_before, d_meta[:, most:]),
        outer(kept.g, d_scales), d_scales.sum(1, keepdim=True),
        outer(h_before, d_product[:, most:]),
    ]  # fmt: skip


def _both(kernel: Callable[..., None], *arguments: Any) -> None:
    """Run a kernel for both directions, one after the other."""
    arrays = [x.detach().numpy() if isinstance(x, Tensor) else x for x in arguments]
    for direction in (0, 1):
        kernel(direction, *arrays)
