"""The Meta-LSTM layer of several tasks at once, with its derivative along a direction.

For Hessian-vector products: the derivative of a loss along a direction of the weights, itself
differentiated once. Every row of a step stands beside its tangent, so that one product serves both;
and as the layer is differentiated only once, the gradient of each weight can be one product over
all steps, after the loop, where plain automatic differentiation adds a weight's worth of numbers at
every step.

Shapes: n tasks, G = 2n (both directions of every task), N rows as in
:class:`~fewshot_metalstm.nn.layer.Layout`, h, m and z the sizes of the LSTMs, F = 4m + 4z + 4h.

Source: Pearlmutter, "Fast Exact Multiplication by the Hessian", Neural Computation 1994; equations
of the layer in :mod:`fewshot_metalstm.nn.metalstm`.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import torch
from torch import Tensor

from fewshot_metalstm.nn.layer import Weights
from fewshot_metalstm.nn.products import Constant, outer


class Basic(NamedTuple):
    """Directions of the task's own weights, named and shaped as in ``Weights``."""

    qx: Tensor
    qh: Tensor
    p: Tensor
    bz: Tensor
    wx: Tensor
    wh: Tensor
    b: Tensor


class Places(NamedTuple):
    """``rows`` and ``places`` of every task's layout, (n, N, 2), and what the tasks share."""

    rows: Tensor
    places: Tensor
    sizes: Sequence[int]
    batch: int
    steps: int


def layer_with_tangent(
    words: Tensor, weights: Weights, along: Basic, layout: Places, offset: float
) -> tuple[Tensor, Tensor]:
    """The layer's outputs and their derivatives along a direction.

    Args:
        words: features of each task's distinct words, (n, U, inputs); they have no tangent.
        weights: parameters with a leading dimension n.
        along: the direction, of the task's own weights only; without a graph.
        layout: packed sentences.
        offset: added to W_z g.

    Returns:
        two tensors (n, B, T, 2 * h), zero where no row is; differentiable once, by ``words`` and
        ``weights``.
    """
    w, tasks = weights, len(words)
    m, (z, h) = w.meta_g.shape[2], w.p.shape[3:]
    if w.wx.numel():
        from_x, bias = torch.cat([w.meta_x, w.qx, w.wx], 3), w.b
        from_h = torch.cat([w.meta_h, w.qh, w.wh], 3)
        x_dot, b_dot = torch.cat([along.qx, along.wx], 3), along.b
        h_dot = torch.cat([along.qh, along.wh], 3)
    else:
        none = w.qx.new_zeros(tasks, 2, 1, 4 * h)
        inputs = none.expand(-1, -1, words.shape[2], -1)
        outputs = none.expand(-1, -1, h, -1)
        from_x, bias = torch.cat([w.meta_x, w.qx, inputs], 3), none
        from_h = torch.cat([w.meta_h, w.qh, outputs], 3)
        x_dot, b_dot = torch.cat([along.qx, inputs], 3), none
        h_dot = torch.cat([along.qh, outputs], 3)
    zeros = bias.new_zeros(tasks, 2, 1, 4 * z)
    spread = words.unsqueeze(1)
    projected = spread @ from_x + torch.cat([w.meta_b, zeros, bias], 3)  # (n, 2, U, F)
    tangent = spread @ x_dot + torch.cat([zeros, b_dot], 3)  # (n, 2, U, 4z + 4h)
    flat = _of_all(layout.rows, words.shape[1], per_direction=True)
    groups = 2 * tasks
    hidden, hidden_dot = _Dual.apply(  # type: ignore[no-untyped-call]
        projected.flatten(0, 2).index_select(0, flat).view(groups, -1, 4 * (m + z + h)),
        tangent.flatten(0, 2).index_select(0, flat).view(groups, -1, 4 * (z + h)),
        from_h.flatten(0, 1), w.meta_g.flatten(0, 1), w.meta_z.flatten(0, 1),
        w.p.flatten(0, 1), w.bz.flatten(0, 1),
        h_dot.flatten(0, 1), along.p.flatten(0, 1), along.bz.flatten(0, 1),
        tuple(layout.sizes), offset,
    )  # fmt: skip
    room = 2 * layout.batch * layout.steps
    places = _of_all(layout.places, room, per_direction=False)

    def laid_out(x: Tensor) -> Tensor:
        out = x.new_zeros(tasks * room, h).index_copy(0, places, x.flatten(0, 1))
        return out.view(tasks, layout.batch, layout.steps, 2 * h)

    return laid_out(hidden), laid_out(hidden_dot)


