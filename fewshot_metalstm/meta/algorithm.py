"""What a meta-learner is: a way to turn one episode into an outer gradient."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Protocol

import torch
from torch import Tensor

from fewshot_metalstm.meta.config import InnerConfig as InnerConfig
from fewshot_metalstm.meta.learner import Episode, Learner, Params

OWN = "inner"  # the learner's submodule of what an algorithm learns beside the start


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


@dataclass(frozen=True)
class Descent:
    """Where an inner loop ended, and how it went there."""

    params: Params  # all of them, detached
    losses: list[float]  # before each step
    norms: list[float]  # of each gradient before clipping


class Algorithm(Protocol):
    """A meta-learner. A new one is a file beside this one with a class of this form.

    Its entry of :data:`~fewshot_metalstm.meta.registry.BUILT_IN` names what makes it of the
    settings, mostly a classmethod ``from_config`` of the class.
    """

    @property
    def inner(self) -> InnerConfig:
        """The inner loop's settings."""
        ...

    @property
    def tasks(self) -> int:
        """How many episodes :meth:`outcomes` takes at best; it takes any number."""
        ...

    def prepare(self, learner: Learner) -> None:
        """Give the learner what this algorithm learns beside the start, if anything.

        That is a submodule named :data:`OWN`, so that its tensors are parameters of the learner
        like all others: the outer loop trains them, and pool, ranks, state and checkpoints carry
        them. Called once, on the learner's device, before the outer loop is built, and before the
        weights of a checkpoint that has such tensors are loaded.
        """
        ...

    def scheduled(self, progress: float) -> Algorithm:
        """This algorithm as it is at a share of the outer loop, from 0 to 1 (its end)."""
        ...

    def tuned(self, learner: Learner) -> tuple[str, ...]:
        """Names of the parameters that the inner loop changes."""
        ...

    def adapt(
        self, learner: Learner, start: Params, batch: object, generator: torch.Generator | None
    ) -> Descent:
        """The inner loop on ``batch``, as meta-validation takes it: without a graph.

        Args:
            start: what :meth:`Learner.initial` gave.
            generator: of the noise; None for none.
        """
        ...

    def metrics(self, learner: Learner) -> dict[str, float]:
        """What is worth a line in the log of an outer step, by name, of a prepared learner."""
        ...

    def inspect(self, learner: Learner, batch: object) -> dict[str, float]:
        """What is worth a line in the log of a meta-validation, of the inner loop on ``batch``."""
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

    def prepare(self, learner: Learner) -> None:
        """See :class:`Algorithm`: by default the start is all that is learned."""

    def scheduled(self, progress: float) -> Algorithm:
        """See :class:`Algorithm`: by default the same from beginning to end."""
        del progress
        return self  # type: ignore[return-value]  # `inner` is for the subclass to have

    def tuned(self, learner: Learner) -> tuple[str, ...]:
        """See :class:`Algorithm`: by default what the learner says."""
        return without_own(learner.adapted())

    def adapt(
        self, learner: Learner, start: Params, batch: object, generator: torch.Generator | None
    ) -> Descent:
        """See :class:`Algorithm`."""
        raise NotImplementedError

    def metrics(self, learner: Learner) -> dict[str, float]:
        """See :class:`Algorithm`: by default nothing."""
        del learner
        return {}

    def inspect(self, learner: Learner, batch: object) -> dict[str, float]:
        """See :class:`Algorithm`: by default nothing."""
        del learner, batch
        return {}

    def outcome(self, learner: Learner, episode: Episode, generator: torch.Generator) -> Outcome:
        """See :class:`Algorithm`."""
        raise NotImplementedError

    def outcomes(
        self, learner: Learner, episodes: Sequence[Episode], generators: Sequence[torch.Generator]
    ) -> list[Outcome]:
        """See :class:`Algorithm`."""
        pairs = zip(episodes, generators, strict=True)
        return [self.outcome(learner, episode, generator) for episode, generator in pairs]


def without_own(names: Iterable[str]) -> tuple[str, ...]:
    """The names that are not of the submodule :data:`OWN`."""
    return tuple(name for name in names if not name.startswith(f"{OWN}."))


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
