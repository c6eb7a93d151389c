"""Steps of supervised training: shared weights, a head for each task, a moving mean of both.

Like the meta-learning core this sees a learner and batches, whatever they hold. The heads are
those of joint training (:mod:`fewshot_metalstm.meta.joint`): one set of the parameters that
:meth:`~fewshot_metalstm.meta.learner.Learner.private` names for each task.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import torch
from torch import Tensor

from fewshot_metalstm.meta.algorithm import without_own
from fewshot_metalstm.meta.joint import cosine
from fewshot_metalstm.meta.learner import Learner, Params
from fewshot_metalstm.meta.state import optimiser_tensors, restore_optimiser
from fewshot_metalstm.train.optimisers import find, make
from fewshot_metalstm.train.settings import SupervisedConfig, rate

_WEIGHTS, _MEAN, _SINCE = "weights.", "mean.", "averaged_since"


class Training:
    """Training of a learner on batches of one or several tasks.

    Args:
        heads: by task; copied.
        steps: of the whole run, over which the learning rate falls.
    """

    def __init__(
        self, learner: Learner, heads: Mapping[str, Params], config: SupervisedConfig, steps: int
    ) -> None:
        self.learner = learner
        self.config = config
        self.steps = steps
        self.done = 0
        self.skipped = 0
        own = learner.private()
        named: Params = dict(learner.named_parameters())
        self.shared: Params = {n: named[n] for n in without_own(named) if n not in own}
        self.heads = {
            task: {n: heads[task][n].detach().clone().requires_grad_() for n in own}
            for task in sorted(heads)
        }
        self._flat = flat(self.shared, self.heads)
        self.optimiser = make(
            config.optimiser, self._flat.values(), lr=rate(config), momentum=config.momentum,
            weight_decay=config.weight_decay,
        )  # fmt: skip
        self._mean = {name: value.detach().clone() for name, value in self._flat.items()}
        self._triggered = find(config.optimiser).triggered
        self._since: int | None = None  # the step at which a triggered mean began

    @property
    def lr(self) -> float:
        """The learning rate of the next step."""
        config = self.config
        if config.decay == "none" or self._triggered:
            return rate(config)
        share = min(self.done / max(self.steps, 1), 1.0)
        if config.decay == "linear":
            return rate(config) * (1 - share)
        if config.decay == "steps":
            return rate(config) * 0.1 ** sum(share >= drop for drop in config.drops)
        return rate(config) * cosine(self.done, self.steps)

    def step(self, task: str, batch: object, generator: torch.Generator) -> float:
        """Take one step; returns the loss. One that is not finite is left out and counted."""
        head = self.heads[task]
        loss = self.learner.loss({**self.shared, **head}, batch, generator)
        # A head that takes no part has no gradient then, and is left as it is.
        self.optimiser.zero_grad(set_to_none=True)
        loss.backward()  # type: ignore[no-untyped-call]
        moved = [*self.shared.values(), *head.values()]
        largest = self.config.clip or float("inf")
        norm = torch.nn.utils.clip_grad_norm_(moved, largest)
        for group in self.optimiser.param_groups:
            group["lr"] = self.lr
        self.done += 1
        if bool(torch.isfinite(norm)) and bool(torch.isfinite(loss)):
            self.optimiser.step()
            self._average()
        else:
            self.skipped += 1
        return float(loss.detach())

    @torch.no_grad()
    def _average(self) -> None:
        """Move the mean a little towards the weights; while it is young, further.

        Source: Polyak and Juditsky 1992; the moving form with a warm-up is that of TensorFlow's
        ``ExponentialMovingAverage``. A triggered mean has every step since alike.
        """
        if not self._averaging:
            return
        if self._since is not None:
            share = 1 / (self.done - self._since + 1)
            torch._foreach_lerp_(list(self._mean.values()), list(self._flat.values()), share)
            return
        keep = min(self.config.average, (1 + self.done) / (10 + self.done))
        torch._foreach_lerp_(list(self._mean.values()), list(self._flat.values()), 1 - keep)

    @property
    def _averaging(self) -> bool:
        return self._since is not None if self._triggered else bool(self.config.average)

    @torch.no_grad()
    def heed(self, values: Sequence[float], sign: int) -> bool:
        """Begin to average once devel stops getting better; whether it begins now.

        Of an optimiser that is triggered so (NT-ASGD): it begins where the last figure is worse
        than the best of those that are at least ``window`` epochs older.

        Args:
            values: devel's figures after each epoch so far.
            sign: 1 where more is better, -1 where less is.

        Source: Merity, Keskar, Socher, "Regularizing and Optimizing LSTM Language Models", ICLR
        2018, algorithm 1.
        """
        if not self._triggered or self._since is not None:
            return False
        old = values[: -1 - self.config.window]
        if not old or sign * values[-1] >= max(sign * value for value in old):
            return False
        self._since = self.done
        for name, value in self._flat.items():
            self._mean[name].copy_(value)
        return True

    def weights(self) -> Params:
        """What is scored and saved, flat (:func:`task_params`): the mean, or the weights."""
        chosen = self._mean if self._averaging else self._flat
        return {name: value.detach() for name, value in chosen.items()}

    def state(self) -> dict[str, Tensor]:
        """All that :meth:`restore` needs, as tensors by name."""
        found = {f"{_WEIGHTS}{name}": value for name, value in self._flat.items()}
        if self._averaging:
            found |= {f"{_MEAN}{name}": value for name, value in self._mean.items()}
        if self._since is not None:
            found[_SINCE] = torch.tensor(self._since)
        return found | optimiser_tensors(self.optimiser)

    @torch.no_grad()
    def restore(self, tensors: Mapping[str, Tensor]) -> None:
        """Go on from what :meth:`state` gave; ``done`` and ``skipped`` are set apart."""
        for prefix, own in ((_WEIGHTS, self._flat), (_MEAN, self._mean)):
            for name, value in own.items():
                if prefix + name in tensors:
                    value.copy_(tensors[prefix + name])
        if _SINCE in tensors:
            self._since = int(tensors[_SINCE])
        restore_optimiser(self.optimiser, tensors)


def flat(shared: Params, heads: Mapping[str, Params]) -> Params:
    """Shared weights and heads under one set of names; :func:`task_params` takes them apart."""
    found = {f"shared.{name}": value for name, value in shared.items()}
    for task, head in heads.items():
        found |= {f"head.{name}@{task}": value for name, value in head.items()}
    return found


def shared_params(weights: Params) -> Params:
    """The shared weights out of those of :func:`flat`."""
    prefix = "shared."
    return {n.removeprefix(prefix): v for n, v in weights.items() if n.startswith(prefix)}


def head_params(weights: Params, task: str) -> Params:
    """A task's head out of the weights of :func:`flat`."""
    found = {}
    for full, value in weights.items():
        name, _, of = full.removeprefix("head.").partition("@")
        if full.startswith("head.") and of == task:
            found[name] = value
    return found


def task_params(weights: Params, task: str) -> Params:
    """All parameters of a task's model out of the weights of :func:`flat`."""
    return shared_params(weights) | head_params(weights, task)
