"""What a study is: the runs that a file ``benchmarks/studies/NAME.yaml`` declares.

::

    title: of the table
    about: what was measured, and what was cut short
    task: as `train --task` takes it; {data} stands for the folder of the corpora
    against: the row that the others are held against
    seeds: [0, 1, 2]
    lower: true                     # less of the figure is better
    digits: 3                       # behind the point; 2 by default
    settings: {train.epochs: 1}     # of every run, by dotted names
    rows:
      lstm: {set: {reader.lstm.kind: lstm}, about: in words, published: 98.9}
      ...: {set: {}, seeds: [0], group: ablation}
      crf: {peer: crf}                # no model of this package

A setting may have ``{data}`` too, and what else whoever runs the study has to give: ``{cove}``
stands for the folder of ``--given cove=FOLDER``. A row whose folder is not given is not run.

A study of several tasks has ``tasks`` in place of ``task``: the name that the table has for each,
and what ``--task`` takes, or groups of them. A row then has a run for each task, or with
``together: true`` one for all the tasks of a group; ``published`` has a figure a task.

A run is a row with a seed. What it was run with has a digest, so that a run is done anew when its
settings are changed, and not when others are.
"""

from __future__ import annotations

import hashlib
import json
import os
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from fewshot_metalstm.config import read_mapping
from fewshot_metalstm.data.locate import DATA_VARIABLE
from fewshot_metalstm.errors import UserError, at

FOLDER = Path(__file__).parent
_DATA = "{data}"
_PLACE = re.compile(r"\{(\w+)\}")
_KEYS = {
    "title", "about", "task", "tasks", "against", "seeds", "lower", "digits", "settings", "rows",
}  # fmt: skip
_ROW = {"set", "about", "published", "seeds", "group", "together", "peer"}
Tasks = tuple[tuple[str, str], ...]  # the table's name of a task, and what `--task` takes


@dataclass(frozen=True)
class Row:
    """A row of a study's table."""

    name: str
    about: str
    settings: Mapping[str, Any]  # of its runs, those of every run included
    seeds: tuple[int, ...]
    group: str  # of rows that are told in a table of their own; empty for the main one
    published: float | None
    by_task: Mapping[str, float]  # published figures of a study of several tasks
    together: bool  # whether the tasks of a group are trained jointly
    peer: str = ""  # of :mod:`benchmarks.studies.peers`, that learns in place of `train`


@dataclass(frozen=True)
class Run:
    """A row with a seed, on one task or on several jointly."""

    study: str
    row: Row
    seed: int
    tasks: Tasks

    @property
    def digest(self) -> str:
        """Of all that the run is told."""
        sources = [source for _, source in self.tasks]
        task = sources if len(sources) > 1 else sources[0]
        peer = [self.row.peer] if self.row.peer else []
        told = json.dumps([task, self.seed, dict(self.row.settings), *peer], sort_keys=True)
        return hashlib.sha256(told.encode()).hexdigest()[:12]

    @property
    def folder(self) -> str:
        """The name of the run's folder."""
        names = "".join(f"-{name}" for name, _ in self.tasks if name and len(self.tasks) == 1)
        return f"{self.row.name}{names}-{self.seed}-{self.digest}"

    @property
    def needs(self) -> tuple[str, ...]:
        """What has to be given for it, by name."""
        values = " ".join(text_of(value) for value in self.row.settings.values())
        return tuple(name for name in _PLACE.findall(values) if f"{{{name}}}" != _DATA)

    def arguments(self, folders: Mapping[str, str] | None = None) -> list[str]:
        """What `fewshot-metalstm` is given, but for where to write.

        Args:
            folders: those that it :attr:`needs`; what is not there stays as it was declared.
        """
        given = [f"--set={text}" for text in self.settings(folders)]
        named = [word for source in self.sources for word in ("--task", source)]
        return ["train", *named, "--seed", str(self.seed), *given]

    @property
    def sources(self) -> list[str]:
        """Its tasks, as ``--task`` takes them."""
        return [_found(source) for _, source in self.tasks]

    def settings(self, folders: Mapping[str, str] | None = None) -> list[str]:
        """Its settings, as ``--set`` takes them; ``folders`` as :meth:`arguments` has them."""
        given = []
        for setting, value in self.row.settings.items():
            text = _found(text_of(value))
            for name, folder in (folders or {}).items():
                text = text.replace(f"{{{name}}}", folder)
            given.append(f"{setting}={text}")
        return given

    @property
    def called(self) -> str:
        """The row, with the task where the row has one run a task, and the seed."""
        names = "+".join(name for name, _ in self.tasks if name)
        return f"{self.row.name}{f' on {names}' if names else ''}, seed {self.seed}"


