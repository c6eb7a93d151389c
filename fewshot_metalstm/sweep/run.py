"""Running a sweep: plan all cells, leave out what is finished, do the rest, make the table."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import torch

from fewshot_metalstm.adapt.cell import Cell, CellResult
from fewshot_metalstm.adapt.plan import CHECKPOINT, algorithm_of, check_held_out
from fewshot_metalstm.adapt.report import checkpoint_place
from fewshot_metalstm.adapt.settings import SweepSettings
from fewshot_metalstm.adapt.work import Loaded, facts_of
from fewshot_metalstm.errors import UserError
from fewshot_metalstm.jobs.outcome import Failure, Runner, with_retries
from fewshot_metalstm.kinds import registry
from fewshot_metalstm.kinds.kind import Kind, Support, Task
from fewshot_metalstm.machine import keep_freed_memory, one_thread
from fewshot_metalstm.runs import model_folder, read_model_config
from fewshot_metalstm.sweep.grid import TRAIN, Entry, Key, distinct, entries, grid
from fewshot_metalstm.sweep.report import SweepReport, rows_of
from fewshot_metalstm.sweep.store import PlannedCell, SweepFolder, settings_of
from fewshot_metalstm.version import __version__


@dataclass(frozen=True)
class Plan:
    """Every cell of a sweep, and which of them are finished already.

    ``checkpoints`` are the folders by method, of those that need one.
    """

    kind: Kind
    checkpoints: Mapping[str, Path]
    targets: Mapping[str, Task]
    cells: tuple[PlannedCell, ...]
    finished: Mapping[Key, CellResult]
    notes: tuple[str, ...]

    def checkpoint(self, method: str) -> str:
        """The folder of a method's checkpoint, as text; empty for one that needs none."""
        return str(self.checkpoints.get(method, ""))

    @property
    def all_checkpoints(self) -> str:
        """All checkpoints in a line."""
        places = {method: checkpoint_place(path) for method, path in self.checkpoints.items()}
        folders = dict.fromkeys(places.values())
        if len(folders) <= 1:
            return "".join(folders)
        return ", ".join(f"{method}: {place}" for method, place in places.items())


@dataclass(frozen=True)
class CellSetup:
    """What a worker holds for all cells: the checkpoints by method, and the targets."""

    kind: str
    checkpoints: Mapping[str, Path]
    targets: Mapping[str, Task]
    device: str = "cpu"

    def __call__(self) -> Callable[[tuple[Key, Cell]], CellResult]:
        """The function returned does one cell; it loads each checkpoint once, when it is needed."""
        torch.set_num_threads(1)  # as `adapt` does, so that the figures are the same
        keep_freed_memory()
        kind = registry.kind(self.kind)
        known: dict[Path, Loaded] = {}

        def loaded(path: Path) -> Loaded:
            if path not in known:
                model = kind.load_model(path, CHECKPOINT)
                model.learner.to(self.device)
                known[path] = kind.loaded(model)
            return known[path]

        def work(job: tuple[Key, Cell]) -> CellResult:
            key, cell = job
            target = self.targets[key.target]
            return kind.do_cell(cell, target, lambda: loaded(self.checkpoints[key.method]))

        return work


def plan_sweep(
    checkpoint: Path | None, targets: Sequence[Task], config: SweepSettings, folder: SweepFolder
) -> Plan:
    """Draw all supports and look at what ``folder`` has.

    Args:
        checkpoint: of the method ``meta``, and whose sizes and word vectors ``scratch`` takes; by
            default those of the first checkpoint that a method names.

    Raises:
        UserError: an unknown method or setting, no shots, methods or draws, two targets of one
            name, a checkpoint that has seen a target, unlabelled text for a method without use for
            it, or a finished cell that comes from other settings.
    """
    config = distinct(config)
    kind = registry.kind(targets[0].kind)
    kind.check_tune(config.tune)
    by_name = {target.name: target for target in targets}
    if len(by_name) < len(targets):
        twice = [t.name for t in targets]
        name = next(n for n in twice if twice.count(n) > 1)
        raise UserError(f"--targets: two targets are called {name}; rename one of the folders")
    other = next((t for t in targets if t.kind != kind.name), None)
    if other is not None:
        raise UserError(
            f"--targets: {targets[0].name} is of the kind {kind.name}, {other.name} of "
            f"{other.kind}; sweep each kind by itself"
        )
    keys = grid(kind, config, tuple(by_name))
    methods = entries(kind, config.methods)
    checkpoints = _checkpoints(kind, methods, checkpoint)
    digests: dict[Path, dict[str, str]] = {}
    algorithms: dict[Path, str] = {}
    notes: list[str] = []
    for path in dict.fromkeys(checkpoints.values()):
        model = kind.load_model(path, CHECKPOINT)
        algorithms[path] = algorithm_of(model)
        digests[path] = read_model_config(path)["sha256"]
        several = f"{path}: " if len(set(checkpoints.values())) > 1 else ""
        notes += [several + note for t in targets for note in check_held_out(kind, model, t)]
    supports: dict[tuple[str, int], list[Support]] = {}
    for name, target in by_name.items():
        if not target.sizes.get("train"):
            raise UserError(f"{name} has no train split to draw a support from; add one")
        for shots in config.shots:
            drawn = [kind.support(target, shots, draw, config.seed) for draw in config.draws]
            supports[name, shots] = drawn
            notes += [
                f"{name}, {shots} shots, draw {draw}: {support.note}"
                for draw, support in zip(config.draws, drawn, strict=True) if support.note
            ]  # fmt: skip
        if "test" not in target.sizes:
            notes.append(f"{name} has no test split, so that nothing is scored")
    planned: dict[Key, PlannedCell] = {}
    baselines = kind.methods()
    for entry in methods:
        start = checkpoints.get(entry.name)
        fresh = entry.baseline or start is None
        settings = _settings(config, entry)
        # Once a method: these may be digests of a whole encoder.
        made_of = baselines[entry.name].files(settings) if start is None else digests[start]
        for (name, shots), drawn in supports.items():
            target = by_name[name]
            cells, more = kind.make_cells(
                [entry.name if fresh else algorithms[start]], target, settings, drawn,  # type: ignore[index]
                config.draws,
            )  # fmt: skip
            notes += [f"{name}: {note}" for note in more]
            for cell in cells:
                if entry.unlabelled and cell.called == cell.method:
                    raise UserError(
                        f"method {entry.name}: unlabelled text is for a model that is tuned, which "
                        f"tune {cell.tune} does not"
                    )
                key = Key(name, shots, entry.name, cell.draw)
                made_from = settings_of(key, cell, target, made_of, __version__)
                planned[key] = PlannedCell(key, cell, made_from)
    found = {key: folder.read(planned[key], kind) for key in keys}
    finished = {key: result for key, result in found.items() if result is not None}
    return Plan(
        kind, checkpoints, by_name, tuple(planned[key] for key in keys), finished,
        tuple(dict.fromkeys(notes)),
    )  # fmt: skip


