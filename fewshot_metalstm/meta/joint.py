"""Joint multi-task training: one shared model, one head for each task.

It is the cheapest use of many tasks, and a good place for a meta-learner to start from: an outer
loop that begins at its weights spends its episodes on learning to adapt, not on learning to read.

Source: Caruana, "Multitask Learning", Machine Learning 1997; the joint training of Chen et al.
2018 (arXiv 1802.08969), section "Training": pick a task at random, take a batch, update.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import torch

from fewshot_metalstm.meta.learner import Learner, Params


@dataclass(frozen=True)
class JointConfig:
    """Joint training before the outer loop."""

    steps: int = 4000  # batches; 0 leaves it out
    batch: int = 16  # sentences of one task in a batch
    lr: float = 2e-3  # Adam's learning rate at the start; it falls to zero along a cosine
    clip: float = 5.0  # largest norm of a gradient


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
        names = learner.head()
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
        """Give the learner one head made of the tasks' heads (:meth:`Learner.merge_heads`)."""
        named = dict(self.learner.named_parameters())
        for name, value in self.learner.merge_heads(list(self.heads.values())).items():
            named[name].copy_(value)


def cosine(step: int, steps: int, floor: float = 0.0) -> float:
    """A factor that falls from 1 to ``floor`` over ``steps`` steps along a cosine."""
    share = min(step / max(steps, 1), 1.0)
    return floor + (1 - floor) * 0.5 * float(1 + torch.cos(torch.tensor(torch.pi * share)))
