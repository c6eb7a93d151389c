"""Running a sweep: plan all cells, leave out what is finished, do the rest, make the table."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import torch

from fewshot_metalstm import __version__
from fewshot_metalstm.adapt.cell import Cell, CellResult
from fewshot_metalstm.adapt.methods import Held, algorithm_of, do_cell, make_cell, method_of
from fewshot_metalstm.adapt.target import check_held_out
from fewshot_metalstm.errors import UserError
from fewshot_metalstm.jobs.outcome import Failure, Runner, with_retries
from fewshot_metalstm.kinds.tagging.adapt.baselines import told_of
from fewshot_metalstm.kinds.tagging.adapt.self_training import (
    NO_TEXT,
    TRAIN,
    Unlabelled,
    check_self_training,
    no_use,
    unlabelled_of,
)
from fewshot_metalstm.kinds.tagging.adapt.tuning import tune_for
from fewshot_metalstm.kinds.tagging.episodes.draws import load_draw
from fewshot_metalstm.kinds.tagging.episodes.task import Task
from fewshot_metalstm.kinds.tagging.tagger.model import CHECKPOINT, load_model, read_config
from fewshot_metalstm.machine import keep_freed_memory
from fewshot_metalstm.runs import model_folder
from fewshot_metalstm.sweep.grid import Entry, Key, SweepConfig, entries, grid
from fewshot_metalstm.sweep.report import SweepReport, rows_of
from fewshot_metalstm.sweep.store import PlannedCell, SweepFolder, settings_of


@dataclass(frozen=True)
class Plan:
    """Every cell of a sweep, and which of them are finished already.

    ``checkpoints`` are the folders by method, of those that need one.
    """

    checkpoints: Mapping[str, Path]
    targets: Mapping[str, Task]
    cells: tuple[PlannedCell, ...]
    finished: Mapping[Key, CellResult]
    notes: tuple[str, ...]

    def checkpoint(self, method: str) -> str:
        """The folder of a method's checkpoint, as text; empty for one that needs none."""
        return str(self.checkpoints.get(method, ""))

    @property
    def told(self) -> str:
        """All checkpoints in a line."""
        folders = dict.fromkeys(map(str, self.checkpoints.values()))
        if len(folders) <= 1:
            return "".join(folders)
        return ", ".join(f"{method}: {path}" for method, path in self.checkpoints.items())


@dataclass(frozen=True)
class CellSetup:
    """What a worker holds for all cells: the checkpoints by method, and the targets."""

    checkpoints: Mapping[str, Path]
    targets: Mapping[str, Task]
    device: str = "cpu"

    def __call__(self) -> Callable[[tuple[Key, Cell]], CellResult]:
        """The function returned does one cell; it loads each checkpoint once, when it is needed."""
        torch.set_num_threads(1)  # as `adapt` does, so that the figures are the same
        keep_freed_memory()
        loaded: dict[Path, Held] = {}

        def held(path: Path) -> Held:
            if path not in loaded:
                model = load_model(path, CHECKPOINT)
                model.learner.to(self.device)
                loaded[path] = Held(model, model.table())
            return loaded[path]

        def work(job: tuple[Key, Cell]) -> CellResult:
            key, cell = job
            return do_cell(
                cell, self.targets[key.target], lambda: held(self.checkpoints[key.method])
            )

        return work


