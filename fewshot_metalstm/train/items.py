"""Which items of a task are learned from, and which are scored after an epoch."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from fewshot_metalstm.errors import UserError
from fewshot_metalstm.kinds.task import Task
from fewshot_metalstm.seeds import numpy_generator
from fewshot_metalstm.train.settings import SupervisedConfig


@dataclass(frozen=True)
class Items:
    """The items of a task by what they are for, as indices into a split.

    ``devel`` and ``test`` name the split and its items, None where there are none.
    """

    train: tuple[int, ...]  # that are learned from
    curve: tuple[int, ...]  # of those, that are scored for the curve
    devel: tuple[str, tuple[int, ...]] | None  # that the epoch is chosen by
    test: tuple[str, tuple[int, ...]] | None
    note: str = ""  # for the user

    def scored(self) -> dict[str, tuple[str, tuple[int, ...]]]:
        """What is scored after an epoch, by the name of its curve: the split and its items."""
        every = {"train": ("train", self.curve), "devel": self.devel, "test": self.test}
        return {name: chosen for name, chosen in every.items() if chosen is not None and chosen[1]}


def items_of(task: Task, config: SupervisedConfig, items: str, seed: int) -> Items:
    """The items of a task.

    A task without a devel split lets ``config.hold_out`` of its train split be the devel split,
    if that is above 0; else nothing is there to choose an epoch by.

    Args:
        items: what a split consists of, for messages.

    Raises:
        UserError: there is no train split, or nothing is left of it.
    """
    size = task.sizes.get("train", 0)
    if not size:
        raise UserError(f"{task.name} has no train split to learn from; add one")
    order = numpy_generator(seed, "held-out", task.name).permutation(size).tolist()
    note = ""
    devel: tuple[str, tuple[int, ...]] | None = None
    held_out: set[int] = set()
    if task.sizes.get("devel"):
        devel = ("devel", tuple(range(task.sizes["devel"])))
    elif config.hold_out:
        number = max(1, round(size * config.hold_out))
        if number >= size:
            raise UserError(f"{task.name}: train.hold_out leaves nothing of {size} {items}")
        held_out = set(order[:number])
        devel = ("train", tuple(sorted(held_out)))
        note = (
            f"{task.name} has no devel split: {number} of its {size} train {items} are held out "
            "to choose the epoch by"
        )
    else:
        note = f"{task.name} has no devel split: no epoch is chosen by it"
    kept = [i for i in order if i not in held_out]
    if config.items:
        kept = kept[: config.items]
    train = tuple(sorted(kept))
    test: tuple[str, tuple[int, ...]] | None = None
    if config.test and task.sizes.get("test"):
        test = ("test", tuple(range(task.sizes["test"])))
    return Items(train, tuple(sorted(kept[: config.curve_items])), devel, test, note)


def chosen_by(items: Sequence[Items], of: Sequence[str]) -> str:
    """What the epoch is chosen by, in words; ``of`` are the tasks' names, in the same order."""
    with_devel = [name for name, each in zip(of, items, strict=True) if each.devel is not None]
    if not with_devel:
        return "the last epoch"
    held_out = any(each.devel is not None and each.devel[0] == "train" for each in items)
    what = "held-out train items" if held_out else "devel"
    return what if len(with_devel) == len(of) else f"{what} of {', '.join(with_devel)}"
