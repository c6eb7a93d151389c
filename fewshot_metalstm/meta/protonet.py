"""Prototypical networks: a task's head is made of its support, without a gradient step.

    p_k = mean of the representations of the support's items of class k
    score of class k = -s |h - p_k|^2 / d    d coordinates; s is learned, one number for all tasks

The outer gradient is that of the query's loss under such a head. It runs through the query's
representations and through those of the support, so that what is learned is a representation
whose classes lie in clusters, whichever classes they are. What a head of prototypes is, and what
becomes of a class without items, the learner says (:meth:`Learner.from_support`).

Source: Snell, Swersky, Zemel, "Prototypical Networks for Few-shot Learning", NIPS 2017, equations
1 and 2; a learned scale as in Oreshkin et al., "TADAM", NeurIPS 2018, section 2.1.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field, replace

import torch
from torch import Tensor, nn

from fewshot_metalstm.meta.algorithm import OWN, Descent, InnerConfig, OneByOne, Outcome
from fewshot_metalstm.meta.config import TrainingConfig
from fewshot_metalstm.meta.learner import Episode, Learner, Params

START_SCALE = 10.0  # of mean squared differences, before anything is learned
_NAME = "log_scale"


class Scale(nn.Module):
    """The scale of distances; its logarithm is what is learned, so that it stays positive."""

    def __init__(self) -> None:
        super().__init__()
        self.log_scale = nn.Parameter(torch.tensor(math.log(START_SCALE)))


@dataclass(frozen=True)
class ProtoNet(OneByOne):
    """Prototypical networks.

    There is no inner loop: of ``inner`` only the noise is used, dropout on the support while
    meta-training, and the number and rate of its steps count as 0.
    """

    inner: InnerConfig = field(default_factory=lambda: InnerConfig(steps=0, lr=0.0))

    @classmethod
    def from_config(cls, config: TrainingConfig) -> ProtoNet:
        """As the settings say it, whose inner steps do not concern it."""
        return cls(replace(config.inner, steps=0, lr=0.0))

    def prepare(self, learner: Learner) -> None:
        """See :class:`~fewshot_metalstm.meta.algorithm.Algorithm`: the scale of distances."""
        like = next(learner.parameters())
        learner.add_module(OWN, Scale().to(like.device, like.dtype))

    def tuned(self, learner: Learner) -> tuple[str, ...]:
        """See :class:`~fewshot_metalstm.meta.algorithm.Algorithm`: the head is replaced."""
        return learner.head()

    def metrics(self, learner: Learner) -> dict[str, float]:
        """See :class:`~fewshot_metalstm.meta.algorithm.Algorithm`: the learned scale."""
        scale = learned_scale(learner)
        return {} if scale is None else {"scale": scale}

    def adapt(
        self, learner: Learner, start: Params, batch: object, generator: torch.Generator | None
    ) -> Descent:
        """See :class:`~fewshot_metalstm.meta.algorithm.Algorithm`."""
        with torch.no_grad():
            made = learner.from_support(start, [batch], scale_in(start), generator)
        return Descent({name: value.detach() for name, value in made.items()}, [], [])

    def outcome(self, learner: Learner, episode: Episode, generator: torch.Generator) -> Outcome:
        """See :class:`~fewshot_metalstm.meta.algorithm.Algorithm`.

        The support's loss is that under the head which was made of it.
        """
        start = learner.initial(episode.support)
        noise = generator if self.inner.noise else None
        made = learner.from_support(start, [episode.support], scale_in(start), noise)
        query = learner.loss(made, episode.query)
        gradient = torch.autograd.grad(query, list(learner.parameters()), materialize_grads=True)
        end = {name: value.detach() for name, value in made.items()}
        with torch.no_grad():
            before = float(learner.loss(start, episode.query))
            support = float(learner.loss(end, episode.support))
        return Outcome(list(gradient), support, before, float(query.detach()), 0.0, end)


def scale_in(params: Mapping[str, Tensor]) -> Tensor:
    """The scale, a scalar, from a prepared learner's parameters; differentiable."""
    logarithm = params.get(f"{OWN}.{_NAME}")
    if logarithm is None:
        raise ValueError("the learner has no scale: call prepare first")
    return logarithm.exp()


def learned_scale(learner: Learner) -> float | None:
    """The scale that a learner was meta-trained to have; None if it has none."""
    own = learner._modules.get(OWN)
    return float(own.log_scale.detach().exp()) if isinstance(own, Scale) else None
