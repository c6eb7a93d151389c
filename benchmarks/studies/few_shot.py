"""Studies of few-shot learning: checkpoints that are meta-trained, and rows adapted from them.

::

    title: of the table
    about: what was measured, and what was cut short
    figure: mase                    # as a sweep's cells have it
    lower: true                     # less of it is better
    digits: 3                       # behind the point; 2 by default
    against: the row that the others are held against
    shots: [10, 14]
    draws: 0-4
    seeds: [0, 1, 2]                # of meta-training; 0 by default
    folds:                          # targets, and the suite that they are held out of
      fold-0: {suite: load-fold-0, targets: [load-AEP]}
      # with the checkpoints of another fold; draws of its own
      far: {of: fold-0, targets: [load-ETTh1], draws: 0-1}
    checkpoints:                    # of every suite
      joint: {set: {algorithm: joint}}
      fomaml: {start: joint, set: {algorithm: fomaml}}
    rows:
      joint: {checkpoint: joint, about: in words, set: {adapt.lr: 0.001}}
      scratch: {checkpoint: joint, method: scratch, shots: [14], draws: 0-1}

A row may have ``tune``, as `sweep` has it. A run is a row on a fold with a seed of meta-training:
one `sweep`, over its targets, shots and draws. What it was run with has a
digest, that of its checkpoint included.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from benchmarks.studies.declared import FOLDER, known, opened, text_of
from fewshot_metalstm.config import read_mapping
from fewshot_metalstm.errors import at
from fewshot_metalstm.sweep.grid import numbers

_KEYS = {
    "title", "about", "figure", "lower", "digits", "against", "shots", "draws", "folds",
    "checkpoints", "settings", "rows", "seeds",
}  # fmt: skip
_FOLD = {"suite", "of", "targets", "draws"}
_CHECKPOINT = {"start", "set"}
_ROW = {"checkpoint", "method", "about", "set", "shots", "draws", "folds", "tune", "seeds"}


@dataclass(frozen=True)
class Checkpoint:
    """What `meta-train` makes of a suite."""

    name: str
    suite: str
    settings: Mapping[str, Any]
    start: Checkpoint | None
    seed: int = 0

    @property
    def digest(self) -> str:
        """Of all that it is trained with."""
        start = self.start.digest if self.start else ""
        return _digest([self.suite, dict(self.settings), start, *_seed(self.seed)])

    @property
    def folder(self) -> str:
        """The name of its run's folder."""
        return f"checkpoint-{self.suite}-{self.name}-{self.digest}"

    def arguments(self, runs: Path) -> list[str]:
        """What `fewshot-metalstm` is given, but for where to write."""
        given = [f"--set={name}={text_of(value)}" for name, value in self.settings.items()]
        start = ["--start", str(runs / self.start.folder)] if self.start else []
        seed = ["--seed", str(self.seed)] if self.seed else []
        return ["meta-train", "--tasks", self.suite, *start, *seed, *given]


@dataclass(frozen=True)
class Fold:
    """Some targets, and the suite that they are held out of."""

    name: str
    suite: str
    targets: tuple[str, ...]
    own: bool  # whether the suite's checkpoints are trained for it
    draws: str  # in place of the rows', where it has some


@dataclass(frozen=True)
class Row:
    """A way of learning from a support."""

    name: str
    about: str
    method: str  # of `sweep`, where it is not the checkpoint that is adapted
    tune: str  # of what is adapted, where it is not as usual
    settings: Mapping[str, Any]
    shots: tuple[int, ...]
    draws: str


@dataclass(frozen=True)
class Run:
    """A row on a fold."""

    row: Row
    fold: Fold
    checkpoint: Checkpoint | None
    seed: int = 0  # of its checkpoint; supports are frozen

    @property
    def draws(self) -> str:
        """Which supports."""
        return self.fold.draws or self.row.draws

    @property
    def digest(self) -> str:
        """Of all that the run is told, and of its checkpoint."""
        row = self.row
        told = [
            list(self.fold.targets), list(row.shots), self.draws, row.method, dict(row.settings),
            self.checkpoint.digest if self.checkpoint else "", *_seed(self.seed),
        ]  # fmt: skip
        return _digest([*told, row.tune] if row.tune else told)

    @property
    def folder(self) -> str:
        """The name of its folder."""
        return f"{self.fold.name}-{self.row.name}-{self.digest}"

    @property
    def called(self) -> str:
        """The row and the fold, and the seed where it is not 0."""
        return f"{self.row.name} on {self.fold.name}{f', seed {self.seed}' if self.seed else ''}"

    def arguments(self, runs: Path) -> list[str]:
        """What `fewshot-metalstm` is given, but for where to write."""
        row, made = self.row, self.checkpoint
        given = ["--targets", ",".join(self.fold.targets), "--draws", self.draws]
        given += ["--shots", ",".join(map(str, row.shots))]
        if row.method:
            given += ["--methods", row.method]
            given += ["--checkpoint", str(runs / made.folder)] if made else []
        elif made:
            tune = f":tune={row.tune}" if row.tune else ""
            given += ["--methods", f"{row.name}={runs / made.folder}{tune}"]
        settings = [f"--set={name}={text_of(value)}" for name, value in row.settings.items()]
        return ["sweep", *given, *settings]


