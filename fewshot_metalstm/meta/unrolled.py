"""What the engines of MAML share: the outer gradient through the last steps of the inner loop.

Inner steps before those count as constants, as all of them do in first order::

    theta_{j+1} = theta_j - lr * clip(g(theta_j)),  d g / d theta kept for the last k steps only

With k = steps this is MAML's gradient, with k = 0 the first-order one, which every engine leaves
to :class:`~fewshot_metalstm.meta.fomaml.FirstOrderMAML`.

Source: Finn, Abbeel, Levine, "Model-Agnostic Meta-Learning for Fast Adaptation of Deep Networks",
ICML 2017, algorithm 1; truncation as in Shaban et al., "Truncated Back-propagation for Bilevel
Optimization", AISTATS 2019.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import ClassVar

import torch
from torch import Tensor, nn

from fewshot_metalstm.meta.algorithm import Descent, InnerConfig, OneByOne, Outcome
from fewshot_metalstm.meta.config import TrainingConfig
from fewshot_metalstm.meta.fomaml import FirstOrderMAML, descend, through_start
from fewshot_metalstm.meta.learner import Episode, Learner, Params


@dataclass(frozen=True)
class Path:
    """Parameters at the end of some inner steps, still joined to those at their beginning."""

    params: Params
    losses: list[float]  # before each step
    norms: list[float]  # of each gradient before clipping


@dataclass(frozen=True)
class Unrolled(OneByOne):
    """MAML that keeps the graph of the inner steps it differentiates through.

    Args:
        order: 1 cuts the graph at every inner gradient.
        truncate: inner steps, the last ones, to differentiate through; None for all.
        head_only: the inner loop leaves all but the head alone
            (:mod:`~fewshot_metalstm.meta.anil`).
    """

    inner: InnerConfig = field(default_factory=InnerConfig)
    order: int = 2
    truncate: int | None = None
    head_only: bool = field(default=False, kw_only=True)

    keeper: ClassVar[str] = "second order"  # of the graphs of inner steps, for messages

    @classmethod
    def from_config(cls, config: TrainingConfig) -> Unrolled:
        """As the settings say it; of second order if they name none."""
        return cls(config.inner, config.order or 2, config.truncate)

    @property
    def depth(self) -> int:
        """Inner steps that the outer gradient runs through."""
        if self.order == 1:
            return 0
        steps = self.inner.steps
        return steps if self.truncate is None else min(self.truncate, steps)

    @property
    def first_order(self) -> FirstOrderMAML:
        """The same inner loop without a graph through it."""
        return FirstOrderMAML(self.inner, head_only=self.head_only)

    def tuned(self, learner: Learner) -> tuple[str, ...]:
        """See :class:`~fewshot_metalstm.meta.algorithm.Algorithm`."""
        return self.first_order.tuned(learner)

    def adapt(
        self, learner: Learner, start: Params, batch: object, generator: torch.Generator | None
    ) -> Descent:
        """See :class:`~fewshot_metalstm.meta.algorithm.Algorithm`."""
        return self.first_order.adapt(learner, start, batch, generator)

    def outcome(self, learner: Learner, episode: Episode, generator: torch.Generator) -> Outcome:
        """See :class:`~fewshot_metalstm.meta.algorithm.Algorithm`."""
        if self.depth == 0:
            return self.first_order.outcome(learner, episode, generator)
        start = learner.initial(episode.support)
        with torch.no_grad():
            before = float(learner.loss(start, episode.query))
        noise = generator if self.inner.noise else None
        early, losses, norms = descend(
            learner, start, self.tuned(learner), episode.support, self.inner, noise,
            steps=self.inner.steps - self.depth,
        )  # fmt: skip
        leaves = {name: value.detach().requires_grad_() for name, value in early.items()}
        path = self._unroll(learner, leaves, episode.support, noise)
        query = learner.loss(path.params, episode.query)
        gradients = torch.autograd.grad(query, list(leaves.values()), materialize_grads=True)
        gradient = through_start(learner, start, dict(zip(leaves, gradients, strict=True)))
        losses, norms = losses + path.losses, norms + path.norms
        end = {name: value.detach() for name, value in path.params.items()}
        return Outcome(
            gradient, losses[0], before, float(query.detach()), sum(norms) / len(norms), end
        )

    def _unroll(
        self, learner: Learner, leaves: Params, batch: object, noise: torch.Generator | None
    ) -> Path:
        """Take the last :attr:`depth` inner steps from ``leaves``, differentiably."""
        raise NotImplementedError


class Adapted(nn.Module):
    """A learner as a module whose parameters are only those that the inner loop changes.

    The libraries adapt every parameter of a module, and take its gradient, with a graph, at every
    inner step.
    """

    def __init__(self, learner: Learner, leaves: Params, names: Sequence[str]) -> None:
        super().__init__()
        self.names = names
        self.others = leaves
        self.loss = learner.loss  # not the learner itself, whose parameters would count
        for number, name in enumerate(self.names):
            # Not wrapped in nn.Parameter: the outer gradient is asked for by these very tensors.
            self._parameters[str(number)] = leaves[name]  # type: ignore[assignment]

    def params(self, adapted: Iterable[Tensor]) -> Params:
        """All parameters of the learner, by name, with ``adapted`` for those here."""
        return {**self.others, **dict(zip(self.names, adapted, strict=True))}

    def forward(self, batch: object, noise: torch.Generator | None) -> Tensor:
        """The learner's loss."""
        return self.loss(self.params(self.parameters()), batch, noise)
