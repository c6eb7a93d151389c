"""Reptile: the start moves towards where plain training on a task leads.

    phi = theta after K inner steps;  outer gradient  theta - phi

No query is held back: the inner steps take the support and the query in turn, beginning with the
support, because Reptile trains on all that an episode has; so the query's loss after adaptation
is one of training. The inner optimiser is Adam without momentum, new for every episode, so that
an episode's gradient is a function of the episode alone (in the authors' code its second moments
live on from task to task). The inner loop tunes every parameter, as in the paper: a parameter
that it left alone would have no outer gradient at all.

The paper's outer update ``theta + e (phi - theta)`` is :class:`~fewshot_metalstm.meta.outer.
OuterLoop` with ``outer.optimiser`` at ``sgd``, ``outer.lr`` at ``e`` and ``outer.clip`` at 0.
With Adam the difference is used as a gradient, which the paper names as the other way.

Source: Nichol, Achiam, Schulman, "On First-Order Meta-Learning Algorithms", 2018
(arXiv 1803.02999), algorithm 2; Adam's betas (0, 0.999) as in the authors' code.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import torch

from fewshot_metalstm.meta.algorithm import (
    Descent,
    InnerConfig,
    OneByOne,
    Outcome,
    clipper,
    without_own,
)
from fewshot_metalstm.meta.config import TrainingConfig
from fewshot_metalstm.meta.fomaml import through_start
from fewshot_metalstm.meta.learner import Episode, Learner, Params

BETAS = (0.0, 0.999)


@dataclass(frozen=True)
class Reptile(OneByOne):
    """Reptile; ``inner.lr`` is that of Adam, about 1e-3."""

    inner: InnerConfig = field(default_factory=lambda: InnerConfig(lr=1e-3))

    @classmethod
    def from_config(cls, config: TrainingConfig) -> Reptile:
        """As the settings say it."""
        return cls(config.inner)

    def tuned(self, learner: Learner) -> tuple[str, ...]:
        """See :class:`~fewshot_metalstm.meta.algorithm.Algorithm`: every parameter."""
        return without_own(name for name, _ in learner.named_parameters())

    def adapt(
        self, learner: Learner, start: Params, batch: object, generator: torch.Generator | None
    ) -> Descent:
        """See :class:`~fewshot_metalstm.meta.algorithm.Algorithm`."""
        return self._descend(learner, start, [batch], generator)

    def outcome(self, learner: Learner, episode: Episode, generator: torch.Generator) -> Outcome:
        """See :class:`~fewshot_metalstm.meta.algorithm.Algorithm`."""
        start = learner.initial(episode.support)
        with torch.no_grad():
            before = float(learner.loss(start, episode.query))
        noise = generator if self.inner.noise else None
        end = self._descend(learner, start, [episode.support, episode.query], noise)
        with torch.no_grad():
            after = float(learner.loss(end.params, episode.query))
            direction = {name: value - end.params[name] for name, value in start.items()}
        # Through the start: where it copies a parameter, its copies' directions add up.
        gradient = through_start(learner, start, direction)
        mean = sum(end.norms) / max(len(end.norms), 1)
        first = end.losses[0] if end.losses else float("nan")
        return Outcome(gradient, first, before, after, mean, end.params)

    def _descend(
        self, learner: Learner, start: Params, batches: Sequence[object],
        noise: torch.Generator | None,
    ) -> Descent:  # fmt: skip
        """Inner steps on ``batches`` in turn."""
        fast = {name: value.detach().clone() for name, value in start.items()}
        tuned = [fast[name].requires_grad_() for name in self.tuned(learner)]
        optimiser = torch.optim.Adam(tuned, lr=self.inner.lr, betas=BETAS)
        losses: list[float] = []
        norms: list[float] = []
        clip = clipper(self.inner.clip, norms)
        for step in range(self.inner.steps):
            loss = learner.loss(fast, batches[step % len(batches)], noise)
            losses.append(float(loss.detach()))
            found = torch.autograd.grad(loss, tuned, materialize_grads=True)
            for value, gradient in zip(tuned, clip(found), strict=True):
                value.grad = gradient
            optimiser.step()
        return Descent({name: value.detach() for name, value in fast.items()}, losses, norms)
