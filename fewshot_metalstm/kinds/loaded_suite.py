"""A suite that was read, and what was kept out of it for its targets, as several kinds have it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Generic, TypeVar

from fewshot_metalstm.kinds.task import Exclusions

T = TypeVar("T")
E = TypeVar("E", bound=Exclusions)


@dataclass(frozen=True)
class LoadedSuite(Generic[T, E]):
    """The tasks of a suite, without what its targets keep out.

    Attributes:
        validation: their episodes come from the split devel.
    """

    name: str
    train: tuple[T, ...]
    validation: tuple[T, ...]
    report: E
    synthetic: bool = False


@dataclass(frozen=True)
class EqualItems:
    """What was kept out of a suite: tasks of its targets' families, and items equal to theirs.

    Attributes:
        items: such as ``texts``.
        equal: what is left out of a task, such as ``texts equal to a test text of theirs``.
        lost: how many, by task.
    """

    items: str
    equal: str
    targets: tuple[str, ...]
    tasks: tuple[str, ...] = ()
    lost: Mapping[str, int] = field(default_factory=dict)

    def summary(self) -> tuple[str, ...]:
        """See :class:`fewshot_metalstm.kinds.task.Exclusions`."""
        if not self.targets:
            return ("no target is kept out",)
        return (
            f"nothing of {', '.join(self.targets)} is learned from: {len(self.tasks)} tasks and "
            f"{sum(self.lost.values())} {self.equal} were left out",
        )

    def lines(self) -> tuple[str, ...]:
        """See :class:`fewshot_metalstm.kinds.task.Exclusions`."""
        return (
            *self.summary(), *(f"{name}: of a target's family" for name in self.tasks),
            *(f"{name}: {number} {self.items} left out" for name, number in self.lost.items()),
        )  # fmt: skip
