"""A learner that has nothing to do with tagging, and where its episodes come from.

A module of its own, so that worker processes can import it.
"""

from __future__ import annotations

import math
import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn
from torch.func import vmap

from fewshot_metalstm.meta.algorithm import Algorithm, InnerConfig
from fewshot_metalstm.meta.fomaml import descend
from fewshot_metalstm.meta.learner import Episode, Learner
from fewshot_metalstm.meta.outer import OuterConfig, OuterLoop
from fewshot_metalstm.meta.pool import EpisodePool
from fewshot_metalstm.seeds import torch_generator


@dataclass(frozen=True)
class Points:
    """Inputs and targets of a regression, (N, 1) each."""

    x: Tensor
    y: Tensor


class Regressor(Learner):
    """A small network. Its first layer is shared, its second adapted; one tensor takes no part."""

    def __init__(self, hidden: int = 4, *, everything: bool = False, idle: bool = True) -> None:
        super().__init__()
        generator = torch_generator(1, "regressor")

        def normal(*shape: int) -> nn.Parameter:
            return nn.Parameter(torch.randn(*shape, generator=generator, dtype=torch.float64))

        self.everything = everything
        self.shared_weight = normal(1, hidden)
        self.fast_weight = normal(hidden, 1)  # between the shared ones, so that order matters
        self.shared_bias = normal(hidden)
        if idle:
            self.fast_idle = normal(2)
            self.shared_idle = normal(3)
        self.fast_bias = normal(1)

    def adapted(self) -> tuple[str, ...]:
        names = tuple(name for name, _ in self.named_parameters())
        return names if self.everything else tuple(n for n in names if n.startswith("fast"))

    def head(self) -> tuple[str, ...]:
        return ("fast_weight", "fast_bias")

    def forward(self, batch: Points, generator: torch.Generator | None = None) -> Tensor:
        hidden = torch.tanh(batch.x @ self.shared_weight + self.shared_bias)
        if generator is not None:
            keep = torch.rand(hidden.shape, generator=generator, dtype=hidden.dtype) >= 0.3
            hidden = hidden * keep
        return (hidden @ self.fast_weight + self.fast_bias - batch.y).square().mean()


class SideBySide(Regressor):
    """A regressor that stacks batches of one size."""

    def stack(
        self, batches: Sequence[Points], generators: Sequence[torch.Generator] | None = None
    ) -> dict[str, Tensor]:
        stacked = {
            "x": torch.stack([b.x for b in batches]),
            "y": torch.stack([b.y for b in batches]),
        }
        if generators is not None:
            shape = len(batches[0].x), len(self.shared_bias)
            draws = [torch.rand(shape, generator=g, dtype=torch.float64) for g in generators]
            stacked["keep"] = torch.stack(draws) >= 0.3
        return stacked

    def stacked_losses(self, params: Mapping[str, Tensor], stacked: Any) -> Tensor:
        def one(own: Mapping[str, Tensor], given: Mapping[str, Tensor]) -> Tensor:
            hidden = torch.tanh(given["x"] @ own["shared_weight"] + own["shared_bias"])
            hidden = hidden * given.get("keep", 1.0)
            return (hidden @ own["fast_weight"] + own["fast_bias"] - given["y"]).square().mean()

        result: Tensor = vmap(one)(dict(params), stacked)
        return result


class Parabola(Learner):
    """Support ``curve / 2 * (at - low)^2``, query ``(at - low)^2``; a batch is ``(low, query)``."""

    def __init__(self, curve: float = 0.7, at: float = 1.3) -> None:
        super().__init__()
        self.curve = nn.Parameter(torch.tensor(curve, dtype=torch.float64))
        self.at = nn.Parameter(torch.tensor(at, dtype=torch.float64))

    def adapted(self) -> tuple[str, ...]:
        return ("at",)

    def forward(self, batch: Any, generator: torch.Generator | None = None) -> Tensor:
        low, query = batch
        away: Tensor = (self.at - low).square()
        return away if query else self.curve * away / 2

    def stack(
        self, batches: Sequence[Any], generators: Sequence[torch.Generator] | None = None
    ) -> Tensor:
        return torch.tensor([low for low, _ in batches], dtype=torch.float64)

    def stacked_losses(self, params: Mapping[str, Tensor], stacked: Any) -> Tensor:
        result: Tensor = params["curve"] * (params["at"] - stacked).square() / 2
        return result


