"""A task cut into items for training, such as windows of a series or rows of a text."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from typing import Generic, TypeVar

from fewshot_metalstm.kinds.task import Task

T = TypeVar("T", bound=Task)


class ItemsOf(ABC, Generic[T]):
    """A task (see :class:`fewshot_metalstm.kinds.kind.Task`) like another, but for its items.

    Args:
        task: whose name, family, types and digests it has.
    """

    def __init__(self, task: T) -> None:
        self.task = task

    @property
    @abstractmethod
    def sizes(self) -> Mapping[str, int]:
        """Items of each split."""

    @property
    def kind(self) -> str:
        """The other task's, and so are the next ones."""
        return self.task.kind

    @property
    def name(self) -> str:
        """As declarations have it."""
        return self.task.name

    @property
    def family(self) -> str:
        """What may not be on both sides of a transfer."""
        return self.task.family

    @property
    def types(self) -> tuple[str, ...]:
        """Such as the names of series."""
        return tuple(self.task.types)

    @property
    def data(self) -> str:
        """Of which corpus it is."""
        return self.task.data

    @property
    def synthetic(self) -> bool:
        """Whether its texts were generated."""
        return self.task.synthetic

    @property
    def invented(self) -> bool:
        """Whether it was made up."""
        return self.task.invented

    @property
    def digests(self) -> Mapping[str, str]:
        """SHA-256 of each split."""
        return self.task.digests
