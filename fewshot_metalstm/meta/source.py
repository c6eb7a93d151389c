"""What a run of training gets from a kind of task: a model, and what the model learns from.

The driver (:mod:`fewshot_metalstm.meta.driver`) trains whatever has a loss. Which tasks there are,
how their items become batches and how a model is stored is the kind's business, and stands in its
subclass of :class:`TrainingSource`.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import torch

from fewshot_metalstm.figure import Figure
from fewshot_metalstm.meta.config import TrainingConfig
from fewshot_metalstm.meta.joint import TaskBatch
from fewshot_metalstm.meta.learner import Learner, Params
from fewshot_metalstm.meta.make import recorded
from fewshot_metalstm.meta.outcome import Progress
from fewshot_metalstm.meta.pool import EpisodeSource, Validator


class Model(Protocol):
    """A learner with what it needs to read its items: vectors, an alphabet, scalers."""

    @property
    def learner(self) -> Learner:
        """The part that is trained."""


class JointSource(Protocol):
    """Batches for joint training, each of one task. Pure: a step gives the same batch anywhere."""

    def tasks(self) -> Mapping[str, object]:
        """A small batch of every task, by name: it shows which head the task needs."""

    def batch(self, step: int) -> TaskBatch:
        """The batch of joint step ``step``, from 0."""


@dataclass(frozen=True)
class Preparation:
    """What :meth:`TrainingSource.fresh` takes long to make.

    ``phase`` is what the user calls it, of ``steps`` steps of about ``seconds`` each. ``model``
    has about the sizes of the model that comes of it, so that later steps can be timed before.
    """

    phase: str
    steps: int
    seconds: float
    model: Model


class TaskData(Protocol):
    """A task, as far as :func:`facts_of` looks at it: digest and size of each split."""

    @property
    def name(self) -> str:
        """Its name."""

    @property
    def digests(self) -> Mapping[str, str]:
        """SHA-256 of what each split holds."""

    @property
    def sizes(self) -> Mapping[str, int]:
        """Items of each split."""


def facts_of(
    train: Sequence[TaskData], validation: Sequence[TaskData], items: str
) -> dict[str, str]:
    """The tasks of a run and the digest of every split, for :meth:`TrainingSource.facts`.

    Args:
        items: what splits hold, such as ``images``.
    """
    facts: dict[str, str] = {}
    for part, tasks in (("train", train), ("validation", validation)):
        facts[f"the {part} tasks"] = ", ".join(task.name for task in tasks)
        for task in tasks:
            for split, digest in task.digests.items():
                facts[f"{task.name}/{split}"] = f"{digest[:16]} ({task.sizes[split]} {items})"
    return facts


class FamilyTask(TaskData, Protocol):
    """A task to learn from, which is of a family."""

    @property
    def family(self) -> str:
        """Of which none is learned from that a target is of."""


class Kept(Protocol):
    """What was kept out of a suite."""

    @property
    def targets(self) -> Sequence[str]:
        """For whose sake."""


class SuiteData(Protocol):
    """A loaded suite, of any kind."""

    @property
    def name(self) -> str:
        """Its name."""

    @property
    def synthetic(self) -> bool:
        """Whether its tasks are made up."""

    @property
    def train(self) -> Sequence[FamilyTask]:
        """The tasks to learn from."""

    @property
    def report(self) -> Kept:
        """What was kept out of it."""


def about_of(config: TrainingConfig, suite: SuiteData) -> dict[str, Any]:
    """What a checkpoint says of its training, for :meth:`TrainingSource.about`.

    For suites whose tasks have a train split of their own each.
    """
    tasks = suite.train
    return {
        "suite": suite.name,
        "synthetic": suite.synthetic,
        "targets_excluded": list(suite.report.targets),
        "families": sorted({task.family for task in tasks}),
        "tasks": [task.name for task in tasks],
        "algorithm": config.algorithm,
        "recipe": recorded(config),
        "seed": config.seed,
        "corpora": {task.name: {"train": task.digests["train"]} for task in tasks},
    }


class TrainingSource(ABC):
    """One run's model and data. A kind makes one from the run's settings and its loaded suite.

    Attributes:
        figure: what meta-validation measures.
    """

    figure: Figure

    @abstractmethod
    def fresh(self, progress: Progress) -> Any:
        """A model with fresh weights, and all that is made of the data before any weight.

        With ``config.start`` it is the model of that checkpoint.

        Raises:
            UserError: ``config.start`` is no checkpoint of joint training on these tasks.
        """

    def preparation(self) -> Preparation | None:
        """What :meth:`fresh` makes first, where that takes long; else None."""
        return None

    @abstractmethod
    def load(self, folder: Path) -> Any:
        """The model that :meth:`save` wrote to ``folder``."""

    @abstractmethod
    def save(
        self, model: Any, folder: Path, *, about: Mapping[str, Any], heads: Mapping[str, Params]
    ) -> None:
        """Write a checkpoint, whole or not at all.

        Args:
            about: what the run knows of it (outer step, meta-validation), beside :meth:`about`.
            heads: those of joint training alone, by task; empty for other runs.
        """

    @abstractmethod
    def about(self) -> dict[str, Any]:
        """Where a checkpoint of this run comes from: suite, families, data digests, settings."""

    @abstractmethod
    def use(self, model: Any, device: torch.device) -> None:
        """Encode items for ``model`` from now on, on ``device``. Called before what is below."""

    @abstractmethod
    def joint(self) -> JointSource:
        """The batches of joint training."""

    def before_outer(self, model: Any, heads: Mapping[str, Params], *, saved: bool) -> None:
        """Prepare the learner for the outer loop, once joint training is done.

        Args:
            heads: of joint training, by task; empty where there was none, or in a resumed run.
            saved: whether weights of the outer loop will be loaded next, so that only the
                parameters' shapes matter.
        """
        del model, heads, saved

    @abstractmethod
    def episodes(self) -> EpisodeSource:
        """The episodes of the outer loop."""

    def notes(self) -> Sequence[str]:
        """Lines that a user should see before the outer loop."""
        return ()

    @abstractmethod
    def validation(self) -> Validator | None:
        """Meta-validation, if the suite holds tasks for it and the settings want it."""

    @abstractmethod
    def facts(self) -> dict[str, str]:
        """What has to be the same on every rank before anything is computed, such as digests."""
