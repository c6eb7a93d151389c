"""First-order MAML: the query's gradient at the adapted parameters, applied to the initial ones.

Source: Finn, Abbeel, Levine, "Model-Agnostic Meta-Learning for Fast Adaptation of Deep Networks",
ICML 2017, section 5.2 (first-order approximation).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import torch
from torch import Tensor

from fewshot_metalstm.meta.algorithm import Descent, InnerConfig, OneByOne, Outcome, clipper
from fewshot_metalstm.meta.config import TrainingConfig
from fewshot_metalstm.meta.learner import Episode, Learner, Params


@dataclass(frozen=True)
class FirstOrderMAML(OneByOne):
    """Inner gradient descent on plain tensors, without a graph through the updates.

    Args:
        head_only: the inner loop leaves all but the head alone
            (:mod:`~fewshot_metalstm.meta.anil`).
    """

    inner: InnerConfig = field(default_factory=InnerConfig)
    head_only: bool = field(default=False, kw_only=True)

    @classmethod
    def from_config(cls, config: TrainingConfig) -> FirstOrderMAML:
        """As the settings say it."""
        return cls(config.inner)

    def tuned(self, learner: Learner) -> tuple[str, ...]:
        """See :class:`~fewshot_metalstm.meta.algorithm.Algorithm`."""
        return learner.head() if self.head_only else super().tuned(learner)

    def adapt(
        self, learner: Learner, start: Params, batch: object, generator: torch.Generator | None
    ) -> Descent:
        """See :class:`~fewshot_metalstm.meta.algorithm.Algorithm`."""
        return Descent(*descend(learner, start, self.tuned(learner), batch, self.inner, generator))

    def outcome(self, learner: Learner, episode: Episode, generator: torch.Generator) -> Outcome:
        """See :class:`~fewshot_metalstm.meta.algorithm.Algorithm`."""
        start = learner.initial(episode.support)
        with torch.no_grad():
            before = float(learner.loss(start, episode.query))
        noise = generator if self.inner.noise else None
        fast, losses, norms = descend(
            learner, start, self.tuned(learner), episode.support, self.inner, noise
        )
        query, at_end = query_gradient(learner, fast, episode.query)
        gradient = through_start(learner, start, at_end)
        mean = sum(norms) / max(len(norms), 1)
        first = losses[0] if losses else float("nan")
        return Outcome(gradient, first, before, query, mean, fast)


@dataclass(frozen=True)
class Step:
    """An inner step as it was taken."""

    params: Params  # that it began with
    noise: Tensor | None  # state of the generator that it began with
    gradient: Params  # of the adapted parameters, before clipping


def descend(
    learner: Learner, start: Params, names: Sequence[str], batch: object, inner: InnerConfig,
    generator: torch.Generator | None, *, steps: int | None = None,
    trail: list[Step] | None = None,
) -> tuple[Params, list[float], list[float]]:  # fmt: skip
    """Plain gradient descent on ``names``.

    Args:
        steps: how many; ``inner.steps`` if None.
        trail: a list that takes every step.

    Returns:
        all parameters after the last step (detached), the loss before each step, and the norm of
        each gradient before clipping.
    """
    fast = {name: value.detach() for name, value in start.items()}
    losses: list[float] = []
    norms: list[float] = []
    clip = clipper(inner.clip, norms)
    for _ in range(inner.steps if steps is None else steps):
        state = None if generator is None or trail is None else generator.get_state()
        tuned: list[Tensor] = [fast[name].requires_grad_() for name in names]
        loss = learner.loss(fast, batch, generator)
        losses.append(float(loss.detach()))
        found = torch.autograd.grad(loss, tuned, materialize_grads=True)
        if trail is not None:
            params = {name: value.detach() for name, value in fast.items()}
            trail.append(Step(params, state, dict(zip(names, found, strict=True))))
        gradients = clip(found)
        for name, value, gradient in zip(names, tuned, gradients, strict=True):
            fast[name] = (value - inner.lr * gradient).detach()
    return fast, losses, norms


def query_gradient(learner: Learner, params: Params, batch: object) -> tuple[float, Params]:
    """The loss of ``batch`` and its gradient by all of ``params``, at their values."""
    leaves = {name: value.detach().requires_grad_() for name, value in params.items()}
    loss = learner.loss(leaves, batch)
    gradients = torch.autograd.grad(loss, list(leaves.values()), materialize_grads=True)
    return float(loss.detach()), dict(zip(leaves, gradients, strict=True))


def through_start(learner: Learner, start: Params, gradient: Mapping[str, Tensor]) -> list[Tensor]:
    """From the gradient by :meth:`Learner.initial`'s parameters to that by the learner's own."""
    return list(
        torch.autograd.grad(
            list(start.values()), list(learner.parameters()), [gradient[name] for name in start],
            materialize_grads=True,
        )
    )  # fmt: skip
