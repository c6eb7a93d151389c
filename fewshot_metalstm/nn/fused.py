"""The whole layer as one differentiable function, compiled: input products, recurrence, weights.

For CPUs, where numba is installed. It computes what
:func:`~fewshot_metalstm.nn.layer.layer_plain` computes; a gradient of the gradient (second order)
is taken through that one.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import torch
from torch import Tensor

from fewshot_metalstm.nn.layer import Layout, Weights, layer_plain
from fewshot_metalstm.nn.second_order import through_plain


class Buffers(NamedTuple):
    """What the forward pass keeps for the backward pass, (2, N, .) each.

    ``x``: gates of the Meta-LSTM (4m), Q u (4z), gates of the basic LSTM (4h). ``s``, ``c``: cells
    and, ``_squashed``, their tanh; ``g``: outputs of the Meta-LSTM; ``zt`` and ``u`` (4z): z and
    z * (Q u). Row r of a ``_before`` is the output of the step before r's; rows of the first step
    hold nothing.
    """

    x: Tensor
    s: Tensor
    s_squashed: Tensor
    g: Tensor
    g_before: Tensor
    zt: Tensor
    u: Tensor
    c: Tensor
    c_squashed: Tensor
    h_before: Tensor


def layer_fused(words: Tensor, weights: Weights, layout: Layout, offset: float) -> Tensor:
    """:func:`layer_plain` for float32 or float64 on the CPU, all of one type."""
    result: Tensor = Fused.apply(layout, offset, words, *weights)  # type: ignore[no-untyped-call]
    return result


class Fused(torch.autograd.Function):
    """:func:`layer_fused` for autograd."""

    @staticmethod
    def forward(ctx: Any, layout: Layout, offset: float, *tensors: Tensor) -> Tensor:
        """Run the kernels."""
        from fewshot_metalstm.nn.kernels import metalstm

        words, *rest = (tensor.contiguous() for tensor in tensors)
        w = Weights(*rest)
        count = len(layout.rows)
        m, (z, h) = w.meta_g.shape[1], w.p.shape[2:]
        width = 4 * (m + z + h)
        kept = Buffers(*(
            words.new_empty(2, count, size) for size in (width, m, m, m, m, z, 4 * z, h, h, h)
        ))  # fmt: skip
        projected = words.new_empty(2, len(words), width)
        out = words.new_zeros(2 * layout.batch * layout.steps, h)
        sizes = torch.tensor(layout.sizes)
        _both(
            metalstm.forward, words, layout.rows, layout.places, sizes, *w, offset,
            projected, *kept, out,
        )  # fmt: skip
        ctx.layout, ctx.offset = layout, offset
        ctx.save_for_backward(*tensors, *kept)
        return out.view(layout.batch, layout.steps, 2 * h)

    @staticmethod
    def backward(ctx: Any, *d_outputs: Tensor) -> tuple[Tensor | None, ...]:
        """Gradients of those tensors that need one."""
        saved, needed = ctx.saved_tensors, ctx.needs_input_grad[2:]
        inputs = saved[: len(needed)]
        if torch.is_grad_enabled():
            found: Sequence[Tensor | None] = through_plain(
                lambda words, *weights: layer_plain(
                    words, Weights(*weights), ctx.layout, ctx.offset
                ),
                inputs, needed, d_outputs[0],
            )  # fmt: skip
        else:
            kept = Buffers(*saved[len(needed) :])
            found = _by_kernels(inputs, kept, ctx.layout, needed, d_outputs[0])
        return (None, None, *found)


def _by_kernels(
    inputs: Sequence[Tensor], kept: Buffers, layout: Layout, needed: Sequence[bool],
    d_output: Tensor,
) -> list[Tensor | None]:  # fmt: skip
    """The gradients, by hand: back through time, then one product for each weight."""
    from fewshot_metalstm.nn.kernels import metalstm

    words, w = inputs[0].contiguous(), Weights(*inputs[1:])
    m, (z, h) = w.meta_g.shape[1], w.p.shape[2:]
    most = layout.sizes[0]
    sizes = torch.tensor(layout.sizes)
    empty, zeros = words.new_empty, words.new_zeros
    d_x, d_z = empty(kept.x.shape), empty(kept.zt.shape)
    d_u, d_h, d_g = empty(2, most, 4 * z), empty(2, most, h), empty(2, most, m)
    d_c, d_s = zeros(2, most, h), zeros(2, most, m)
    d_out = d_output.contiguous().view(-1, h)
    _both(
        metalstm.backward, d_out, layout.places, sizes,
        *(_turned(y) for y in (w.meta_h, w.meta_g, w.meta_z, w.qh, w.p, w.bz, w.wh)),
        kept.x, kept.s, kept.s_squashed, kept.zt, kept.c, kept.c_squashed,
        d_x, d_z, d_u, d_h, d_g, d_c, d_s,
    )  # fmt: skip

    to_words = zeros(2, *words.shape) if needed[0] else empty(0, 0, 0)
    to = Weights(*(
        torch.zeros(x.shape, dtype=x.dtype) if need else x.new_empty([0] * x.dim())
        for x, need in zip(w, needed[1:], strict=True)
    ))  # fmt: skip
    _both(
        metalstm.weight_gradients, sizes, d_x, d_z, kept.g, kept.g_before, kept.zt,
        kept.u, kept.h_before, to.meta_h, to.meta_g, to.meta_z, to.qh, to.p, to.bz, to.wh,
    )  # fmt: skip
    first = (to_words, to.meta_x, to.meta_b, to.qx, to.wx, to.b)
    if any(x.numel() for x in first):
        # Only the gradient of the words needs these weights.
        inward = [_turned(y) if needed[0] else y for y in (w.meta_x, w.qx, w.wx)]
        _both(
            metalstm.input_gradients, words, layout.rows, d_x, *inward, m, z,
            w.wx.numel() > 0, zeros(2, len(words), kept.x.shape[2]), *first,
        )  # fmt: skip
    found = (to_words.sum(0) if needed[0] else to_words, *to)
    return [x if need else None for x, need in zip(found, needed, strict=True)]


def _turned(weight: Tensor) -> Tensor:
    """(2, .., inputs, outputs) as (2, .., outputs, inputs)."""
    return weight.transpose(-1, -2).contiguous()


def _both(kernel: Callable[..., None], *arguments: Any) -> None:
    """Run a kernel for both directions, one after the other.

    Beside each other on two threads they would take longer: those that torch's own operations
    leave spinning hold the cores.
    """
    arrays = [x.detach().numpy() if isinstance(x, Tensor) else x for x in arguments]
    for direction in (0, 1):
        kernel(direction, *arrays)
