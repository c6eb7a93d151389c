"""What every kind of task works with: tasks, suites, supports, requests for predictions.

The words are the same for all kinds; :mod:`fewshot_metalstm.kinds.kind` says what they mean.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    import torch


class Task(Protocol):
    """A task with its items: what a suite holds, and what a target is."""

    @property
    def name(self) -> str:
        """Such as ``linnaeus`` or ``digits-6789``."""

    @property
    def kind(self) -> str:
        """The name of its kind."""

    @property
    def family(self) -> str:
        """What may not be on both sides of a transfer: tasks made of the same documents."""

    @property
    def types(self) -> tuple[str, ...]:
        """What its items are told apart by: entity types, classes; in order."""

    @property
    def data(self) -> str:
        """The name of the data set that it is made of."""

    @property
    def sizes(self) -> Mapping[str, int]:
        """How many items each split has, by the name of the split."""

    @property
    def digests(self) -> Mapping[str, str]:
        """SHA-256 of the data of each split, as far as it is known."""

    @property
    def synthetic(self) -> bool:
        """Whether its items were generated for this project."""

    @property
    def invented(self) -> bool:
        """Whether its items were invented by hand for this project."""


def scored_split(task: Task) -> str:
    """The split of a target that a model is scored on: test, or else the first."""
    return "test" if "test" in task.sizes else next(iter(task.sizes))


class Exclusions(Protocol):
    """What the rules of exclusion kept out of a suite."""

    @property
    def targets(self) -> tuple[str, ...]:
        """The targets whose rules were applied."""

    def summary(self) -> Sequence[str]:
        """A few lines for the terminal."""

    def lines(self) -> Sequence[str]:
        """All of it, one fact a line, for the run's folder."""


class Suite(Protocol):
    """A suite with its items, the protocol's rules of exclusion applied."""

    @property
    def name(self) -> str:
        """As ``--tasks`` names it."""

    @property
    def synthetic(self) -> bool:
        """Whether all of it was generated for this project."""

    @property
    def train(self) -> Sequence[Task]:
        """The meta-train tasks."""

    @property
    def validation(self) -> Sequence[Task]:
        """The meta-validation tasks."""

    @property
    def report(self) -> Exclusions:
        """What was kept out."""


@dataclass(frozen=True)
class Support:
    """A support of K shots, as indices into the target's train split.

    ``note`` says what the target could not give, such as fewer shots; empty where nothing is to be
    said.
    """

    indices: tuple[int, ...]
    note: str = ""


@dataclass(frozen=True)
class PredictionRequest:
    """What ``predict`` was asked for.

    ``output`` is where to write, None for standard output; ``note`` takes a line for the user.
    """

    model: Path
    files: tuple[Path, ...]
    output: Path | None
    as_json: bool
    device: torch.device
    note: Callable[[str], object]