def plan_sweep(
    checkpoint: Path | None, targets: Sequence[Task], config: SweepConfig, folder: SweepFolder
) -> Plan:
    """Draw all supports and look at what ``folder`` has.

    Args:
        checkpoint: of the method ``meta``, and whose sizes and word vectors ``scratch`` takes; by
            default those of the first checkpoint that a method names.

    Raises:
        UserError: an unknown method or setting, two targets of one name, a checkpoint that has
            seen a target, unlabelled text for a method without use for it, or a finished cell
            that comes from other settings.
    """
    tune_for(config.tune, "")
    by_name = {target.name: target for target in targets}
    if len(by_name) < len(targets):
        twice = [t.name for t in targets]
        name = next(n for n in twice if twice.count(n) > 1)
        raise UserError(f"--targets: two targets are called {name}; rename one of the folders")
    keys = grid(config, tuple(by_name))
    methods = entries(config.methods)
    named = {entry.name: entry for entry in methods}
    checkpoints = _checkpoints(methods, checkpoint)
    digests: dict[Path, dict[str, str]] = {}
    algorithms: dict[Path, str] = {}
    notes: list[str] = []
    for path in dict.fromkeys(checkpoints.values()):
        model = load_model(path, CHECKPOINT)
        algorithms[path] = algorithm_of(model)
        digests[path] = read_config(path, CHECKPOINT)["sha256"]
        several = f"{path}: " if len(set(checkpoints.values())) > 1 else ""
        notes += [several + note for target in targets for note in check_held_out(model, target)]
    supports: dict[tuple[str, int, int], tuple[int, ...]] = {}
    for name, target in by_name.items():
        for shots in config.shots:
            for draw in config.draws:
                support, note = _support(target, shots, draw, config.seed)
                supports[name, shots, draw] = support
                notes += [f"{name}, {shots} shots, draw {draw}: {note}"] if note else []
        if "test" not in target.corpus.splits:
            notes.append(f"{name} has no test split, so that nothing is scored")
    texts = _texts(methods, by_name, config)
    notes += [f"{name}: {note}" for name, text in texts.items() for note in text.notes]
    cells = []
    for key in keys:
        start = checkpoints.get(key.method)
        baseline = start is None or Entry(key.method).baseline
        name = key.method if baseline or start is None else algorithms[start]
        settings = replace(config, tune=named[key.method].tune or config.tune)
        support = supports[key.target, key.shots, key.draw]
        source = texts[key.target] if named[key.method].unlabelled else NO_TEXT
        text = source.for_support(
            by_name[key.target], support, config.self_training, config.seed, key.draw
        )
        cell = make_cell(
            name, settings, key.draw, support, unlabelled=text, again=config.self_training
        )
        if text and not cell.unlabelled:
            raise UserError(f"method {key.method}: {no_use(cell.tune)}")
        made_of = method_of(name).files(settings) if start is None else digests[start]
        made_from = settings_of(key, cell, by_name[key.target], made_of, __version__)
        cells.append(PlannedCell(key, cell, made_from))
    found = {planned.key: folder.read(planned) for planned in cells}
    finished = {key: result for key, result in found.items() if result is not None}
    return Plan(checkpoints, by_name, tuple(cells), finished, tuple(notes))


def _checkpoints(methods: Sequence[Entry], given: Path | None) -> dict[str, Path]:
    """The checkpoint of each method that needs one."""
    named = [entry.checkpoint for entry in methods if entry.checkpoint is not None]
    folders = {}
    for entry in methods:
        path = entry.checkpoint or given
        if entry.baseline:
            if not method_of(entry.name).checkpoint:
                continue
            path = given or next(iter(named), None)
        if path is None:
            raise UserError(f"method {entry.name} needs a checkpoint; name one with --checkpoint")
        folders[entry.name] = model_folder(path, "checkpoint")
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
    setup = CellSetup(folders, plan.targets, device)
    jobs = [(planned.key, planned.cell) for planned in todo]
    threads = torch.get_num_threads()
    try:
        for outcome in with_retries(runner, setup, jobs, retries, again):
            planned = todo[outcome.number]
            if outcome.result is not None:
                folder.write(planned, outcome.result, plan.checkpoint(planned.key.method))
                results[planned.key] = outcome.result
                if on_cell is not None:
                    on_cell(planned.key, outcome.result)
            elif outcome.failure is not None:
                folder.write_failure(planned.key, outcome.failure)
                failed.append((planned.key, outcome.failure))
                if on_failure is not None:
                    on_failure(planned.key, outcome.failure, False)
    finally:
        torch.set_num_threads(threads)  # the setup may have run in this process
    keys = [planned.key for planned in plan.cells]
    return SweepReport(
        rows_of(keys, results), keys[0].method, len(keys), len(plan.finished),
        tuple(sorted(failed, key=lambda pair: keys.index(pair[0]))), plan.told,
        tuple(n for n, t in plan.targets.items() if t.corpus.synthetic),
        (*plan.notes, *told_of(results[key] for key in keys if key in results)),
        time.perf_counter() - start,
        {method: str(path) for method, path in plan.checkpoints.items()},
    )  # fmt: skip


def _support(target: Task, shots: int, draw: int, seed: int) -> tuple[tuple[int, ...], str | None]:
    if shots == 0:
        train = target.corpus.splits.get("train")
        if not train:
            raise UserError(f"{target.name} has no train split to draw a support from; add one")
        return tuple(range(len(train))), None
    support = load_draw(target, shots, draw, seed=seed)
    return support.indices, support.shortfall


def _texts(
    methods: Sequence[Entry], targets: Mapping[str, Task], config: SweepConfig
) -> dict[str, Unlabelled]:
    """The text of every target's train split, where a method asks for it."""
    if not any(entry.unlabelled for entry in methods):
        return {}
    check_self_training(config.self_training)
    return {name: unlabelled_of(target, TRAIN) for name, target in targets.items()}
