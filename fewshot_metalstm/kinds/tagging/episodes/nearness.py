"""How near source tasks are to what a task map shows, so that near ones are drawn more often.

The map is ``losses.csv`` of `fewshot-metalstm tasks map`: a row for each entity type of a target,
a column for each source head, in nats a mention. Of a map without targets the rows are the source
tasks themselves, and a task is near where its heads know much of the others.
"""

from __future__ import annotations

import csv
import math
from collections.abc import Sequence
from pathlib import Path

from fewshot_metalstm.errors import at
from fewshot_metalstm.kinds.tagging.episodes.task import Task

_BEFORE = ("target", "type", "split", "sentences", "mentions")  # columns that are no head
_LEAST = 1e-3  # nats a mention; a loss below counts as this much
_CURE = "give losses.csv of `fewshot-metalstm tasks map`"


def nearness_of(path: Path, tasks: Sequence[Task], sharpness: float) -> tuple[float, ...]:
    """How near each task is, above 0 and at most 1.

    In a row, that of a task is the lowest loss of all heads of other families than the row's,
    divided by the lowest of the task's own heads, to the power ``sharpness``; over rows the mean.
    Rows of the task's own family are left out: it fits itself best.

    Args:
        path: of a map with a head for every task.
        tasks: what is drawn from.

    Raises:
        UserError: the file is no such map, lacks heads of a task, or all of its rows are of the
            task's own family.
    """
    heads, rows = _read(path)
    places = {
        task.name: [i for i, head in enumerate(heads)
                    if head == task.name or head.startswith(f"{task.name}/")]
        for task in tasks
    }  # fmt: skip
    for name, found in places.items():
        if not found:
            raise at(path, None, f"has no head of the task {name}", _CURE)
    family = {task.name: task.family for task in tasks}
    of_place = {place: family[name] for name, found in places.items() for place in found}
    near = []
    for task in tasks:
        shares = []
        for target, losses in rows:
            own = family.get(target)  # None of what is no task here
            if own == task.family:
                continue
            foreign = [losses[i] for i, each in of_place.items() if each != own]
            best = min(losses[i] for i in places[task.name])
            shares.append((min(foreign) / best) ** sharpness)
        if not shares:
            raise at(path, None, f"has no row but those of the family of {task.name}", _CURE)
        near.append(sum(shares) / len(shares))
    return tuple(near)


def _read(path: Path) -> tuple[list[str], list[tuple[str, list[float]]]]:
    """The names of the heads, and for each row the target and a loss for each head."""
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            lines = list(csv.reader(file))
    except (OSError, UnicodeDecodeError, csv.Error):
        raise at(path, None, "is no table that can be read", _CURE) from None
    if len(lines) < 2 or tuple(lines[0][: len(_BEFORE)]) != _BEFORE:
        raise at(path, 1, "is no map of tasks with rows", _CURE)
    rows = []
    for number, line in enumerate(lines[1:], 2):
        try:
            losses = [max(float(text), _LEAST) for text in line[len(_BEFORE) :]]
        except ValueError:
            raise at(path, number, "has a loss that is no number", _CURE) from None
        if len(line) != len(lines[0]) or not all(map(math.isfinite, losses)):
            raise at(path, number, "does not have a loss for each head", _CURE)
        rows.append((line[0], losses))
    return lines[0][len(_BEFORE) :], rows