def _of_all(index: Tensor, size: int, *, per_direction: bool) -> Tensor:
    """(n, N, 2) of places below ``size`` as places among those of all tasks, (2n * N,)."""
    index = index.transpose(1, 2)  # (n, 2, N)
    tasks = len(index)
    if per_direction:
        begin = size * torch.arange(2 * tasks, device=index.device).view(tasks, 2, 1)
    else:
        begin = size * torch.arange(tasks, device=index.device).view(tasks, 1, 1)
    return (index + begin).flatten()


class _Dual(torch.autograd.Function):
    """The recurrence on rows and tangents, differentiable once.

    In the loop the weights are constants. Zeros that are added to what a product gives, or the
    inputs that are added there anyway, catch the gradient of every product's result; with those
    the weights' gradients are products over all rows.
    """

    @staticmethod
    def forward(
        ctx: Any, x: Tensor, x_dot: Tensor, recurrent: Tensor, meta_g: Tensor, meta_z: Tensor,
        p: Tensor, bz: Tensor, recurrent_dot: Tensor, p_dot: Tensor, bz_dot: Tensor,
        sizes: tuple[int, ...], offset: float,
    ) -> tuple[Tensor, Tensor]:  # fmt: skip
        """Outputs and tangents, (G, N, h) each."""
        groups, count, _ = x.shape
        m, (z, h) = meta_g.shape[1], p.shape[2:]
        order = _side_by_side(sizes, count).to(x.device)
        both = torch.cat([x, torch.nn.functional.pad(x_dot, (4 * m, 0))], 1)
        both = both.index_select(1, order)
        catch_z = x.new_zeros(groups, 2 * count, z)
        shift = x.new_tensor([offset, 0.0]).view(1, 2, 1, 1)
        by_h, by_h_dot, by_g, by_meta_z, by_z, by_z_dot = map(
            Constant, (recurrent, recurrent_dot, meta_g, meta_z, bz, bz_dot)
        )
        by_u, by_u_dot = Constant(p.flatten(0, 1)), Constant(p_dot.flatten(0, 1))
        kept: list[tuple[Tensor, ...]] = []
        outputs = []
        with torch.enable_grad():
            both.requires_grad_()
            catch_z.requires_grad_()
            b = sizes[0]
            g = s = x.new_zeros(groups, 2, b, m)
            out = c = x.new_zeros(groups, 2, b, h)
            doubled = [2 * size for size in sizes]
            for b, x_t, catch in zip(
                sizes,
                torch.split_with_sizes(both, doubled, 1),
                torch.split_with_sizes(catch_z, doubled, 1),
                strict=True,
            ):
                if b < g.shape[2]:
                    g, s, out, c = (y[:, :, :b] for y in (g, s, out, c))
                g2, out2 = g.reshape(groups, 2 * b, m), out.reshape(groups, 2 * b, h)
                a = by_h.add(out2, x_t)
                # Splits and not slices, whose gradients would each be as large as the whole.
                to_meta, to_q, to_v = torch.split_with_sizes(a, [4 * m, 4 * z, 4 * h], 2)
                turned = by_h_dot.add(out.unbind(1)[0])  # (G, b, 4z + 4h)
                q_turned, v_turned = torch.split_with_sizes(turned, [4 * z, 4 * h], 2)
                pre = by_g.add(g2, to_meta).view(groups, 2, b, 4 * m)
                g, s = _cell(pre, s)
                zt = (by_meta_z.add(g.view(groups, 2 * b, m), catch)).view(groups, 2, b, z) + shift

                q0, q1 = to_q.reshape(groups, 2, b, 4, z).unbind(1)
                q1 = q1 + q_turned.view(groups, b, 4, z)
                z0, z1 = zt.unbind(1)
                wide0 = z0.unsqueeze(2)
                u1 = torch.addcmul(q0 * z1.unsqueeze(2), q1, wide0)
                u = torch.stack([q0 * wide0, u1], 1).permute(0, 3, 1, 2, 4)  # (G, 4, 2, b, z)
                u = u.reshape(4 * groups, 2 * b, z)
                v0, v1 = by_u.add(u).view(groups, 4, 2, b, h).unbind(2)
                u0, _ = u.chunk(2, 1)
                v1 = v1 + by_u_dot.add(u0).view(groups, 4, b, h)
                z2 = zt.view(groups, 2 * b, z)
                x0, x1 = by_z.add(z2, to_v).view(groups, 2, b, 4 * h).unbind(1)
                x1 = by_z_dot.add(z0, x1 + v_turned)
                v = torch.stack([v0, v1], 1).transpose(2, 3).reshape(groups, 2, b, 4 * h)
                out, c = _cell(v + torch.stack([x0, x1], 1), c)
                outputs.append(out.view(groups, 2 * b, h))
                kept.append(tuple(y.detach() for y in (out2, g2, g.view(groups, 2 * b, m), z2, u)))
            result = torch.cat(outputs, 1)
        ctx.graph = (result, both, catch_z)
        ctx.kept, ctx.order, ctx.sizes, ctx.m = kept, order, sizes, m
        rows = torch.empty_like(result).index_copy_(1, order, result.detach())
        return rows[:, :count], rows[:, count:]

    @staticmethod
    def backward(ctx: Any, *d_rows: Tensor) -> tuple[Tensor | None, ...]:
        """Gradients of everything but the directions."""
        result, both, catch_z = ctx.graph
        d_result = torch.cat(d_rows, 1).index_select(1, ctx.order)
        d_x, d_z = torch.autograd.grad(result, (both, catch_z), d_result)
        ctx.graph = None
        hidden, before, g, zt, u = zip(*ctx.kept, strict=True)
        m, z, h = ctx.m, zt[0].shape[2], hidden[0].shape[2]
        d_v = d_x[..., 4 * (m + z) :]
        groups, rows = d_x.shape[:2]

        def product(left: tuple[Tensor, ...], right: Tensor) -> Tensor:
            return outer(torch.cat(left, 1), right)

        d_v4 = d_v.reshape(groups, rows, 4, h).transpose(1, 2).reshape(4 * groups, rows, h)
        d_rows_x = torch.empty_like(d_x).index_copy_(1, ctx.order, d_x)
        count = rows // 2
        return (
            d_rows_x[:, :count], d_rows_x[:, count:, 4 * m :], product(hidden, d_x),
            product(before, d_x[..., : 4 * m]), product(g, d_z),
            product(u, d_v4).view(groups, 4, z, h), product(zt, d_v),
            None, None, None, None, None,
        )  # fmt: skip


