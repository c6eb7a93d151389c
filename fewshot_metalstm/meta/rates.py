"""Learned rates of an inner loop: parameters of the learner, beside the start.

Their logarithms are what is learned. So a rate stays positive whatever the outer loop does, a step
of the outer loop changes it by a share of itself, be it large or small, and no clamp stops its
gradient. (Meta-SGD as published lets a rate change its sign; a support's loss can then be climbed.)
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

from torch import Tensor, nn

from fewshot_metalstm.meta.algorithm import OWN
from fewshot_metalstm.meta.learner import Learner, Params


class Rates(nn.Module):
    """A rate for every coordinate of some parameters, or one for each of them and inner step.

    Those of a coordinate have the shape of the learner's own parameter. Where a task's parameter
    is larger (:meth:`~fewshot_metalstm.meta.learner.Learner.initial` copies a head for each
    class, say) they are expanded with it: what is copied shares its rates.

    Args:
        names: parameters of the learner that have rates.
        lr: what all rates are at first, positive.
        steps: inner steps with rates of their own; None for one rate a coordinate.
    """

    def __init__(
        self, learner: Learner, names: Sequence[str], lr: float, steps: int | None = None
    ) -> None:
        super().__init__()
        self.names = tuple(names)
        self.steps = steps
        own = dict(learner.named_parameters())
        self.sizes = {name: own[name].numel() for name in names}
        for name in names:
            shape = own[name].shape if steps is None else (steps,)
            logs = own[name].new_full(tuple(shape), math.log(lr)).detach()
            self.register_parameter(_key(name), nn.Parameter(logs))

    def rate(self, params: Mapping[str, Tensor], name: str, step: int) -> Tensor:
        """The rate of ``name`` at inner step ``step`` (from 0), differentiable.

        It is taken from the learner's parameters ``params``, where this module's are too. Steps
        beyond the last that has rates have those of the last.
        """
        logs = params[f"{OWN}.{_key(name)}"]
        return (logs if self.steps is None else logs[min(step, self.steps - 1)]).exp()

    def means(self, names: Sequence[str], step: int | None = None) -> float:
        """The mean rate over all coordinates of ``names``; over all steps if ``step`` is None."""
        total = 0.0
        for name in names:
            rates = self._now(name)
            total += float((rates if step is None else rates[step]).mean()) * self.sizes[name]
        return total / sum(self.sizes[name] for name in names)

    def multipliers(self, names: Sequence[str]) -> Params:
        """Each parameter's rates in relation to their mean over all of ``names`` that have rates.

        A scalar a parameter, the mean over its steps, or one factor a coordinate. Whatever runs
        for another number of steps, with another optimiser, can scale its own rate by them.
        """
        known = [name for name in names if name in self.sizes]
        mean = self.means(known) if known else 1.0
        if self.steps is None:
            return {name: self._now(name) / mean for name in known}
        return {name: self._now(name).mean() / mean for name in known}

    def metrics(self, head: Sequence[str]) -> dict[str, float]:
        """Mean rates for a log: of all, of the head and of the rest; by step, from 1, if so."""
        figures = {"inner_lr": self.means(self.names)}
        groups = {
            "head": [name for name in self.names if name in head],
            "body": [name for name in self.names if name not in head],
        }
        for group, names in groups.items():
            if names and self.steps is None:
                figures[f"inner_lr/{group}"] = self.means(names)
            elif names and self.steps is not None:
                for step in range(self.steps):
                    figures[f"inner_lr/{group}/{step + 1}"] = self.means(names, step)
        return figures

    def _now(self, name: str) -> Tensor:
        return self.get_parameter(_key(name)).detach().exp()


def rates_of(learner: nn.Module) -> Rates | None:
    """The learned rates of a learner, if it has some."""
    own = getattr(learner, OWN, None)
    return own if isinstance(own, Rates) else None


def multipliers(learner: nn.Module, names: Sequence[str]) -> Params:
    """:meth:`Rates.multipliers` of a learner; empty if it has no learned rates."""
    rates = rates_of(learner)
    return {} if rates is None else rates.multipliers(names)


def _key(name: str) -> str:
    """The name of a rate; a module takes no dot in it."""
    return name.replace(".", "/")
