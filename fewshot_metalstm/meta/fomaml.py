"""First-order MAML: the query's gradient at the adapted parameters, applied to the initial ones.

Source: Finn, Abbeel, Levine, "Model-Agnostic Meta-Learning for Fast Adaptation of Deep Networks",
ICML 2017, section 5.2 (first-order approximation).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import torch
from torch import Tensor

from fewshot_metalstm.meta.algorithm import InnerConfig, Outcome, clipper
from fewshot_metalstm.meta.learner import Episode, Learner, Params


@dataclass(frozen=True)
class FirstOrderMAML:
    """Inner gradient descent on plain tensors, without a graph through the updates."""

    inner: InnerConfig = field(default_factory=InnerConfig)

    def outcome(self, learner: Learner, episode: Episode, generator: torch.Generator) -> Outcome:
        """See :class:`~fewshot_metalstm.meta.algorithm.Algorithm`."""
        start = learner.initial(episode.support)
        with torch.no_grad():
            before = float(learner.loss(start, episode.query))
        noise = generator if self.inner.noise else None
        fast, losses, norms = descend(
            learner, start, learner.adapted(), episode.support, self.inner, noise
        )
        leaves = {name: value.detach().requires_grad_() for name, value in fast.items()}
        query = learner.loss(leaves, episode.query)
        at_end = torch.autograd.grad(query, list(leaves.values()), materialize_grads=True)
        gradient = torch.autograd.grad(
            list(start.values()), list(learner.parameters()), at_end, materialize_grads=True
        )
        mean = sum(norms) / max(len(norms), 1)
        first = losses[0] if losses else float("nan")
        return Outcome(list(gradient), first, before, float(query.detach()), mean, fast)


def descend(
    learner: Learner, start: Params, names: Sequence[str], batch: object, inner: InnerConfig,
    generator: torch.Generator | None,
) -> tuple[Params, list[float], list[float]]:  # fmt: skip
    """Plain gradient descent on ``names``.

    Returns:
        all parameters after ``inner.steps`` steps (detached), the loss before each step, and the
        norm of each gradient before clipping.
    """
    fast = {name: value.detach() for name, value in start.items()}
    losses: list[float] = []
    norms: list[float] = []
    clip = clipper(inner.clip, norms)
    for _ in range(inner.steps):
        tuned: list[Tensor] = [fast[name].requires_grad_() for name in names]
        loss = learner.loss(fast, batch, generator)
        losses.append(float(loss.detach()))
        gradients = clip(torch.autograd.grad(loss, tuned, materialize_grads=True))
        for name, value, gradient in zip(names, tuned, gradients, strict=True):
            fast[name] = (value - inner.lr * gradient).detach()
    return fast, losses, norms
