"""What supervised training gets from a kind of task: a model, batches, figures, and saving.

The loop (:mod:`fewshot_metalstm.train.session`) trains whatever has a loss. How a task's items
become batches, how a model is scored and how it is stored stands in a kind's subclass of
:class:`SupervisedSource`.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch

from fewshot_metalstm.figure import Figure, Score
from fewshot_metalstm.kinds.task import Task
from fewshot_metalstm.meta.learner import Params
from fewshot_metalstm.meta.outcome import Progress


@dataclass(frozen=True)
class Evaluation:
    """A model on items of a split: the mean loss of an item, without noise, and the score.

    ``tuned`` is what the score depends on and is no weight, such as a lexicon's bonus, by name.
    """

    loss: float
    score: Score
    tuned: Mapping[str, float] = field(default_factory=dict)


class SupervisedSource(ABC):
    """One run's model and data. A kind makes one from the run's settings and its loaded tasks.

    Attributes:
        figure: what a model is judged by.
        product: what a trained model is called, such as ``tagger``; its folder too.
        config: the settings that the run goes by.
        tasks: with their items.
    """

    figure: Figure
    product: str
    config: Any
    tasks: Sequence[Task]

    @abstractmethod
    def fresh(self, progress: Progress) -> Any:
        """A model (with ``learner``) of fresh weights, or with ``config.start`` that checkpoint's.

        Raises:
            UserError: ``config.start`` is no checkpoint that these tasks may start from.
        """

    @abstractmethod
    def load(self, folder: Path) -> Any:
        """The model that :meth:`save` wrote to ``folder``."""

    @abstractmethod
    def save(self, model: Any, folder: Path) -> None:
        """Write what :meth:`fresh` gave, so that a resumed run begins from it."""

    @abstractmethod
    def use(self, model: Any, device: torch.device, learned: Mapping[str, Sequence[int]]) -> None:
        """Encode items for ``model`` from now on, on ``device``. Called before what is below.

        Args:
            learned: the items of each task's train split that are learned from, by index. The
                others are held out: nothing may be made of their annotation.
        """

    def heads(self, model: Any) -> Mapping[str, Params]:
        """The head that each task starts from, by name: what the learner makes of a small batch.

        With it comes what else is a task's own (:meth:`.Learner.private`).
        """
        learner = model.learner
        return {
            task.name: {
                name: value
                for name, value in learner.initial(self.batch(task.name, "train", [0])).items()
                if name in learner.private()
            }
            for task in self.tasks
        }

    def head_of(self, task: str) -> str:
        """The name, in :meth:`heads`, of the head that serves a task: its own, by default."""
        return task

    @abstractmethod
    def lengths(self, task: str) -> Sequence[int]:
        """The length of every item of a task's train split, in order; all equal where none has."""

    @abstractmethod
    def batch(self, task: str, split: str, items: Sequence[int]) -> object:
        """The batch of some items of a split, by index."""

    @abstractmethod
    def evaluate(
        self, task: str, split: str, items: Sequence[int], params: Params,
        tuned: Mapping[str, float] | None = None,
    ) -> Evaluation:  # fmt: skip
        """Loss and score on some items of a split, by index, under ``params``.

        Args:
            tuned: what another evaluation has chosen; None chooses it on these items, which are
                those of devel; empty stands for what is usual, where there is no devel split.
        """

    @abstractmethod
    def save_model(
        self, model: Any, task: str, params: Params, folder: Path, about: Mapping[str, Any]
    ) -> None:
        """Write one task's model, which needs nothing else, whole or not at all.

        Args:
            about: what the run knows of it: the epoch, scores, and what was ``tuned``.
        """

    def notes(self) -> Sequence[str]:
        """What a user should know of the data, a line each; nothing by default."""
        return ()

    def save_joint(
        self, model: Any, shared: Params, heads: Mapping[str, Params], folder: Path,
        about: Mapping[str, Any],
    ) -> bool:  # fmt: skip
        """Write several tasks' model as a checkpoint that ``adapt`` starts from.

        Returns:
            whether the kind has such a form; False by default.
        """
        del model, shared, heads, folder, about
        return False
