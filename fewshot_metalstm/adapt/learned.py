"""Adapting a learner by the update rule that it was meta-trained with.

Every step sees the whole support, as the inner loop of the LSTM meta-learner does
(:mod:`fewshot_metalstm.meta.ravi`); a large support is passed over in pieces, whose gradients are
averaged, so that memory does not grow with it.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import torch
from torch import Tensor

from fewshot_metalstm.errors import UserError
from fewshot_metalstm.meta.gates import Gates, State
from fewshot_metalstm.meta.learner import Learner, Params
from fewshot_metalstm.meta.ravi import follow, gates_of, loss_and_gradient

Batches = Callable[[Sequence[int]], object]


def adapt_learned(
    learner: Learner,
    names: Sequence[str],
    items: int,
    batch: Batches,
    *,
    stretch: int,
    piece: int,
    noise: torch.Generator,
    on_step: Callable[[int, float, Params], None] | None = None,
) -> tuple[Params, tuple[float, ...]]:
    """Tune the parameters ``names`` of ``learner`` on a support set, with dropout.

    Args:
        items: size of the support.
        batch: gives the batch of some of its items, by index.
        stretch: how many times the inner steps of meta-training are taken.
        piece: items in a batch.
        on_step: called with the step (from 1), the loss before it and the parameters after it.

    Returns:
        all parameters, and the support's loss before every step.

    Raises:
        UserError: the learner has no learned update rule; less than one step.
    """
    gates = learned_gates(learner)
    if stretch < 1:
        raise UserError(f"adapt.stretch is {stretch}; use at least 1")
    parts = [range(first, min(first + piece, items)) for first in range(0, items, piece)]

    def slope(params: Params) -> tuple[Tensor, Sequence[Tensor]]:
        total: Tensor | None = None
        sums = [torch.zeros_like(params[name]) for name in names]
        for part in parts:
            loss, found = loss_and_gradient(learner, params, names, batch(part), noise)
            share = len(part) / items
            total = loss * share if total is None else total + loss * share
            for whole, gradient in zip(sums, found, strict=True):
                whole.add_(gradient, alpha=share)
        assert total is not None
        return total, sums

    def report(number: int, loss: float, params: Params, state: State) -> None:
        if on_step is not None:
            on_step(number, loss, params)

    start = learner.initial(batch(range(items)))
    end = follow(start, names, slope, gates.steps * stretch, gates.clip, report)
    return end.params, tuple(end.losses)


def learned_gates(learner: Learner) -> Gates:
    """The update rule of a learner; :class:`UserError` if it has none."""
    gates = gates_of(learner)
    if gates is None:
        raise UserError(
            "adapt.optimiser is learned, but nothing was learned to adapt with: meta-train with "
            "--algorithm lstm, or use sgd or adam"
        )
    return gates
