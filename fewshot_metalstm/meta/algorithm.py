"""What a meta-learner is: a way to turn one episode into an outer gradient."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Protocol

import torch
from torch import Tensor

from fewshot_metalstm.meta.learner import Episode, Learner, Params


@dataclass(frozen=True)
class InnerConfig:
    """The inner loop: gradient descent on the support."""

    steps: int = 5  # gradient steps on the support
    lr: float = 0.1  # learning rate of a step
    clip: float = 5.0  # largest norm of an inner gradient; 0 does not clip
    noise: bool = True  # dropout on the support


@dataclass(frozen=True)
class Outcome:
    """One episode's outer gradient, a tensor for each of the learner's parameters in order.

    Losses are means in the learner's own unit: of the support at the first inner step, of the
    query before and after adaptation. ``inner_norm`` is the mean norm of the inner gradients
    before clipping.
    """

    gradient: list[Tensor]
    support_loss: float
    query_loss_before: float
    query_loss: float
    inner_norm: float
    adapted: Params  # the parameters after the inner loop, detached


class Algorithm(Protocol):
    """A meta-learner. A new one is a file beside this one with a class of this form."""

    @property
    def inner(self) -> InnerConfig:
        """The inner loop's settings."""
        ...

    @property
    def tasks(self) -> int:
        """How many episodes :meth:`outcomes` takes at best; it takes any number."""
        ...

    def outcome(self, learner: Learner, episode: Episode, generator: torch.Generator) -> Outcome:
        """Adapt ``learner`` to the episode's support and differentiate the query's loss.

        The learner's parameters are read, never changed.
        """
        ...

    def outcomes(
        self, learner: Learner, episodes: Sequence[Episode], generators: Sequence[torch.Generator]
    ) -> list[Outcome]:
        """:meth:`outcome` of several episodes, each with a generator of its own."""
        ...


class OneByOne:
    """An algorithm that knows one episode at a time."""

    tasks: int = 1

    def outcome(self, learner: Learner, episode: Episode, generator: torch.Generator) -> Outcome:
        """See :class:`Algorithm`."""
        raise NotImplementedError

    def outcomes(
        self, learner: Learner, episodes: Sequence[Episode], generators: Sequence[torch.Generator]
    ) -> list[Outcome]:
        """See :class:`Algorithm`."""
        pairs = zip(episodes, generators, strict=True)
        return [self.outcome(learner, episode, generator) for episode, generator in pairs]


def clipper(limit: float, norms: list[float]) -> Callable[[Iterable[Tensor]], list[Tensor]]:
    """A function that scales gradients to a joint norm of at most ``limit``, differentiably.

    It appends the norm before clipping to ``norms``. A ``limit`` of 0 leaves gradients alone.
    """

    def clip(gradients: Iterable[Tensor]) -> list[Tensor]:
        kept = list(gradients)
        norm = torch.stack([g.square().sum() for g in kept]).sum().add(1e-24).sqrt()
        norms.append(float(norm.detach()))
        if limit <= 0:
            return kept
        scale = torch.clamp(limit / norm, max=1.0)
        return [g * scale for g in kept]

    return clip
