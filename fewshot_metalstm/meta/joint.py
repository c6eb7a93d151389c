"""Joint multi-task training: one shared model, one head for each task.

What is kept for each task are the parameters that :meth:`Learner.private` names: the head and,
where tasks do not share the whole of a model, what else is a task's own.

It is the cheapest use of many tasks, and a good place for a meta-learner to start from: an outer
loop that begins at its weights spends its episodes on learning to adapt, not on learning to read.

Source: Caruana, "Multitask Learning", Machine Learning 1997; the joint training of Chen et al.
2018 (arXiv 1802.08969), section "Training": pick a task at random, take a batch, update.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import torch
from torch import Tensor

from fewshot_metalstm.meta.config import JointConfig as JointConfig
from fewshot_metalstm.meta.learner import Learner, Params


@dataclass(frozen=True)
class TaskBatch:
    """A batch and the name of the task whose head serves it."""

    task: str
    batch: object


class JointTraining:
    """Joint training with Adam.

    Args:
        tasks: a batch of every task by name, from which its head is made.
    """

    def __init__(self, learner: Learner, tasks: Mapping[str, object], config: JointConfig) -> None:
        self.learner = learner
        self.config = config
        names = learner.private()
        self._shared = [p for n, p in learner.named_parameters() if n not in names]
        self.heads: dict[str, Params] = {}
        for task in sorted(tasks):
            start = learner.initial(tasks[task])
            self.heads[task] = {n: start[n].detach().clone().requires_grad_() for n in names}
        own = [p for head in self.heads.values() for p in head.values()]
        # One foreach Adam over shared weights and all heads; a head that took no part in a step
        # has no gradient and is left as it is.
        self.optimiser = torch.optim.Adam([*self._shared, *own], lr=config.lr)
        self.done = 0
        self.skipped = 0

    def step(self, batch: TaskBatch, generator: torch.Generator) -> float:
        """Take one step; returns the loss. A non-finite one is skipped and counted."""
        head = self.heads[batch.task]
        params = dict(self.learner.named_parameters()) | head
        loss = self.learner.loss(params, batch.batch, generator)
        self.optimiser.zero_grad(set_to_none=True)
        loss.backward()  # type: ignore[no-untyped-call]
        norm = torch.nn.utils.clip_grad_norm_([*self._shared, *head.values()], self.config.clip)
        for group in self.optimiser.param_groups:
            group["lr"] = self.config.lr * cosine(self.done, self.config.steps)
        self.done += 1
        if bool(torch.isfinite(norm)) and bool(torch.isfinite(loss)):
            self.optimiser.step()
        else:
            self.skipped += 1
        return float(loss.detach())

    @torch.no_grad()
    def finish(self) -> None:
        """Give the learner one set of what was each task's (:meth:`Learner.merge_private`)."""
        named = dict(self.learner.named_parameters())
        for name, value in self.learner.merge_private(list(self.heads.values())).items():
            named[name].copy_(value)


def state_of(heads: Mapping[str, Params]) -> dict[str, Tensor]:
    """The tasks' heads as tensors of a run's state; :func:`heads_in` reads them."""
    return {f"heads.{task}@{n}": value for task, head in heads.items() for n, value in head.items()}


def heads_in(tensors: Mapping[str, Tensor]) -> dict[str, Params]:
    """The tasks' heads that :func:`state_of` put among other tensors."""
    heads: dict[str, Params] = {}
    for full, value in tensors.items():
        if full.startswith("heads."):
            task, _, name = full.removeprefix("heads.").rpartition("@")
            heads.setdefault(task, {})[name] = value
    return heads


def cosine(step: int, steps: int, floor: float = 0.0) -> float:
    """A factor that falls from 1 to ``floor`` over ``steps`` steps along a cosine."""
    share = min(step / max(steps, 1), 1.0)
    return floor + (1 - floor) * 0.5 * float(1 + torch.cos(torch.tensor(torch.pi * share)))
