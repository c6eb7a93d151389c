"""What a model that ``train`` wrote says of where it came from: the fields that all kinds have."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Protocol

from fewshot_metalstm.kinds.task import Task
from fewshot_metalstm.meta.config import TrainingConfig
from fewshot_metalstm.meta.make import recorded


class Begun(Protocol):
    """A checkpoint that training began with."""

    @property
    def about(self) -> Mapping[str, Any]:
        """Where it came from."""


def trained_about(
    task: Task, tasks: Sequence[Task], start: Begun | None, about: Mapping[str, Any],
    key: str, digits: int = 2,
) -> dict[str, Any]:  # fmt: skip
    """The fields of a task's own model, behind those that say what it is for.

    Args:
        tasks: all that were trained on together.
        about: what the session says: ``epoch``, ``chosen_by``, and the ``scores`` by split.
        key: what the figure is called in the fields of each split.
        digits: what it is rounded to.
    """
    scores = about.get("scores", {})
    return {
        "jointly_with": [other.name for other in tasks if other.name != task.name],
        "from": {} if start is None else dict(start.about),
        "synthetic": task.synthetic,
        "epoch": about.get("epoch"), "chosen_by": about.get("chosen_by"),
        **{
            f"{split}_{key}": None if value is None else round(value, digits)
            for split in ("devel", "test") for value in (scores.get(split),)
        },
    }  # fmt: skip


def joint_about(tasks: Sequence[Task], start: Begun | None, seed: int) -> dict[str, Any]:
    """The fields of a checkpoint of all tasks, as ``meta-train --algorithm joint`` has them."""
    before = {} if start is None else start.about
    return {
        "suite": "+".join(task.name for task in tasks),
        "synthetic": any(task.synthetic for task in tasks),
        "targets_excluded": [],  # nothing was left out for any target's sake
        "families": sorted({task.family for task in tasks} | set(before.get("families", ()))),
        "tasks": [task.name for task in tasks],
        "algorithm": "joint",
        "recipe": recorded(TrainingConfig(algorithm="joint", seed=seed)),
        "seed": seed,
        "corpora": {task.name: {"train": task.digests["train"]} for task in tasks},
    }