def _settings(config: SweepSettings, entry: Entry) -> Any:
    """The sweep's settings, with those that a method says of itself."""
    own: dict[str, Any] = {} if entry.tune is None else {"tune": entry.tune}
    if entry.unlabelled:
        own["unlabelled"] = TRAIN
    if entry.teacher:
        own["teacher"] = entry.teacher
    return replace(config, **own)


def _checkpoints(kind: Kind, methods: Sequence[Entry], given: Path | None) -> dict[str, Path]:
    """The checkpoint of each method that needs one."""
    baselines = kind.methods()
    named = [entry.checkpoint for entry in methods if entry.checkpoint is not None]
    folders = {}
    for entry in methods:
        path = entry.checkpoint or given
        if entry.baseline:
            if not baselines[entry.name].checkpoint:
                continue
            path = given or next(iter(named), None)
        if path is None:
            raise UserError(f"method {entry.name} needs a checkpoint; name one with --checkpoint")
        folders[entry.name] = model_folder(path, CHECKPOINT)
    return folders


def run_sweep(
    plan: Plan,
    folder: SweepFolder,
    runner: Runner,
    *,
    retries: int,
    device: str = "cpu",
    on_cell: Callable[[Key, CellResult], None] | None = None,
    on_failure: Callable[[Key, Failure, bool], None] | None = None,
) -> SweepReport:
    """Do the cells that are not finished; every result is on disk before the next is taken.

    ``on_cell`` is called with every result of this run, ``on_failure`` with a failed cell and
    whether it will be tried again.
    """
    start = time.perf_counter()
    todo = [planned for planned in plan.cells if planned.key not in plan.finished]
    results = dict(plan.finished)
    failed: list[tuple[Key, Failure]] = []

    def again(number: int, failure: Failure) -> None:
        folder.write_failure(todo[number].key, failure)
        if on_failure is not None:
            on_failure(todo[number].key, failure, True)

    # Absolute, as a worker of Ray may be in another folder.
    folders = {method: path.resolve() for method, path in plan.checkpoints.items()}
    setup = CellSetup(plan.kind.name, folders, plan.targets, device)
    jobs = [(planned.key, planned.cell) for planned in todo]
    with one_thread():  # the setup may run in this process
        for outcome in with_retries(runner, setup, jobs, retries, again):
            planned = todo[outcome.number]
            if outcome.result is not None:
                folder.write(
                    planned, outcome.result, plan.checkpoint(planned.key.method), plan.kind,
                    plan.kind.figure_of(plan.targets[planned.key.target]),
                )  # fmt: skip
                results[planned.key] = outcome.result
                if on_cell is not None:
                    on_cell(planned.key, outcome.result)
            elif outcome.failure is not None:
                folder.write_failure(planned.key, outcome.failure)
                failed.append((planned.key, outcome.failure))
                if on_failure is not None:
                    on_failure(planned.key, outcome.failure, False)
    keys = [planned.key for planned in plan.cells]
    figure = plan.kind.figure_for(map(plan.kind.figure_of, plan.targets.values()))
    return SweepReport(
        rows_of(keys, results, figure), keys[0].method, len(keys), len(plan.finished),
        tuple(sorted(failed, key=lambda pair: keys.index(pair[0]))), plan.all_checkpoints,
        tuple(n for n, t in plan.targets.items() if t.synthetic),
        (*plan.notes, *facts_of(results[key] for key in keys if key in results)),
        time.perf_counter() - start,
        figure, {method: str(path) for method, path in plan.checkpoints.items()},
    )  # fmt: skip