@dataclass(frozen=True)
class Sines:
    """Sines of random amplitude and phase.

    ``broken`` holds the (step, index) whose query is not a number; ``fail`` is the (step, index)
    that raises ("error") or ends the process ("exit").
    """

    points: int = 8
    broken: frozenset[tuple[int, int]] = frozenset()
    fail: tuple[int, int] | None = None
    how: str = "error"

    def episode(self, step: int, index: int) -> Episode:
        if self.fail == (step, index):
            if self.how == "exit":
                os._exit(3)
            raise ArithmeticError(f"episode {step}/{index}")
        generator = torch_generator(0, "sine", step, index)

        def uniform(low: float, high: float, *shape: int) -> Tensor:
            draw = torch.rand(shape, generator=generator, dtype=torch.float64)
            return low + (high - low) * draw

        amplitude, phase = uniform(0.5, 2, 1), uniform(0, math.pi, 1)

        def points() -> Points:
            x = uniform(-3, 3, self.points, 1)
            return Points(x, amplitude * torch.sin(x + phase))

        support, query = points(), points()
        if (step, index) in self.broken:
            query = Points(query.x, query.y * math.nan)
        return Episode(support, query, f"sine/{step}/{index}")


@dataclass(frozen=True)
class HeldOut:
    """Validation on sines of steps that are never trained on: minus the adapted loss."""

    number: int = 3

    def __len__(self) -> int:
        return self.number

    def score(self, learner: Learner, algorithm: Algorithm, index: int) -> tuple[float, ...]:
        return (adapted_loss(learner, algorithm.inner, Sines().episode(10**6, index)),)

    def combine(self, scores: Sequence[tuple[float, ...]]) -> float:
        return -sum(score[0] for score in scores) / len(scores)


def adapted_loss(learner: Learner, inner: InnerConfig, episode: Episode) -> float:
    """The query's loss after the inner loop."""
    start = learner.initial(episode.support)
    fast, _, _ = descend(learner, start, learner.adapted(), episode.support, inner, None)
    with torch.no_grad():
        return float(learner.loss(fast, episode.query))


def outer_loss(learner: Learner, inner: InnerConfig, episode: Episode, flat: Tensor) -> float:
    """The query's loss after the inner loop, from flat initial parameters."""
    with torch.no_grad():
        nn.utils.vector_to_parameters(flat, learner.parameters())
    return adapted_loss(learner, inner, episode)


def loss_after(learner: Learner, algorithm: Algorithm, episode: Episode) -> float:
    """The query's loss after the algorithm's own inner loop, without noise."""
    start = learner.initial(episode.support)
    params = algorithm.adapt(learner, start, episode.support, None).params
    with torch.no_grad():
        return float(learner.loss(params, episode.query))


def measured(learner: Learner, figure: Callable[[], float], step: float = 1e-6) -> Tensor:
    """The gradient of ``figure`` by the learner's parameters, from central differences."""
    start = flat_parameters(learner)
    slopes = torch.zeros_like(start)

    def at(flat: Tensor) -> float:
        with torch.no_grad():
            nn.utils.vector_to_parameters(flat, learner.parameters())
        return figure()

    for i in range(len(start)):
        move = torch.zeros_like(start)
        move[i] = step
        slopes[i] = (at(start + move) - at(start - move)) / (2 * step)
    at(start)
    return slopes


def learn_sines(
    algorithm: Algorithm, steps: int, lr: float, optimiser: str = "adam"
) -> tuple[float, float, Learner]:
    """Mean loss after adaptation on new sines, before and after some outer steps; the learner."""
    learner = Regressor(hidden=20, everything=True)
    algorithm.prepare(learner)
    new = [Sines().episode(10**6, i) for i in range(20)]

    def figure() -> float:
        return sum(loss_after(learner, algorithm, e) for e in new) / len(new)

    before = figure()
    config = OuterConfig(steps=steps, meta_batch=2, lr=lr, optimiser=optimiser)
    with EpisodePool(
        learner, algorithm, Sines(), None, meta_batch=2, workers=1, seed=0, steps=steps
    ) as pool:
        for _ in OuterLoop(learner, config).run(pool):
            pass
    return before, figure(), learner


def flatten(tensors: Sequence[Any]) -> Tensor:
    """One vector of all."""
    return torch.cat([tensor.detach().reshape(-1) for tensor in tensors])


def flat_parameters(learner: Learner) -> Tensor:
    """The learner's parameters as a vector of their own."""
    return flatten(list(learner.parameters())).clone()


def noise(seed: int = 0) -> torch.Generator:
    """A fresh generator for dropout."""
    return torch.Generator().manual_seed(seed)
