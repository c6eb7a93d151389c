"""The step of an LSTM's cell, of rows of both directions at once.

::

    [n; o; i; f] = [tanh; sig; sig; sig](x)
    c = keep * n * i + c_{t-1} * f ;  h = o * tanh(norm(c))

``keep`` are factors of dropout on what the step adds, and on nothing else, so that the cell never
forgets by chance (Semeniuta, Severyn, Barth, "Recurrent Dropout without Memory Loss", COLING 2016).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor

from fewshot_metalstm.nn.products import compiled_for

Norm = Callable[[Tensor], Tensor]


def lstm_step(
    x: Tensor, c: Tensor, keep: Tensor | None = None, norm: Norm | None = None, *,
    plain: bool = False,
) -> tuple[Tensor, Tensor]:  # fmt: skip
    """One step.

    Args:
        x: pre-activations of the gates n, o, i, f, (2, rows, 4h).
        c: the cell before, (2, rows, h).
        keep: factors, (2, rows, h).
        norm: what the cell goes through before the output is made of it.
        plain: in plain torch.

    Returns:
        outputs and cell, (2, rows, h) each.
    """
    if plain or keep is not None or norm is not None or not compiled_for(x):
        return _plain_step(x, c, keep, norm)
    h, cell = _Step.apply(x, c)  # type: ignore[no-untyped-call]
    return h, cell


def _plain_step(
    x: Tensor, c: Tensor, keep: Tensor | None = None, norm: Norm | None = None
) -> tuple[Tensor, Tensor]:
    size = c.shape[-1]
    n, rest = torch.split_with_sizes(x, [size, 3 * size], -1)
    n = torch.tanh(n)
    o, i, f = torch.sigmoid(rest).chunk(3, dim=-1)
    added = n * i if keep is None else n * i * keep
    c = torch.addcmul(added, c, f)
    return o * torch.tanh(c if norm is None else norm(c)), c


class _Step(torch.autograd.Function):
    """:func:`_plain_step` compiled, without dropout and norm."""

    @staticmethod
    def forward(ctx: Any, x: Tensor, c: Tensor) -> tuple[Tensor, Tensor]:
        from fewshot_metalstm.nn.kernels.steps import forward

        gates = x.detach().clone(memory_format=torch.contiguous_format)
        before = c.detach().contiguous()
        cell = before.clone()
        squashed, h = torch.empty_like(cell), torch.empty_like(cell)
        forward(*(y.numpy() for y in (gates, cell, squashed, h)))
        ctx.save_for_backward(x, c)
        ctx.kept = (gates, before, squashed)
        ctx.set_materialize_grads(False)
        return h, cell

    @staticmethod
    def backward(ctx: Any, *given: Tensor | None) -> tuple[Tensor | None, ...]:
        x, c = ctx.saved_tensors
        if torch.is_grad_enabled():
            x, c = x.view_as(x), c.view_as(c)
            made = _plain_step(x, c)
            pairs = [(y, d) for y, d in zip(made, given, strict=True) if d is not None]
            ends, ds = zip(*pairs, strict=True)
            wanted = [y for y, need in zip((x, c), ctx.needs_input_grad, strict=True) if need]
            found = iter(torch.autograd.grad(ends, wanted, ds, create_graph=True))
            return tuple(next(found) if need else None for need in ctx.needs_input_grad)
        from fewshot_metalstm.nn.kernels.steps import backward

        gates, before, squashed = ctx.kept
        d_h, d_c = given
        d_h = torch.zeros_like(before) if d_h is None else d_h.detach().contiguous()
        d_c = (
            torch.zeros_like(before)
            if d_c is None
            else d_c.detach().clone(memory_format=torch.contiguous_format)
        )
        d_x = torch.empty_like(gates)
        backward(*(y.numpy() for y in (gates, before, squashed, d_h, d_x, d_c)))
        return d_x, d_c