@dataclass(frozen=True)
class Study:
    """A study as its file declares it."""

    name: str
    title: str
    about: str
    against: str
    rows: tuple[Row, ...]
    tasks: Tasks  # of a study of several, in the order of the table; else none
    runs: tuple[Run, ...]  # seed by seed, so that a study that is cut short has every row
    lower: bool = False
    digits: int = 2


def names() -> list[str]:
    """The studies that are declared."""
    return sorted(path.stem for path in FOLDER.glob("*.yaml"))


def opened(name: str, folder: Path) -> tuple[Path, dict[str, Any]]:
    """The file of the study of that name, and what it declares; a :class:`UserError` without it."""
    path = folder / f"{name}.yaml"
    if not path.is_file():
        raise UserError(f"there is no study {name!r}; there are {', '.join(names())}")
    return path, read_mapping(path)


def read(name: str, folder: Path = FOLDER) -> Study:
    """The study of that name.

    Raises:
        UserError: there is none, or its file is not as above.
    """
    path, tree = opened(name, folder)
    known(tree, _KEYS, path, "the study")
    groups = _groups(tree.get("tasks") or {})
    needed = ("title", "seeds", "rows") if groups else ("title", "task", "seeds", "rows")
    missing = [key for key in needed if not tree.get(key)]
    if missing:
        raise at(path, None, f"has no {missing[0]}", "add it")
    rows = []
    for called, each in tree["rows"].items():
        each = each or {}
        known(each, _ROW, path, f"row {called}")
        settings = {**(tree.get("settings") or {}), **(each.get("set") or {})}
        published = each.get("published")
        of_tasks = published if isinstance(published, Mapping) else {}
        rows.append(
            Row(
                str(called), str(each.get("about", called)), settings,
                tuple(each.get("seeds", tree["seeds"])), str(each.get("group", "")),
                None if of_tasks else published, of_tasks, bool(each.get("together", False)),
                str(each.get("peer", "")),
            )
        )  # fmt: skip
    against = str(tree.get("against", rows[0].name))
    if against not in {row.name for row in rows}:
        raise at(path, None, f"holds rows against {against}, which is none", "name a row")
    seeds = sorted({seed for row in rows for seed in row.seeds})
    one: tuple[Tasks, ...] = () if groups else ((("", str(tree["task"])),),)
    runs = tuple(
        Run(name, row, seed, tasks)
        for seed in seeds for row in rows if seed in row.seeds
        for tasks in (one or (groups if row.together else _singly(groups)))
    )  # fmt: skip
    every = tuple(task for tasks in groups for task in tasks)
    about = str(tree.get("about", ""))
    return Study(
        name, str(tree["title"]), about, against, tuple(rows), every, runs,
        bool(tree.get("lower", False)), int(tree.get("digits", 2)),
    )  # fmt: skip


def _groups(tree: Mapping[str, Any]) -> tuple[Tasks, ...]:
    """The groups of tasks that are trained jointly; one, where none are named."""
    if not tree:
        return ()
    inner = tree if any(isinstance(v, Mapping) for v in tree.values()) else {"": tree}
    return tuple(
        tuple((str(name), str(source)) for name, source in tasks.items())
        for tasks in inner.values()
    )


def _singly(groups: tuple[Tasks, ...]) -> tuple[Tasks, ...]:
    return tuple((task,) for tasks in groups for task in tasks)


def _found(source: str) -> str:
    """What an option takes, with the folder of the corpora in its place."""
    if _DATA not in source:
        return source
    folder = os.environ.get(DATA_VARIABLE)
    if not folder:
        raise UserError(f"set {DATA_VARIABLE} to the folder of the corpora for {source}")
    return source.replace(_DATA, folder)


def known(tree: Mapping[str, Any], keys: set[str], path: Path, what: str) -> None:
    """Refuse what a declaration has beside ``keys``: a :class:`UserError`."""
    unknown = sorted(set(tree) - keys)
    if unknown:
        raise at(path, None, f"{what} has {unknown[0]}", f"use {', '.join(sorted(keys))}")


def text_of(value: Any) -> str:
    """A value as ``--set`` reads it."""
    return value if isinstance(value, str) else json.dumps(value)
