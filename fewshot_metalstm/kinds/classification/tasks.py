"""Tasks of classification: texts with one label each, in splits."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from fewshot_metalstm.errors import UserError
from fewshot_metalstm.kinds.classification.text import words
from fewshot_metalstm.kinds.loaded_suite import EqualItems, LoadedSuite

KIND = "classification"


@dataclass(frozen=True, eq=False)
class TextSplit:
    """Texts of a split, and the class of each as a place in the task's classes."""

    texts: tuple[str, ...]
    labels: NDArray[np.int64]  # (n,)

    def __len__(self) -> int:
        return len(self.texts)

    def of_class(self, number: int) -> NDArray[np.int64]:
        """Places of the texts of a class, ascending."""
        return np.flatnonzero(self.labels == number)

    def at(self, places: Sequence[int]) -> TextSplit:
        """The texts at some places, in that order."""
        return TextSplit(tuple(self.texts[i] for i in places), self.labels[list(places)])

    def digest(self, classes: Sequence[str]) -> str:
        """SHA-256 of the texts with their classes as they were read, a line each."""
        found = hashlib.sha256()
        for text, label in zip(self.texts, self.labels.tolist(), strict=True):
            found.update(f"{classes[label]}\t{text}\n".encode("utf-8", "surrogatepass"))
        return found.hexdigest()


@dataclass(frozen=True, eq=False)
class ClassificationTask:
    """Telling the classes of texts apart; ``classes`` are in alphabetical order."""

    name: str
    family: str
    classes: tuple[str, ...]
    splits: Mapping[str, TextSplit]
    digests: Mapping[str, str]
    data: str = ""
    notes: Mapping[str, int] = field(default_factory=dict)  # what reading changed
    synthetic: bool = False
    invented: bool = False

    @property
    def kind(self) -> str:
        """See :class:`fewshot_metalstm.kinds.kind.Task`."""
        return KIND

    @property
    def types(self) -> tuple[str, ...]:
        """The classes, by the name that every kind has for them."""
        return self.classes

    @property
    def sizes(self) -> dict[str, int]:
        """Texts of each split."""
        return {name: len(split) for name, split in self.splits.items()}

    @cached_property
    def lengths(self) -> NDArray[np.int64]:
        """Tokens of every text of all splits."""
        every = (text for split in self.splits.values() for text in split.texts)
        return np.array([len(words(text)) for text in every], np.int64)

    def cut(self, longest: int) -> str:
        """How many texts have more than ``longest`` tokens, in words; empty where none has."""
        number = int((self.lengths > longest).sum())
        if not number:
            return ""
        return (
            f"{number} of {len(self.lengths)} texts have more than {longest} tokens: of these so "
            "many are read, from both ends"
        )


LoadedTexts = LoadedSuite[ClassificationTask, EqualItems]


def check_learnable(task: ClassificationTask) -> None:
    """Refuse a task that nothing can be learned from: a :class:`UserError`."""
    if "train" not in task.splits:
        raise UserError(f"{task.name} has no train split to learn from; add one")
    if len(task.classes) < 2:
        raise UserError(
            f"{task.name}: all texts have the label {task.classes[0]!r}; give texts of two classes "
            "at least"
        )
    for number, name in enumerate(task.classes):
        if not len(task.splits["train"].of_class(number)):
            raise UserError(
                f"{task.name}: no text of the train split has the label {name!r}, which others "
                "have; add some, or mend the labels"
            )


def make_task(
    name: str, family: str, classes: Sequence[str], splits: Mapping[str, TextSplit],
    data: str = "", notes: Mapping[str, int] | None = None,
) -> ClassificationTask:  # fmt: skip
    """A task with the digests of its splits."""
    digests = {split: texts.digest(classes) for split, texts in splits.items()}
    return ClassificationTask(
        name, family, tuple(classes), dict(splits), digests, data, dict(notes or {})
    )


def key_of(text: str) -> str:
    """What two texts that are taken for equal share: lower case, whatever white space."""
    return " ".join(text.lower().split())


def without(task: ClassificationTask, barred: frozenset[str]) -> tuple[ClassificationTask, int]:
    """The task without the texts of ``barred`` (of :func:`key_of`), and how many these were."""
    splits: dict[str, TextSplit] = {}
    lost = 0
    for name, split in task.splits.items():
        kept = [i for i, text in enumerate(split.texts) if key_of(text) not in barred]
        lost += len(split) - len(kept)
        splits[name] = split if len(kept) == len(split) else split.at(kept)
    if not lost:
        return task, 0
    made = make_task(task.name, task.family, task.classes, splits, task.data, task.notes)
    return replace(made, synthetic=task.synthetic, invented=task.invented), lost


def test_keys(tasks: Iterable[ClassificationTask]) -> frozenset[str]:
    """The keys of all test texts of some targets."""
    return frozenset(
        key_of(text)
        for task in tasks
        if "test" in task.splits
        for text in task.splits["test"].texts
    )