def _cell(x: Tensor, cell: Tensor) -> tuple[Tensor, Tensor]:
    """One step of an LSTM cell; pre-activations (G, 2, b, 4k), cell and results (G, 2, b, k)."""
    k = cell.shape[3]
    (n, n_dot), (rest, rest_dot) = (y.unbind(1) for y in torch.split_with_sizes(x, [k, 3 * k], 3))
    c0, c1 = cell.unbind(1)
    n, rest = torch.tanh(n), torch.sigmoid(rest)
    n_dot = torch.addcmul(n_dot, n * n, n_dot, value=-1)
    rest_dot = rest_dot * torch.addcmul(rest, rest, rest, value=-1)
    (o, i, f), (o_dot, i_dot, f_dot) = rest.chunk(3, -1), rest_dot.chunk(3, -1)
    c = torch.addcmul(n * i, c0, f)
    c_dot = torch.addcmul(n_dot * i, n, i_dot)
    c_dot = torch.addcmul(torch.addcmul(c_dot, c1, f), c0, f_dot)
    squashed = torch.tanh(c)
    bend = torch.addcmul(o, o * squashed, squashed, value=-1)
    out_dot = torch.addcmul(o_dot * squashed, bend, c_dot)
    return torch.stack([o * squashed, out_dot], 1), torch.stack([c, c_dot], 1)


def _side_by_side(sizes: Sequence[int], count: int) -> Tensor:
    """Rows of each step, and behind them the same rows among the tangents, which begin at count."""
    begin, order = 0, []
    for size in sizes:
        rows = torch.arange(begin, begin + size)
        order += [rows, rows + count]
        begin += size
    return torch.cat(order)
