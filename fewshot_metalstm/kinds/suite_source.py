"""What a run of training draws from, of kinds whose suites are tasks with splits of their own.

Starting from a checkpoint, reading and writing one, and what it says of where it comes from are
the same in all of them. A kind says how a fresh model is made, and what its batches and episodes
are.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Generic, Protocol, TypeVar

from fewshot_metalstm.kinds.stored import CHECKPOINT
from fewshot_metalstm.meta.learner import Params
from fewshot_metalstm.meta.outcome import Progress
from fewshot_metalstm.meta.pool import Validator
from fewshot_metalstm.meta.source import TrainingSource, about_of, facts_of
from fewshot_metalstm.meta.start import read_start

if TYPE_CHECKING:
    from _typeshed import DataclassInstance

    class Stored(DataclassInstance, Protocol):
        """A dataclass of a kind's model."""

        @property
        def learner(self) -> Any:
            """What is trained; ``config`` has its sizes."""

        @property
        def about(self) -> Mapping[str, Any]:
            """Where it came from."""


M = TypeVar("M", bound="Stored")


class SuiteSource(TrainingSource, Generic[M]):
    """A suite of tasks of one kind, for one run of training.

    Args:
        config: the run's settings.
        suite: the loaded suite: ``train``, ``validation``, ``report``.

    Attributes:
        section: of the settings, that the learner's sizes stand in.
        items: what splits hold, such as ``images``.
    """

    section: ClassVar[str]
    items: ClassVar[str]

    def __init__(self, config: Any, suite: Any) -> None:
        self.config = config
        self.suite = suite

    @abstractmethod
    def made(self, progress: Progress) -> M:
        """A model with fresh weights, and all that is made of the data before any weight."""

    @abstractmethod
    def read(self, folder: Path, role: str | None = None) -> M:
        """The model in a folder; of a ``role``, such as checkpoint, or of any."""

    @abstractmethod
    def write(self, model: M, folder: Path) -> None:
        """Write a model to a folder, whole or not at all."""

    @abstractmethod
    def validator(self) -> Validator:
        """Meta-validation, where :meth:`validation` has found that there is some."""

    def fresh(self, progress: Progress) -> M:
        """See :class:`TrainingSource`."""
        model = self._started() if self.config.start else self.made(progress)
        return replace(model, about=self.about())

    def _started(self) -> M:
        names = [task.name for task in self.suite.train]
        return read_start(
            self.config.start, lambda folder: self.read(folder, CHECKPOINT), section=self.section,
            same_tasks=lambda model: model.about.get("tasks") == names,
            same_settings=lambda model: model.learner.config == self.wanted(model),
        )  # fmt: skip

    def wanted(self, model: M) -> Any:
        """The sizes that a checkpoint has to have; a :class:`UserError` where it cannot."""
        del model
        return getattr(self.config, self.section)

    def load(self, folder: Path) -> M:
        """See :class:`TrainingSource`."""
        return self.read(folder)

    def save(
        self, model: M, folder: Path, *, about: Mapping[str, Any], heads: Mapping[str, Params]
    ) -> None:
        """See :class:`TrainingSource`; heads of single tasks are not kept."""
        del heads
        self.write(replace(model, about={**self.about(), **about}), folder)

    def about(self) -> dict[str, Any]:
        """See :class:`TrainingSource`."""
        return about_of(self.config, self.suite)

    def validation(self) -> Validator | None:
        """See :class:`TrainingSource`."""
        wanted = self.suite.validation and self.config.validation.episodes
        return self.validator() if wanted else None

    def facts(self) -> dict[str, str]:
        """See :class:`TrainingSource`: tasks, and a digest of every split."""
        return facts_of(self.suite.train, self.suite.validation, self.items)
