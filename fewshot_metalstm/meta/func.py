"""MAML with the tasks of a meta-step side by side, through ``torch.func``.

The inner loop runs as in first order, one episode after the other. Then the outer gradient is
carried back through the updates, for all tasks at once. With ``v_S`` the query's gradient at the
adapted parameters ``theta_S``, and ``phi`` the parameters that are not adapted::

    u_j = (d clip / d g)(g_j) v_{j+1}
    v_j = v_{j+1} - lr * d/d theta <g, u_j>     at theta_j, for the last k steps
    d Q / d phi  -=  lr * d/d phi <g, u_j>

which is what automatic differentiation through all updates computes, one step at a time: only the
graph of one inner step is ever kept, however many there are. Every step is stacked over the tasks
(:meth:`~fewshot_metalstm.meta.learner.Learner.stack`). Noise is drawn again from the state that
the generator had, so that both passes see the same.

Source: Finn, Abbeel, Levine, ICML 2017, algorithm 1; the reverse pass by Hessian-vector products
as in Maclaurin, Duvenaud, Adams, "Gradient-based Hyperparameter Optimization through Reversible
Learning", ICML 2015, algorithm 2.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from fewshot_metalstm.meta.algorithm import Outcome
from fewshot_metalstm.meta.config import TrainingConfig
from fewshot_metalstm.meta.fomaml import Step, descend, query_gradient, through_start
from fewshot_metalstm.meta.learner import Episode, Learner, Params
from fewshot_metalstm.meta.unrolled import Unrolled


@dataclass(frozen=True)
class FuncMAML(Unrolled):
    """MAML over ``tasks`` episodes at once; the learner has to be one that stacks batches."""

    tasks: int = 2

    @classmethod
    def from_config(cls, config: TrainingConfig) -> FuncMAML:
        """See :class:`~fewshot_metalstm.meta.unrolled.Unrolled`."""
        return cls(config.inner, config.order or 2, config.truncate, config.tasks_at_once)

    def outcome(self, learner: Learner, episode: Episode, generator: torch.Generator) -> Outcome:
        """See :class:`~fewshot_metalstm.meta.algorithm.Algorithm`."""
        return self.outcomes(learner, [episode], [generator])[0]

    def outcomes(
        self, learner: Learner, episodes: Sequence[Episode], generators: Sequence[torch.Generator]
    ) -> list[Outcome]:
        """See :class:`~fewshot_metalstm.meta.algorithm.Algorithm`."""
        if self.depth == 0:
            return self.first_order.outcomes(learner, episodes, generators)
        runs = [
            self._adapt(learner, episode, generator)
            for episode, generator in zip(episodes, generators, strict=True)
        ]
        gradient = pad([run.at_end for run in runs])
        batches = [episode.support for episode in episodes]
        for number in reversed(range(self.depth)):
            self._back(learner, batches, [run.trail[number] for run in runs], gradient)
        return [
            Outcome(
                through_start(learner, run.start, unpad(gradient, index, run.start)),
                run.losses[0], run.before, run.query, sum(run.norms) / len(run.norms), run.end,
            )
            for index, run in enumerate(runs)
        ]  # fmt: skip

    def _adapt(self, learner: Learner, episode: Episode, generator: torch.Generator) -> _Run:
        """The inner loop of one episode and the query's gradient at its end."""
        start = learner.initial(episode.support)
        with torch.no_grad():
            before = float(learner.loss(start, episode.query))
        noise = generator if self.inner.noise else None
        support, names = episode.support, self.tuned(learner)
        trail: list[Step] = []
        early, losses, norms = descend(
            learner, start, names, support, self.inner, noise, steps=self.inner.steps - self.depth
        )
        end, late, last = descend(
            learner, early, names, support, self.inner, noise, steps=self.depth, trail=trail
        )
        query, at_end = query_gradient(learner, end, episode.query)
        return _Run(start, before, trail, losses + late, norms + last, end, query, at_end)

    def _back(
        self, learner: Learner, batches: Sequence[object], steps: Sequence[Step], gradient: Params
    ) -> None:
        """Carry ``gradient`` from the end of an inner step to its beginning, in place."""
        generators = None
        if self.inner.noise:
            generators = [_generator(step.noise) for step in steps if step.noise is not None]
        stacked = learner.stack(batches, generators)
        leaves = {n: v.requires_grad_() for n, v in pad([step.params for step in steps]).items()}
        inner = pad([step.gradient for step in steps])
        direction = _through_clip(self.inner.clip, inner, {name: gradient[name] for name in inner})
        # A learner may have its slopes along all that it adapts, even if this loop leaves some be.
        still = [name for name in learner.adapted() if name not in direction]
        direction |= {name: torch.zeros_like(gradient[name]) for name in still}
        slopes = learner.stacked_slopes(leaves, direction, stacked)
        if not slopes.requires_grad:
            return  # a loss without curvature
        curved = torch.autograd.grad(slopes.sum(), list(leaves.values()), materialize_grads=True)
        for name, bend in zip(leaves, curved, strict=True):
            gradient[name].sub_(bend, alpha=self.inner.lr)


@dataclass(frozen=True)
class _Run:
    """One episode's way forth: its inner steps, and the query's gradient at their end."""

    start: Params
    before: float
    trail: list[Step]
    losses: list[float]
    norms: list[float]
    end: Params
    query: float
    at_end: Params


def pad(params: Sequence[Params]) -> Params:
    """Parameters of several tasks with a leading dimension of tasks, padded with zeros."""
    result = {}
    for name in params[0]:
        values = [one[name].detach() for one in params]
        shape = [max(sizes) for sizes in zip(*(v.shape for v in values), strict=True)]
        result[name] = values[0].new_zeros(len(values), *shape)
        for row, value in zip(result[name], values, strict=True):
            row[tuple(map(slice, value.shape))] = value
    return result


def unpad(params: Params, index: int, like: Params) -> Params:
    """Those of one task again, in the shapes that they have in ``like``."""
    return {
        name: value[index][tuple(map(slice, like[name].shape))] for name, value in params.items()
    }


def _through_clip(limit: float, inner: Params, back: Params) -> Params:
    """The transposed derivative of clipping at the gradients ``inner``, applied to ``back``.

    See :func:`~fewshot_metalstm.meta.algorithm.clipper`; it is symmetric.
    """
    if limit <= 0:
        return back
    squares = _dot(inner, inner) + 1e-24
    scale = limit / squares.sqrt()
    clipped = scale < 1
    along = torch.where(clipped, scale * _dot(inner, back) / squares, 0.0)
    scale = torch.where(clipped, scale, 1.0)
    return {
        name: _each(scale, back[name]) * back[name] - _each(along, inner[name]) * inner[name]
        for name in inner
    }


def _dot(left: Params, right: Params) -> Tensor:
    """Inner products over all parameters, one a task."""
    parts = [(left[name] * right[name]).reshape(len(left[name]), -1).sum(1) for name in left]
    return torch.stack(parts).sum(0)


def _each(factors: Tensor, like: Tensor) -> Tensor:
    """One factor a task, in a shape to multiply ``like`` with."""
    return factors.view(-1, *[1] * (like.dim() - 1))


def _generator(state: Tensor) -> torch.Generator:
    generator = torch.Generator()
    generator.set_state(state)
    return generator