@dataclass(frozen=True)
class FewShotStudy:
    """A study as its file declares it."""

    name: str
    title: str
    about: str
    figure: str
    lower: bool
    digits: int
    against: str
    shots: tuple[int, ...]
    folds: tuple[Fold, ...]
    rows: tuple[Row, ...]
    runs: tuple[Run, ...]


def is_few_shot(name: str, folder: Path = FOLDER) -> bool:
    """Whether a study is one of these: it has folds."""
    path = folder / f"{name}.yaml"
    return path.is_file() and "folds" in read_mapping(path)


def read(name: str, folder: Path = FOLDER) -> FewShotStudy:
    """The study of that name.

    Raises:
        UserError: there is none, or its file is not as above.
    """
    path, tree = opened(name, folder)
    known(tree, _KEYS, path, "the study")
    for key in ("title", "figure", "against", "shots", "draws", "folds", "rows"):
        if not tree.get(key):
            raise at(path, None, f"has no {key}", "add it")
    folds = _folds(tree["folds"], path)
    declared = tree.get("checkpoints") or {}
    for called, each in declared.items():
        known(each or {}, _CHECKPOINT, path, f"checkpoint {called}")
    shared = dict(tree.get("settings") or {})
    seeds = tuple(tree.get("seeds", (0,)))
    rows, runs = [], []
    for called, each in tree["rows"].items():
        each = each or {}
        known(each, _ROW, path, f"row {called}")
        row = Row(
            str(called), str(each.get("about", called)), str(each.get("method", "")),
            str(each.get("tune", "")), {**shared, **(each.get("set") or {})},
            tuple(each.get("shots", tree["shots"])), str(each.get("draws", tree["draws"])),
        )  # fmt: skip
        numbers(row.draws, "draws")
        wanted = each.get("checkpoint")
        if not wanted and not row.method:
            raise at(path, None, f"row {called} has neither a checkpoint nor a method", "add one")
        rows.append(row)
        for seed in each.get("seeds", seeds):
            for fold in folds:
                if fold.name in each.get("folds", [one.name for one in folds]):
                    made = None
                    if wanted:
                        made = _checkpoint(str(wanted), declared, fold.suite, seed, path)
                    runs.append(Run(row, fold, made, seed))
    against = str(tree["against"])
    if against not in {row.name for row in rows}:
        raise at(path, None, f"holds rows against {against}, which is none", "name a row")
    order = {fold.name: place for place, fold in enumerate(folds)}
    return FewShotStudy(
        name, str(tree["title"]), str(tree.get("about", "")), str(tree["figure"]),
        bool(tree.get("lower", False)), int(tree.get("digits", 2)), against,
        tuple(tree["shots"]), folds, tuple(rows),
        tuple(sorted(runs, key=lambda run: (run.seed, order[run.fold.name]))),
    )  # fmt: skip


def _folds(tree: Mapping[str, Any], path: Path) -> tuple[Fold, ...]:
    found: dict[str, Fold] = {}
    for name, each in tree.items():
        known(each, _FOLD, path, f"fold {name}")
        other = each.get("of")
        if other is not None and other not in found:
            raise at(path, None, f"fold {name} is of {other}, which is none above it", "name one")
        suite = each["suite"] if other is None else found[other].suite
        draws = str(each.get("draws", ""))
        found[str(name)] = Fold(
            str(name), str(suite), tuple(each["targets"]), other is None, draws
        )  # fmt: skip
    return tuple(found.values())


def _checkpoint(
    name: str, declared: Mapping[str, Any], suite: str, seed: int, path: Path, *,
    after: tuple[str, ...] = (),
) -> Checkpoint:  # fmt: skip
    if name not in declared or name in after:
        raise at(path, None, f"has no checkpoint {name} to begin with", "declare it")
    each = declared[name] or {}
    start = each.get("start")
    made = None
    if start:
        made = _checkpoint(start, declared, suite, seed, path, after=(*after, name))
    return Checkpoint(name, suite, dict(each.get("set") or {}), made, seed)


def _seed(seed: int) -> list[int]:
    """What a seed adds to what is told: nothing, where it is 0."""
    return [seed] if seed else []


def _digest(told: object) -> str:
    return hashlib.sha256(json.dumps(told, sort_keys=True).encode()).hexdigest()[:12]
