"""What the folders of runs hold: training, adaptations, sweeps, and folders of these."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import yaml

from fewshot_metalstm.adapt.cell import CellResult
from fewshot_metalstm.adapt.report import labelled
from fewshot_metalstm.declarations import DEFAULT_KIND
from fewshot_metalstm.errors import UserError, at
from fewshot_metalstm.figure import Figure
from fewshot_metalstm.kinds import registry
from fewshot_metalstm.kinds.kind import Kind
from fewshot_metalstm.sweep.comparison import Found
from fewshot_metalstm.sweep.grid import Key
from fewshot_metalstm.sweep.store import FORMAT, read_result
from fewshot_metalstm.tracking.meta_training import joint_history, outer_history
from fewshot_metalstm.tracking.training import epochs

History = list[dict[str, float]]


@dataclass(frozen=True)
class Training:
    """A meta-training: its curves by step, and the learned inner rates if it learned some."""

    folder: Path
    suite: str
    algorithm: str
    outer: History
    joint: History
    rates: History
    synthetic: bool
    kind: Kind


@dataclass(frozen=True)
class Adaptation:
    """An adaptation: its target, and the model that it saved."""

    folder: Path
    target: str
    shots: int
    model: Path
    kind: Kind


@dataclass(frozen=True)
class Supervised:
    """A supervised training: its tasks, and its curves by epoch."""

    folder: Path
    tasks: str
    epochs: History
    synthetic: bool
    kind: Kind
    figure: Figure


@dataclass(frozen=True)
class Runs:
    """All that was found, in the order given."""

    folders: tuple[Path, ...] = ()
    trainings: tuple[Training, ...] = ()
    adaptations: tuple[Adaptation, ...] = ()
    cells: tuple[Found, ...] = ()
    notes: tuple[str, ...] = field(default=())
    supervised: tuple[Supervised, ...] = ()


def read_runs(folders: Sequence[Path]) -> Runs:
    """Read runs by what their folders hold; a folder of runs stands for the runs in it.

    Raises:
        UserError: a folder holds no run, or a file in it is damaged.
    """
    found = Runs()
    seen: set[Path] = set()
    for folder in folders:
        runs = [folder] if _kind(folder) else sorted(f for f in _below(folder) if _kind(f))
        if not runs:
            cure = "give a folder that meta-train, train, adapt, sweep or demo wrote"
            raise at(folder, None, "holds no run", cure)
        for run in runs:
            reader = _kind(run)
            if reader is not None and run.resolve() not in seen:
                seen.add(run.resolve())
                found = _joined(found, reader(run))
    return found


def _kind(folder: Path) -> Callable[[Path], Runs] | None:
    """How to read a folder, or None if it is no run."""
    if (folder / "cells").is_dir():
        return _read_sweep
    trained, reported = (folder / "history.jsonl").is_file(), (folder / "report.json").is_file()
    if trained and reported:
        return _read_supervised
    if trained:
        return _read_training
    return _read_adaptation if reported else None


def _below(folder: Path) -> list[Path]:
    return [path for path in folder.iterdir() if path.is_dir()] if folder.is_dir() else []


def _joined(a: Runs, b: Runs) -> Runs:
    return Runs(
        a.folders + b.folders, a.trainings + b.trainings, a.adaptations + b.adaptations,
        a.cells + b.cells, a.notes + b.notes, a.supervised + b.supervised,
    )  # fmt: skip


def _read_sweep(folder: Path) -> Runs:
    cells = []
    for path in sorted((folder / "cells").glob("*.json")):
        stored = _json(path)
        try:
            if stored["format"] != FORMAT:
                raise ValueError("another version wrote it")
            s, result = stored["settings"], stored["result"]
            key = Key(str(s["target"]), int(s["shots"]), str(s["method"]), int(s["draw"]))
            kind = registry.kind(str(s.get("kind", DEFAULT_KIND)))
            result = replace(read_result(result, kind), method=key.method)
            cells.append(Found(
                key, str(stored["checkpoint"]), result, str(folder), kind.synthetic(key.target),
                kind.name, kind.figure_in(stored["result"]["score"] or ()),
            ))  # fmt: skip
        except (LookupError, TypeError, ValueError) as problem:
            raise at(path, None, f"is no cell of a sweep of this version ({problem})",
                     "remove it") from None  # fmt: skip
    if not cells:
        raise at(folder, None, "is a sweep without a finished cell", "let the sweep go on")
    order = _methods(folder)
    cells.sort(key=lambda c: order.index(c.key.method) if c.key.method in order else len(order))
    return Runs((folder,), cells=tuple(cells))


def _methods(folder: Path) -> list[str]:
    """The methods in the order in which the sweep named them."""
    path = folder / "config.yaml"
    try:
        stored = yaml.safe_load(path.read_text(encoding="utf-8"))
        return [str(method).partition("=")[0].strip() for method in stored["methods"]]
    except (OSError, yaml.YAMLError, LookupError, TypeError):
        return []  # a sweep that was interrupted has none yet


def _read_adaptation(folder: Path) -> Runs:
    path = folder / "report.json"
    report = _json(path)
    try:
        target, shots = str(report["target"]), int(report["shots"])
        kind = registry.kind(str(report.get("kind", DEFAULT_KIND)))
        main = str(report["method"])
        methods = {main: report, **report["baselines"]}
        label = labelled(str(report["name"]), main) if "name" in report else ""
        cells = [
            Found(
                Key(target, shots, name, int(draw["draw"])), str(report["checkpoint"]),
                _result(name, draw, kind), str(folder), bool(report["synthetic"]), kind.name,
                kind.figure_in(draw), label if name == main else "",
            )
            for name, method in methods.items() for draw in method["draws"]
        ]  # fmt: skip
    except (LookupError, TypeError, ValueError, AttributeError) as problem:
        raise at(path, None, f"is no report of an adaptation ({problem!r})",
                 "give a folder that adapt wrote") from None  # fmt: skip
    notes: tuple[str, ...] = ()
    if not any(cell.result.losses for cell in cells):
        notes = (f"{folder} was written by an earlier version, which kept no losses",)
    model = folder / kind.product  # where it is now; the report says where it was written
    adaptation = Adaptation(folder, target, shots, model, kind)
    return Runs((folder,), (), (adaptation,), tuple(cells), notes)


def _read_supervised(folder: Path) -> Runs:
    path = folder / "report.json"
    report = _json(path)
    try:
        kind = registry.kind(str(report["kind"]))
        tasks: Mapping[str, Any] = report["tasks"]
        cells, models = [], []
        for name, task in tasks.items():
            model = Path(task["model"])
            # Where it is now; the report says where it was written.
            place = folder / model.parent.name if len(tasks) > 1 else folder
            models.append(Adaptation(folder, name, 0, place / model.name, kind))
            if "test" in task:
                result = CellResult(
                    "train", 0, kind.read_score(task["test"]), int(task["items"]), 0,
                    float(report["seconds"]),
                )  # fmt: skip
                cells.append(Found(
                    Key(name, 0, "train", 0), str(report["start"] or ""), result, str(folder),
                    bool(task["synthetic"]), kind.name, kind.figure_in(task["test"]),
                ))  # fmt: skip
        curves = epochs(folder)
        figure = kind.figure_for(kind.figure_in(t["test"]) for t in tasks.values() if "test" in t)
    except (LookupError, TypeError, ValueError, AttributeError) as problem:
        raise at(path, None, f"is no report of supervised training ({problem!r})",
                 "give a folder that train wrote") from None  # fmt: skip
    synthetic = any(task["synthetic"] for task in tasks.values())
    training = Supervised(folder, " + ".join(tasks), curves, synthetic, kind, figure)
    return Runs((folder,), (), tuple(models), tuple(cells), (), (training,))


def _read_training(folder: Path) -> Runs:
    try:
        config = yaml.safe_load((folder / "config.yaml").read_text(encoding="utf-8"))
        suite, algorithm = str(config["tasks"]), str(config["algorithm"])
        kind = _kind_of(suite)
        outer, joint = outer_history(folder, kind.figure), joint_history(folder)
        rates = _rates(folder)
    except (OSError, ValueError, LookupError, TypeError, yaml.YAMLError) as problem:
        raise at(folder, None, f"is no meta-training of this version ({problem!r})",
                 "give a folder that meta-train wrote") from None  # fmt: skip
    training = Training(folder, suite, algorithm, outer, joint, rates, suite == "demo", kind)
    return Runs((folder,), (training,))


def _rates(folder: Path) -> History:
    """The learned inner rates in ``history.jsonl``: by group, and by inner step where they have."""
    rows = []
    with (folder / "history.jsonl").open(encoding="utf-8") as file:
        for line in file:
            entry = json.loads(line)
            rates = {
                name.removeprefix("inner_lr/").replace("/", ", inner step "): float(value)
                for name, value in entry.items() if name.startswith("inner_lr/")
            }  # fmt: skip
            if rates:
                rows.append({"step": float(entry["step"]), **rates})
    return rows


def _kind_of(suite: str) -> Kind:
    """The kind of a suite's tasks; tagging, where the suite is not declared here."""
    try:
        return registry.of_suite(suite)
    except UserError:
        return registry.kind(DEFAULT_KIND)


def _result(method: str, stored: Mapping[str, Any], kind: Kind) -> CellResult:
    """A cell's result from a report of ``adapt``, which counts nothing over all groups."""
    figure = kind.figure_in(stored)
    score = None
    if stored[figure.key] is not None:
        groups = stored[f"per_{figure.group}"]
        counted = sum(int(each[figure.counted]) for each in groups.values())
        score = kind.read_score({**stored, figure.counted: counted})
    return CellResult(
        method, int(stored["draw"]), score, int(stored[f"support_{kind.items}"]),
        int(stored[f"support_{figure.counted}"]), float(stored["seconds"]),
        tuple(map(float, stored.get("losses", ()))),
    )  # fmt: skip


def _json(path: Path) -> Any:
    try:
        stored = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        raise at(path, None, "is damaged (not JSON)", "make it anew") from None
    if not isinstance(stored, dict):
        raise UserError(f"{path}: is damaged (no JSON object); make it anew")
    return stored
