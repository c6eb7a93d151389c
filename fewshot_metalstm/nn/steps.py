"""What loops over the steps of packed sentences are made of.

A weight that every step multiplies with (:class:`Shared`) gets its gradient by one product over
all steps, behind the loop, where plain automatic differentiation adds a weight's worth of numbers
at every step. That takes first order; where a graph of the gradient is asked for, the products are
differentiated one by one.

Shapes: G = 2 directions, N rows of all steps (:class:`~fewshot_metalstm.nn.layer.Layout`).
"""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from fewshot_metalstm.nn.layer import Layout
from fewshot_metalstm.nn.products import outer, times


def projected(words: Tensor, weight: Tensor, bias: Tensor | None, layout: Layout) -> Tensor:
    """Products of the words with weights (2, inputs, F), a distinct word once, laid out by rows.

    Args:
        words: (U, inputs).
        bias: (2, 1, F).

    Returns:
        (2, N, F).
    """
    both = words.expand(2, *words.shape)
    made = torch.bmm(both, weight) if bias is None else torch.baddbmm(bias, both, weight)
    return torch.stack([made[d].index_select(0, layout.rows[:, d]) for d in (0, 1)])


def by_step(rows: Tensor, layout: Layout) -> tuple[Tensor, ...]:
    """(2, N, F) as (2, rows of the step, F), step by step."""
    return torch.split_with_sizes(rows, list(layout.sizes), 1)


def kept(keep: Tensor | None, layout: Layout) -> tuple[Tensor | None, ...]:
    """Factors (B, T, 2h) of the outputs, step by step: (2, rows of the step, h) each."""
    if keep is None:
        return (None,) * len(layout.sizes)
    flat = keep.reshape(2 * layout.batch * layout.steps, -1)
    return by_step(flat[layout.places.flatten()].view(-1, 2, flat.shape[1]).transpose(0, 1), layout)


def placed(hidden: Tensor, layout: Layout) -> Tensor:
    """Outputs of the rows, (2, N, h), where they belong: (B, T, 2h), zero where there is no row."""
    h = hidden.shape[2]
    flat = hidden.transpose(0, 1).reshape(-1, h)
    outputs = hidden.new_zeros(2 * layout.batch * layout.steps, h)
    outputs = outputs.index_copy(0, layout.places.flatten(), flat)
    return outputs.view(layout.batch, layout.steps, 2 * h)


def shrunk(rows: int, *states: Tensor) -> tuple[Tensor, ...]:
    """The first ``rows`` of states (2, B, .): those of the sentences that go on."""
    if states[0].shape[1] == rows:
        return states
    return tuple(state[:, :rows] for state in states)


class Shared:
    """Matrices (2, depth, columns), and perhaps a bias (2, 1, columns), that every step shares.

    Args:
        plain: plain torch, for ``torch.func``.
    """

    def __init__(self, weight: Tensor, bias: Tensor | None = None, *, plain: bool = False) -> None:
        self.weight, self.bias = weight, bias
        self._number = 0
        self._store = None if plain else _Store(weight)
        if self._store is not None:
            self.weight, self.bias = _Gathered.apply(  # type: ignore[no-untyped-call]
                weight, bias, self._store
            )

    def times(self, left: Tensor, to: Tensor | None = None) -> Tensor:
        """``left`` (2, rows, depth) times the matrices, plus ``to``, plus the bias."""
        if self._store is None:
            made = torch.bmm(left, self.weight)
            made = made if to is None else made + to
            return made if self.bias is None else made + self.bias
        self._number += 1
        result: Tensor = _Times.apply(  # type: ignore[no-untyped-call]
            left, to, self.weight, self.bias, self._store, self._number
        )
        return result


class _Store:
    """Matrices without a graph, and what their gradient is made of on the way back."""

    def __init__(self, weight: Tensor) -> None:
        self.bare = weight.detach().contiguous()
        self.turned = self.bare.transpose(1, 2).contiguous()
        self._tape: dict[int, tuple[int, Tensor, Tensor]] = {}

    def record(self, number: int, left: Tensor, d_result: Tensor) -> None:
        """Keep the factors of a product's part of the gradient."""
        self._tape[number] = (_way_back(), left, d_result)

    def take(self) -> tuple[Tensor, Tensor] | None:
        """What this way back has kept, in one: (2, rows of all, depth), (2, .., columns)."""
        found = [(left, d) for way, left, d in self._tape.values() if way == _way_back()]
        self._tape.clear()
        if not found:
            return None
        lefts, ds = zip(*found, strict=True)
        return torch.cat(lefts, 1), torch.cat(ds, 1)


def _way_back() -> int:
    """The number of the call of ``backward`` or ``grad`` that runs: a graph may be gone twice."""
    return torch._C._current_graph_task_id()


class _Gathered(torch.autograd.Function):
    """Matrices and bias as they are; their gradient is gathered from all products with them."""

    @staticmethod
    def forward(ctx: Any, weight: Tensor, bias: Tensor | None, store: _Store) -> Any:
        ctx.set_materialize_grads(False)
        ctx.store = store
        return weight.view_as(weight), None if bias is None else bias.view_as(bias)

    @staticmethod
    def backward(ctx: Any, *given: Tensor | None) -> tuple[Tensor | None, ...]:
        d_weight, d_bias = given
        found = ctx.store.take()
        if found is not None:  # in second order a part of it is given besides
            left, d_result = found
            if ctx.needs_input_grad[0]:
                gathered = outer(left, d_result)
                d_weight = gathered if d_weight is None else d_weight + gathered
            if ctx.needs_input_grad[1]:
                total = d_result.sum(1, keepdim=True)
                d_bias = total if d_bias is None else d_bias + total
        return d_weight, d_bias, None


class _Times(torch.autograd.Function):
    """:meth:`Shared.times`."""

    @staticmethod
    def forward(
        ctx: Any, left: Tensor, to: Tensor | None, weight: Tensor, bias: Tensor | None,
        store: _Store, number: int,
    ) -> Tensor:  # fmt: skip
        ctx.store, ctx.number, ctx.added = store, number, to is not None
        ctx.save_for_backward(left, weight)
        if bias is not None:
            to = bias.expand(-1, left.shape[1], -1) if to is None else to + bias
        return times(left, store.bare, to)

    @staticmethod
    def backward(ctx: Any, *given: Tensor) -> tuple[Tensor | None, ...]:
        d_result, needed = given[0], ctx.needs_input_grad
        left, weight = ctx.saved_tensors
        d_left = d_weight = d_bias = None
        if torch.is_grad_enabled():  # a graph of the gradient is asked for
            if needed[0]:
                d_left = torch.bmm(d_result, weight.transpose(1, 2))
            if needed[2]:
                d_weight = torch.bmm(left.transpose(1, 2), d_result)
            if needed[3]:
                d_bias = d_result.sum(1, keepdim=True)
        else:
            if needed[0]:
                d_left = times(d_result, ctx.store.turned)
            if needed[2] or needed[3]:
                ctx.store.record(ctx.number, left, d_result)
        return d_left, d_result if ctx.added else None, d_weight, d_bias, None, None
