"""The steps of the Meta-LSTM through time: written plainly, and written for speed.

Both forms take the same arguments and give the same outputs:

- :func:`recurrence_plain` reads like the equations (see :mod:`fewshot_metalstm.nn.metalstm`) and
  is differentiated by autograd, as often as one likes, under ``torch.func`` too;
- :class:`Recurrence` writes every step into buffers that were made beforehand and has a backward
  pass written by hand: only what step t needs of step t+1 stays in its loop, and the gradient of
  every weight is one product over all steps, after the loop. When a graph of the gradient itself
  is asked for (second order), it differentiates the plain form instead.

Sentences are packed: row ``r`` of a buffer is one token of one sentence, step by step. ``sizes[t]``
rows belong to step t; they never grow, and row j of step t+1 continues row j of step t. So nothing
is computed for a sentence that has ended. A row holds both directions, (2, .): the second one
reads another token there.

Shapes: N rows, U distinct words, h and m outputs of the basic LSTM and of the Meta-LSTM, z the
rank. Columns of ``projected`` and ``recurrent``: 4m of the Meta-LSTM's gates, 4z of Q u, and, in
the static form, 4h of the basic LSTM's gates. Gates stand in the order n, o, i, f.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import torch
from torch import Tensor

_aten = torch.ops.aten

State = tuple[Tensor, Tensor, Tensor, Tensor]
"""Outputs and cells of the Meta-LSTM, (2, B, m), and of the basic LSTM, (2, B, h)."""


def recurrence_plain(
    projected: Tensor, rows: Tensor, sizes: Sequence[int], recurrent: Tensor, meta_g: Tensor,
    meta_z: Tensor, p: Tensor, bz: Tensor, offset: float,
    seen: Callable[[Tensor], Tensor] = lambda state: state,
) -> Tensor:  # fmt: skip
    """Run both LSTMs over packed sentences.

    Args:
        projected: products of the distinct words with the input weights, plus bias, (2, U, F).
        rows: which word each row reads, in each direction, (N, 2) of int64 in [0, U).
        sizes: rows of each step, not increasing, at least 1 each; they sum to N.
        recurrent: weights that meet the basic LSTM's last output, (2, h, F).
        meta_g: weights of the Meta-LSTM's own last output, (2, m, 4m).
        meta_z: W_z, (2, m, z).
        p: P, (2, 4, z, h).
        bz: B, (2, z, 4h).
        offset: added to W_z g.
        seen: what a product reads of a state, as of one that is rounded.

    Returns:
        (N, 2, h): outputs of the basic LSTM.
    """
    m, h = meta_g.shape[1], p.shape[3]
    batch = sizes[0]
    sequence = torch.stack([projected[d].index_select(0, rows[:, d]) for d in (0, 1)])  # (2, N, F)
    g = s = sequence.new_zeros(2, batch, m)
    hidden = c = sequence.new_zeros(2, batch, h)
    outputs = []
    for x in torch.split_with_sizes(sequence, list(sizes), 1):
        batch = x.shape[1]
        state = (g[:, :batch], s[:, :batch], hidden[:, :batch], c[:, :batch])
        g, s, hidden, c = one_step(x, state, recurrent, meta_g, meta_z, p, bz, offset, seen)
        outputs.append(hidden)
    return torch.cat(outputs, dim=1).transpose(0, 1)


def one_step(
    x: Tensor, state: State, recurrent: Tensor, meta_g: Tensor, meta_z: Tensor, p: Tensor,
    bz: Tensor, offset: float, seen: Callable[[Tensor], Tensor] = lambda state: state,
) -> State:  # fmt: skip
    """One step of both LSTMs; the other arguments are those of :func:`recurrence_plain`.

    Args:
        x: products of what is read with the input weights, plus bias, (2, B, F).
        state: behind the step before.

    Returns:
        the state behind this one; its third part is the output.
    """
    g, s, hidden, c = state
    batch, m, (z, h) = x.shape[1], meta_g.shape[1], p.shape[2:]
    a = torch.baddbmm(x, seen(hidden), recurrent)
    n, o, i, f = (torch.bmm(seen(g), meta_g) + a[..., : 4 * m]).chunk(4, dim=-1)
    s = torch.tanh(n) * torch.sigmoid(i) + s * torch.sigmoid(f)
    g = torch.sigmoid(o) * torch.tanh(s)
    zt = torch.bmm(seen(g), meta_z) + offset  # (2, B, z)

    u = a[..., 4 * m : 4 * m + 4 * z].view(2, batch, 4, z) * zt.unsqueeze(2)
    u = u.transpose(1, 2).reshape(8, batch, z)
    v = torch.bmm(seen(u), p.reshape(8, z, h)).view(2, 4, batch, h)
    v = torch.baddbmm(v.transpose(1, 2).reshape(2, batch, 4 * h), seen(zt), bz)
    if a.shape[-1] > 4 * (m + z):
        v = v + a[..., 4 * m + 4 * z :]
    n, o, i, f = v.chunk(4, dim=-1)
    c = torch.tanh(n) * torch.sigmoid(i) + c * torch.sigmoid(f)
    return g, s, torch.sigmoid(o) * torch.tanh(c), c


def recurrence(
    projected: Tensor, rows: Tensor, sizes: Sequence[int], recurrent: Tensor, meta_g: Tensor,
    meta_z: Tensor, p: Tensor, bz: Tensor, offset: float,
) -> Tensor:  # fmt: skip
    """:func:`recurrence_plain`, fast; not for ``torch.func``."""
    result: Tensor = Recurrence.apply(  # type: ignore[no-untyped-call]
        projected, rows, sizes, recurrent, meta_g, meta_z, p, bz, offset
    )
    return result


class Recurrence(torch.autograd.Function):
    """:func:`recurrence_plain` with buffers and a backward pass written by hand."""

    @staticmethod
    def forward(
        ctx: Any, projected: Tensor, rows: Tensor, sizes: Sequence[int], recurrent: Tensor,
        meta_g: Tensor, meta_z: Tensor, p: Tensor, bz: Tensor, offset: float,
    ) -> Tensor:  # fmt: skip
        """See :func:`recurrence_plain`."""
        sizes = list(sizes)
        m, (z, h) = meta_g.shape[1], p.shape[2:]
        words, width = projected.shape[1:]
        flat = (rows + words * torch.arange(2, device=rows.device)).flatten()
        # What was projected is gathered into the buffer that each step then adds to.
        x = projected.reshape(2 * words, width).index_select(0, flat).view(-1, 2, width)
        count = len(x)
        static = width > 4 * (m + z)
        v = x[..., 4 * (m + z) :] if static else x.new_zeros(count, 2, 4 * h)
        if offset:
            v += offset * bz.sum(1)
        z_to_v = torch.bmm(meta_z, bz)  # B W_z: B z = B W_z g + offset * (B 1)
        zt = x.new_full((count, 2, z), offset)
        u = x.new_empty(count, 2, 4, z)
        meta = _Cell(x[..., : 4 * m], sizes)
        basic = _Cell(v, sizes)
        p8 = p.reshape(8, z, h)
        x2, m2, v2, g2, h2, z2 = (
            _by_direction(y, sizes) for y in (x, meta.gates, v, meta.output, basic.output, zt)
        )
        q = x[..., 4 * m : 4 * (m + z)].view(u.shape)
        q_steps, z_steps, u_steps = (_by_step(y, sizes) for y in (q, zt.unsqueeze(2), u))
        u8 = _by_direction(u.view(count, 8, z), sizes)
        v8 = torch.split_with_sizes(v.view(count, 2, 4, h).permute(1, 2, 0, 3), sizes, 2)
        for t, size in enumerate(sizes):
            if t > 0:
                last_g, last_h = g2[t - 1], h2[t - 1]
                if size < sizes[t - 1]:
                    last_g, last_h = last_g[:, :size], last_h[:, :size]
                x2[t].baddbmm_(last_h, recurrent)
                m2[t].baddbmm_(last_g, meta_g)
            meta.step(t)
            z2[t].baddbmm_(g2[t], meta_z)
            v2[t].baddbmm_(g2[t], z_to_v)
            torch.mul(q_steps[t], z_steps[t], out=u_steps[t])
            v8[t].add_(torch.bmm(u8[t], p8).view(2, 4, size, h))
            basic.step(t)
        ctx.sizes, ctx.offset = sizes, offset
        ctx.save_for_backward(
            projected, rows, recurrent, meta_g, meta_z, p, bz,
            flat, x, v, zt, u, z_to_v, meta.cell, meta.squashed, meta.output,
            basic.cell, basic.squashed, basic.output,
        )  # fmt: skip
        return basic.output

    @staticmethod
    def backward(ctx: Any, *d_outputs: Tensor) -> tuple[Tensor | None, ...]:
        """Gradients of those inputs that need one."""
        saved, needed = ctx.saved_tensors, ctx.needs_input_grad
        if torch.is_grad_enabled():
            return _differentiable(saved[:7], ctx.sizes, ctx.offset, needed, d_outputs[0])
        return _by_hand(saved, ctx.sizes, needed, d_outputs[0])


def _differentiable(
    inputs: Sequence[Tensor], sizes: list[int], offset: float, needed: Sequence[bool],
    d_output: Tensor,
) -> tuple[Tensor | None, ...]:  # fmt: skip
    """The gradients with a graph of their own, through the plain form."""
    # Views, so that an input that depends on another one does not count twice.
    projected, rows, recurrent, meta_g, meta_z, p, bz = (x.view_as(x) for x in inputs)
    output = recurrence_plain(projected, rows, sizes, recurrent, meta_g, meta_z, p, bz, offset)
    arguments = [projected, None, None, recurrent, meta_g, meta_z, p, bz, None]
    wanted = [x for x, need in zip(arguments, needed, strict=True) if need and x is not None]
    found = iter(torch.autograd.grad(output, wanted, d_output, create_graph=True))
    return tuple(next(found) if need else None for need in needed)


def _by_hand(
    saved: Sequence[Tensor], sizes: list[int], needed: Sequence[bool], d_output: Tensor
) -> tuple[Tensor | None, ...]:
    """The gradients, by hand: back through time, then one product for each weight."""
    projected, _, recurrent, meta_g, meta_z, p, bz, flat, x, v, zt, u, z_to_v = saved[:13]
    s, s_squashed, g, c, c_squashed, hidden = saved[13:]
    m, (z, h) = meta_g.shape[1], p.shape[2:]
    static = x.shape[2] > 4 * (m + z)
    first = sizes[0]
    # The row that each row but those of the first step continues.
    back_by = torch.tensor(sizes[:-1], dtype=torch.int64).repeat_interleave(
        torch.tensor(sizes[1:], dtype=torch.int64)
    )
    before = (torch.arange(first, len(x)) - back_by).to(x.device)

    d_x = torch.empty_like(x)
    d_m = d_x[..., : 4 * m]
    d_v = d_x[..., 4 * (m + z) :] if static else torch.empty_like(v)
    meta = _CellBackward(x[..., : 4 * m], s, s_squashed, before, sizes, d_m)
    basic = _CellBackward(v, c, c_squashed, before, sizes, d_v)
    d_h = d_output.clone(memory_format=torch.contiguous_format)
    d_g = torch.zeros_like(g)
    z_of_u = torch.empty_like(u)  # what u gives to the gradient of z, gate by gate
    q, d_q = (y[..., 4 * m : 4 * (m + z)].view(u.shape) for y in (x, d_x))
    d_v4 = d_v.view(*d_v.shape[:2], 4, h)
    q_steps, dq_steps, z_steps, zu_steps, g_steps, h_steps = (
        _by_step(y, sizes) for y in (q, d_q, zt.unsqueeze(2), z_of_u, d_g, d_h)
    )
    x2, m2, v2, g2, h2, zu2 = (
        _by_direction(y, sizes) for y in (d_x, d_m, d_v, d_g, d_h, z_of_u.flatten(2))
    )
    v4 = [_by_direction(d_v4[:, d], sizes) for d in (0, 1)]
    back_h, back_g, back_zv = (w.transpose(1, 2) for w in (recurrent, meta_g, z_to_v))
    back_p = p.transpose(2, 3)
    back_zu = meta_z.transpose(1, 2).repeat(1, 4, 1)
    for t in range(len(sizes) - 1, -1, -1):
        size = sizes[t]
        basic.step(t, h_steps[t])
        d_u = x.new_empty(2, 4, size, z)
        for d in (0, 1):
            torch.bmm(v4[d][t], back_p[d], out=d_u[d])
        d_u = d_u.permute(2, 0, 1, 3)
        torch.mul(d_u, q_steps[t], out=zu_steps[t])
        torch.mul(d_u, z_steps[t], out=dq_steps[t])
        g2[t].baddbmm_(zu2[t], back_zu)
        g2[t].baddbmm_(v2[t], back_zv)
        meta.step(t, g_steps[t])
        if t > 0:
            last_h, last_g = h2[t - 1], g2[t - 1]
            if size < sizes[t - 1]:
                last_h, last_g = last_h[:, :size], last_g[:, :size]
            last_h.baddbmm_(x2[t], back_h)
            last_g.baddbmm_(m2[t], back_g)

    grads: list[Tensor | None] = [None] * 9
    if needed[0]:
        grads[0] = _aten.embedding_dense_backward(
            d_x.view(len(flat), -1), flat, 2 * projected.shape[1], -1, False
        ).view_as(projected)
    if needed[3]:
        grads[3] = _over_rows(hidden.index_select(0, before), d_x[first:])
    if needed[4]:
        grads[4] = _over_rows(g.index_select(0, before), d_m[first:])
    if needed[5]:
        d_z = torch.bmm(d_v.transpose(0, 1), bz.transpose(1, 2)).transpose(0, 1)
        grads[5] = _over_rows(g, d_z + z_of_u.sum(2))
    if needed[6]:
        grads[6] = torch.stack([_over_rows(u[:, d], d_v4[:, d]) for d in (0, 1)])
    if needed[7]:
        grads[7] = _over_rows(zt, d_v)
    return tuple(grads)


class _Cell:
    """One LSTM's gates, cells and outputs at every row, and views of the same step by step.

    ``gates`` is (N, 2, 4k); each step turns pre-activations into gates in place. ``cell``,
    ``squashed`` (tanh of it) and ``output`` are (N, 2, k).
    """

    def __init__(self, gates: Tensor, sizes: list[int]) -> None:
        self.gates = gates
        count, _, width = gates.shape
        k = width // 4
        self.cell, self.squashed, self.output = gates.new_empty(3, count, 2, k).unbind(0)
        views = (*gates.chunk(4, -1), gates[..., k:], self.cell, self.squashed, self.output)
        self.steps = list(zip(*(_by_step(view, sizes) for view in views), strict=True))

    def step(self, t: int) -> None:
        """From the pre-activations of step t to its output."""
        n, o, i, f, oif, cell, squashed, output = self.steps[t]
        n.tanh_()
        oif.sigmoid_()
        torch.mul(n, i, out=cell)
        if t > 0:
            cell.addcmul_(self.steps[t - 1][5][: len(cell)], f)
        torch.tanh(cell, out=squashed)
        torch.mul(o, squashed, out=output)


class _CellBackward:
    """The way back through one LSTM's steps.

    ``d_gates`` is first filled, for all rows at once, with the derivatives of a step's cell (of its
    output, for the output gate) by its pre-activations; each step then multiplies them by the
    gradient that comes back.
    """

    def __init__(
        self, gates: Tensor, cell: Tensor, squashed: Tensor, before: Tensor, sizes: list[int],
        d_gates: Tensor,
    ) -> None:  # fmt: skip
        k = cell.shape[-1]
        n, o, i, f = gates.chunk(4, -1)
        d_n, d_o, d_i, d_f = d_gates.chunk(4, -1)
        sigmoid, tanh = _aten.sigmoid_backward.grad_input, _aten.tanh_backward.grad_input
        first = sizes[0]
        tanh(i, n, grad_input=d_n)
        sigmoid(squashed, o, grad_input=d_o)
        sigmoid(n, i, grad_input=d_i)
        d_f[:first] = 0  # no cell before the first step
        sigmoid(cell.index_select(0, before), f[first:], grad_input=d_f[first:])
        d_if = d_gates.view(*d_gates.shape[:2], 4, k)[:, :, 2:]
        views = (d_n, d_o, d_if, f, _aten.tanh_backward(o, squashed))
        self.steps = list(zip(*(_by_step(view, sizes) for view in views), strict=True))

    def step(self, t: int, d_output: Tensor) -> None:
        """From the gradient of step t's output to that of its pre-activations."""
        d_n, d_o, d_if, _, d_cell = self.steps[t]
        d_cell.mul_(d_output)
        if t + 1 < len(self.steps):
            f, later = self.steps[t + 1][3:]
            d_cell[: len(later)].addcmul_(later, f)
        d_o.mul_(d_output)
        d_n.mul_(d_cell)
        d_if.mul_(d_cell.unsqueeze(2))


def _by_step(buffer: Tensor, sizes: list[int]) -> list[Tensor]:
    """The rows of each step: (b, 2, .) of (N, 2, .)."""
    return list(torch.split_with_sizes(buffer, sizes))


def _by_direction(buffer: Tensor, sizes: list[int]) -> list[Tensor]:
    """The rows of each step, with the second dimension first: (2, b, .) of (N, 2, .)."""
    return list(torch.split_with_sizes(buffer.transpose(0, 1), sizes, 1))


def _over_rows(left: Tensor, right: Tensor) -> Tensor:
    """Sum over rows of outer products: (N, k, a), (N, k, b) -> (k, a, b)."""
    return torch.bmm(left.permute(1, 2, 0), right.transpose(0, 1))
