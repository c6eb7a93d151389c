"""Meta-SGD: a learned rate for every coordinate that the inner loop changes, beside the start.

    theta_{j+1} = theta_j - exp(a) * clip(g_j)      a is learned, of the shape of theta

The outer gradient reaches ``a`` through the updates: with second order also through the inner
gradients, with first order these count as constants, which leaves
``dQ/da = -exp(a) * sum_j clip(g_j) * dQ/d theta_K``.

Source: Li, Zhou, Chen, Li, "Meta-SGD: Learning to Learn Quickly for Few-Shot Learning", 2017
(arXiv 1707.09835), equations 1 to 4 for one inner step; here for any number. Rates as in
:mod:`fewshot_metalstm.meta.rates`.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from fewshot_metalstm.meta.algorithm import OWN, Descent, Outcome, clipper
from fewshot_metalstm.meta.fomaml import through_start
from fewshot_metalstm.meta.learner import Episode, Learner, Params
from fewshot_metalstm.meta.rates import Rates, rates_of
from fewshot_metalstm.meta.unrolled import Unrolled


@dataclass(frozen=True)
class Rated(Unrolled):
    """An inner loop with learned rates, in plain torch, and the outer gradient through it.

    Inner steps before the last :attr:`depth` are of first order.
    """

    def prepare(self, learner: Learner) -> None:
        """See :class:`~fewshot_metalstm.meta.algorithm.Algorithm`: all rates are inner.lr."""
        rates = Rates(learner, self.tuned(learner), self.inner.lr, self.rate_steps())
        learner.add_module(OWN, rates)

    def rate_steps(self) -> int | None:
        """Inner steps with rates of their own; None for one rate a coordinate."""
        return None

    def weights(self) -> Sequence[float]:
        """What the query's loss after each inner step counts for; here the last alone."""
        return [0.0] * (self.inner.steps - 1) + [1.0]

    def metrics(self, learner: Learner) -> dict[str, float]:
        """See :class:`~fewshot_metalstm.meta.algorithm.Algorithm`: mean rates."""
        rates = rates_of(learner)
        return {} if rates is None else rates.metrics(learner.head())

    def adapt(
        self, learner: Learner, start: Params, batch: object, generator: torch.Generator | None
    ) -> Descent:
        """See :class:`~fewshot_metalstm.meta.algorithm.Algorithm`."""
        params = {name: value.detach() for name, value in start.items()}
        losses: list[float] = []
        norms: list[float] = []
        path = [params, *self._walk(learner, params, batch, generator, 0, losses, norms)]
        return Descent(path[-1], losses, norms)

    def outcome(self, learner: Learner, episode: Episode, generator: torch.Generator) -> Outcome:
        """See :class:`~fewshot_metalstm.meta.algorithm.Algorithm`."""
        start = learner.initial(episode.support)
        with torch.no_grad():
            before = float(learner.loss(start, episode.query))
        leaves = {name: value.detach().requires_grad_() for name, value in start.items()}
        losses: list[float] = []
        norms: list[float] = []
        queries: list[Tensor] = []
        noise = generator if self.inner.noise else None
        weights, params = self.weights(), leaves
        path = self._walk(learner, leaves, episode.support, noise, self.depth, losses, norms)
        for weight, params in zip(weights, path, strict=True):
            if weight:
                queries.append(weight * learner.loss(params, episode.query))
        gradients = torch.autograd.grad(
            torch.stack(queries).sum(), list(leaves.values()), materialize_grads=True
        )
        gradient = through_start(learner, start, dict(zip(leaves, gradients, strict=True)))
        last = float(queries[-1].detach()) / weights[-1]
        end = {name: value.detach() for name, value in params.items()}
        return Outcome(gradient, losses[0], before, last, sum(norms) / len(norms), end)

    def _walk(
        self, learner: Learner, params: Params, batch: object, noise: torch.Generator | None,
        depth: int, losses: list[float], norms: list[float],
    ) -> Iterator[Params]:  # fmt: skip
        """All parameters after each inner step, joined to ``params``; fills the two lists.

        The last ``depth`` inner gradients keep their graph.
        """
        rates = rates_of(learner)
        if rates is None:
            raise ValueError("the learner has no rates: call prepare first")
        names, steps = self.tuned(learner), self.inner.steps
        clip = clipper(self.inner.clip, norms)
        for step in range(steps):
            second = step >= steps - depth
            here = params
            if not second:
                here = {name: value.detach() for name, value in params.items()}
                for name in names:
                    here[name].requires_grad_()
            loss = learner.loss(here, batch, noise)
            losses.append(float(loss.detach()))
            tuned = [here[name] for name in names]
            found = torch.autograd.grad(loss, tuned, create_graph=second, materialize_grads=True)
            moved = {
                name: params[name] - rates.rate(params, name, step) * gradient
                for name, gradient in zip(names, clip(found), strict=True)
            }
            params = {**params, **moved}
            yield params


@dataclass(frozen=True)
class MetaSGD(Rated):
    """Meta-SGD, of second or first order (:attr:`order`)."""
