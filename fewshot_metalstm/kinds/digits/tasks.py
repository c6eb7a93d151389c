"""Tasks of digits: a few classes of MNIST, upright or turned, by the names that declare them.

``digits-6789`` is the task of telling 6, 7, 8 and 9 apart, and ``digits-012345-90`` that of 0 to 5
turned by 90 degrees counter-clockwise. A turned class is a class of its own, a turn is a family.

What no meta-learner may see of a target: its digits, however they are turned, in any split. So a
target's digits are taken out of every task that is learned from (:func:`load_tasks`); in the
declared suite there are none. Meta-validation has images that meta-training has not: the last
10,000 of MNIST's train split. A target's supports come from the whole train split of MNIST.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from fewshot_metalstm.data.suites import Suite, load_targets
from fewshot_metalstm.errors import UserError
from fewshot_metalstm.kinds.digits.reader import CORPUS, KIND, Labelled, Mnist, Pixels
from fewshot_metalstm.kinds.loaded_suite import LoadedSuite

HELD_OUT = 6  # the last sixth of MNIST's train split, 10,000 images, is for meta-validation
TURNS = (0, 90, 180, 270)  # degrees, counter-clockwise
_NAME = re.compile(r"digits-([0-9]+)(?:-(90|180|270))?")


@dataclass(frozen=True, eq=False)
class DigitSplit:
    """The images of a task's classes in one split of a corpus, upright.

    ``places`` are their indices in that split as the corpus has it, which holds ``size`` images
    and has the digest ``sha256``.
    """

    pixels: Pixels  # (n, 28, 28)
    labels: NDArray[np.int64]  # (n,), places in the task's classes
    places: NDArray[np.int64]  # (n,), ascending
    size: int
    sha256: str

    def __len__(self) -> int:
        return len(self.labels)

    def of_class(self, number: int) -> NDArray[np.int64]:
        """Positions of the images of a class, ascending."""
        return np.flatnonzero(self.labels == number)

    def at(self, places: Sequence[int]) -> NDArray[np.int64]:
        """Positions of the images at ``places`` of the corpus; ValueError for one of no class."""
        wanted = np.asarray(places, np.int64)
        found = np.searchsorted(self.places, wanted)
        if not np.array_equal(self.places[np.minimum(found, len(self) - 1)], wanted):
            raise ValueError("an image of none of the task's classes")
        return found


@dataclass(frozen=True, eq=False)
class DigitsTask:
    """Telling some classes apart.

    ``splits`` are ``train`` and ``devel`` or, of a target, ``train`` and ``test``. ``family`` is
    that of images turned alike. ``turn`` is in degrees, counter-clockwise.
    """

    name: str
    family: str
    classes: tuple[str, ...]
    turn: int
    splits: Mapping[str, DigitSplit]

    @property
    def kind(self) -> str:
        """See :class:`fewshot_metalstm.kinds.kind.Task`."""
        return KIND

    @property
    def types(self) -> tuple[str, ...]:
        """The classes, by the name that every kind has for them."""
        return self.classes

    @property
    def data(self) -> str:
        """The data set that all tasks of digits are made of."""
        return CORPUS

    @property
    def sizes(self) -> dict[str, int]:
        """Images of each split."""
        return {name: len(split) for name, split in self.splits.items()}

    @property
    def digests(self) -> dict[str, str]:
        """SHA-256 of the splits of MNIST that the task's are taken from."""
        return {name: split.sha256 for name, split in self.splits.items()}

    @property
    def synthetic(self) -> bool:
        """MNIST was written by people."""
        return False

    @property
    def invented(self) -> bool:
        """See above."""
        return False

    def images(self, split: str, positions: Sequence[int] | NDArray[np.int64]) -> Pixels:
        """Images of a split as the task shows them, turned, (n, 28, 28)."""
        chosen = self.splits[split].pixels[np.asarray(positions, np.int64)]
        return np.ascontiguousarray(np.rot90(chosen, self.turn // 90, axes=(1, 2)))

    def labels(self, split: str, positions: Sequence[int] | NDArray[np.int64]) -> NDArray[np.int64]:
        """The classes of images of a split, (n,), as places in ``classes``."""
        return self.splits[split].labels[np.asarray(positions, np.int64)]


@dataclass(frozen=True)
class Exclusions:
    """Which digits the targets kept out of a suite; a line of ``changes`` for each task cut."""

    targets: tuple[str, ...]
    changes: tuple[str, ...] = ()

    def summary(self) -> tuple[str, ...]:
        """See :class:`fewshot_metalstm.kinds.kind.Exclusions`."""
        named = ", ".join(self.targets) or "no target"
        cut = f"; {len(self.changes)} tasks were cut for it" if self.changes else ""
        return (f"no digit of {named} is learned from, however it is turned{cut}",)

    def lines(self) -> tuple[str, ...]:
        """See :class:`fewshot_metalstm.kinds.kind.Exclusions`."""
        return (*self.summary(), *self.changes)


LoadedDigits = LoadedSuite[DigitsTask, Exclusions]


def task_name(classes: Iterable[str], turn: int = 0) -> str:
    """The name of the task of some digits."""
    return f"digits-{''.join(classes)}" + (f"-{turn}" if turn else "")


def family_of(turn: int) -> str:
    """The family of images turned by so many degrees."""
    return f"{CORPUS}-{turn}" if turn else CORPUS


def looks_like_name(name: str) -> bool:
    """Whether ``name`` is meant for a task of digits, well formed or not."""
    return name == CORPUS or re.fullmatch(r"digits-[0-9][0-9-]*", name) is not None


def parse_name(name: str) -> tuple[tuple[str, ...], int]:
    """The digits and the turn of a task's name; a :class:`UserError` if it is none."""
    match = _NAME.fullmatch(name)
    classes = tuple(match[1]) if match else ()
    if match is None or len(classes) < 2 or classes != tuple(sorted(set(classes))):
        raise UserError(
            f"there is no task {name}; name at least two digits in ascending order, such as "
            "digits-6789, and a turn if you like: digits-012345-90, -180 or -270"
        )
    return classes, int(match[2] or 0)


def load_tasks(suite: Suite, mnist: Mnist, exclude: Iterable[str] = ()) -> LoadedDigits:
    """The tasks of a suite of digits; no digit of a target is in any of them.

    Args:
        suite: as declared.
        mnist: the images.
        exclude: targets besides the official ones, which count where the suite says so.

    Raises:
        UserError: a name that is no task, or nothing left to learn from.
    """
    official = load_targets(kind=KIND).official if suite.exclude == "official" else ()
    targets = tuple(dict.fromkeys((*official, *exclude)))
    barred = {digit for target in targets for digit in parse_name(target)[0]}
    cut: dict[str, DigitsTask | None] = {}
    notes: list[str] = []
    part = len(mnist.train.labels) - len(mnist.train.labels) // HELD_OUT
    shared: dict[tuple[str, ...], dict[str, DigitSplit]] = {}
    for name in dict.fromkeys(spec.corpus for spec in (*suite.tasks, *suite.validation)):
        classes, turn = parse_name(name)
        left = tuple(digit for digit in classes if digit not in barred)
        if left != classes:
            notes.append(f"{name}: {len(classes) - len(left)} digits of a target left out")
        if len(left) < 2:
            cut[name] = None
            continue
        if left not in shared:  # turns of the same digits share their images
            shared[left] = {
                "train": select(mnist.train, left, 0, part),
                "devel": select(mnist.train, left, part),
            }
        cut[name] = _task(left, turn, shared[left])
    train, validation = (
        _distinct(cut[spec.corpus] for spec in specs) for specs in (suite.tasks, suite.validation)
    )
    if not train:
        raise UserError(
            f"suite {suite.name} has no two digits left beside those of {', '.join(targets)}; "
            "exclude fewer targets"
        )
    return LoadedDigits(suite.name, train, validation, Exclusions(targets, tuple(notes)))


def load_target(name: str, mnist: Mnist) -> DigitsTask:
    """A target: supports come from all of MNIST's train split, figures from all of its test split.

    Raises :class:`UserError` for a name that is no task.
    """
    classes, turn = parse_name(name)
    splits = {"train": select(mnist.train, classes), "test": select(mnist.test, classes)}
    return _task(classes, turn, splits)


def select(
    labelled: Labelled, classes: Sequence[str], start: int = 0, stop: int | None = None
) -> DigitSplit:
    """The images of some digits among those from ``start`` to before ``stop``."""
    number = np.full(10, -1, np.int64)
    number[[int(digit) for digit in classes]] = np.arange(len(classes))
    labels = number[labelled.labels[start:stop]]
    places = start + np.flatnonzero(labels >= 0)
    return DigitSplit(
        labelled.pixels[places], labels[labels >= 0], places, len(labelled.labels), labelled.sha256
    )


def _task(classes: tuple[str, ...], turn: int, splits: Mapping[str, DigitSplit]) -> DigitsTask:
    return DigitsTask(task_name(classes, turn), family_of(turn), classes, turn, splits)


def _distinct(tasks: Iterable[DigitsTask | None]) -> tuple[DigitsTask, ...]:
    """The tasks that there are, one of each name: with digits left out two may be alike."""
    return tuple({task.name: task for task in tasks if task is not None}.values())
