"""Supervised training of kinds whose models are a learner in a folder.

Starting from a checkpoint, reading and writing, and a checkpoint of several tasks are the same in
all of them. A kind says how a fresh model is made, what its batches are, and how it is scored.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Generic, TypeVar

import torch

from fewshot_metalstm import ranges
from fewshot_metalstm.errors import UserError
from fewshot_metalstm.kinds.stored import CHECKPOINT
from fewshot_metalstm.meta.learner import Params
from fewshot_metalstm.meta.outcome import Progress
from fewshot_metalstm.train.about import joint_about
from fewshot_metalstm.train.source import SupervisedSource

if TYPE_CHECKING:
    from fewshot_metalstm.kinds.suite_source import Stored

M = TypeVar("M", bound="Stored")


class FolderTraining(SupervisedSource, Generic[M]):
    """Tasks of one kind for one run of supervised training.

    Args:
        config: the run's settings; those of the learner's sizes give way to a checkpoint's.
        tasks: with their items.

    Attributes:
        section: of the settings, that the learner's sizes stand in.

    Raises:
        UserError: settings that cannot be, or ``config.start`` is no checkpoint, or one of other
            sizes than are asked for.
    """

    section: ClassVar[str]

    def __init__(self, config: Any, tasks: Sequence[Any]) -> None:
        ranges.check(config)
        self._start: M | None = None
        if config.start:
            self._start = self.read(Path(config.start), CHECKPOINT)
            own, wanted = self._start.learner.config, getattr(config, self.section)
            if wanted not in (own, type(wanted)()):
                raise UserError(
                    f"{config.start} has other settings of the section {self.section}; give the "
                    "same, or leave --start out"
                )
            config = replace(config, **{self.section: own})
        self.config = config
        self.tasks = tasks
        self._by_name = {task.name: task for task in tasks}
        self._device = torch.device("cpu")

    @abstractmethod
    def made(self) -> M:
        """A model with fresh weights, and all that is made of the data before any weight."""

    @abstractmethod
    def read(self, folder: Path, role: str | None = None) -> M:
        """The model in a folder; of a ``role``, such as checkpoint, or of any."""

    @abstractmethod
    def write(self, model: M, folder: Path) -> None:
        """Write a model to a folder, whole or not at all."""

    @abstractmethod
    def with_params(self, model: M, params: Params) -> Any:
        """A learner of its own like a model's, with other parameters."""

    def learned(self) -> Mapping[str, Any]:
        """What a checkpoint of all tasks says besides :func:`.joint_about`."""
        return {}

    def fresh(self, progress: Progress) -> M:
        """See :class:`SupervisedSource`."""
        del progress
        if self._start is None:
            return self.made()
        params: Params = dict(self._start.learner.named_parameters())
        return replace(self._start, learner=self.with_params(self._start, params))

    def load(self, folder: Path) -> M:
        """See :class:`SupervisedSource`."""
        return self.read(folder)

    def save(self, model: M, folder: Path) -> None:
        """See :class:`SupervisedSource`."""
        self.write(model, folder)

    def use(self, model: M, device: torch.device, learned: Mapping[str, Sequence[int]]) -> None:
        """See :class:`SupervisedSource`."""
        del learned
        self._model, self._device = model, device

    def save_joint(
        self, model: M, shared: Params, heads: Mapping[str, Params], folder: Path,
        about: Mapping[str, Any],
    ) -> bool:  # fmt: skip
        """See :class:`SupervisedSource`: as ``meta-train --algorithm joint`` writes it."""
        merged = model.learner.merge_heads(list(heads.values()))
        learner = self.with_params(model, {**shared, **merged})
        told = joint_about(self.tasks, self._start, self.config.seed)
        self.write(
            replace(model, learner=learner, about={**told, **self.learned(), **about}), folder
        )
        return True
