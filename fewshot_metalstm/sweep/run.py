"""Running a sweep: plan all cells, leave out what is finished, do the rest, make the table."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import torch

from fewshot_metalstm import __version__
from fewshot_metalstm.adapt.cell import SCRATCH, TUNE, Cell, CellResult, run_cell
from fewshot_metalstm.adapt.target import check_held_out
from fewshot_metalstm.episodes.draws import load_draw
from fewshot_metalstm.episodes.task import Task
from fewshot_metalstm.errors import UserError
from fewshot_metalstm.jobs.outcome import Failure, Runner, with_retries
from fewshot_metalstm.machine import keep_freed_memory
from fewshot_metalstm.sweep.grid import Key, SweepConfig, grid
from fewshot_metalstm.sweep.report import SweepReport, rows_of
from fewshot_metalstm.sweep.store import PlannedCell, SweepFolder, settings_of
from fewshot_metalstm.tagging.model import CHECKPOINT, TaggerModel, load_model, read_config


@dataclass(frozen=True)
class Plan:
    """Every cell of a sweep, and which of them are finished already."""

    checkpoint: Path
    targets: Mapping[str, Task]
    cells: tuple[PlannedCell, ...]
    finished: Mapping[Key, CellResult]
    notes: tuple[str, ...]


@dataclass(frozen=True)
class CellSetup:
    """What a worker holds for all cells: the checkpoint and the targets."""

    checkpoint: Path
    targets: Mapping[str, Task]
    device: str = "cpu"

    def __call__(self) -> Callable[[tuple[str, Cell]], CellResult]:
        """Load the checkpoint; the function returned does one cell of a target."""
        torch.set_num_threads(1)  # as `adapt` does, so that the figures are the same
        keep_freed_memory()
        model = load_model(self.checkpoint, CHECKPOINT)
        model.learner.to(self.device)
        table = model.table()

        def work(job: tuple[str, Cell]) -> CellResult:
            target, cell = job
            return run_cell(cell, model, self.targets[target], table)

        return work


def plan_sweep(
    checkpoint: Path, targets: Sequence[Task], config: SweepConfig, folder: SweepFolder
) -> Plan:
    """Draw all supports and look at what ``folder`` has.

    Raises:
        UserError: an unknown method or setting, two targets of one name, a checkpoint that has
            seen a target, or a finished cell that comes from other settings.
    """
    if config.tune not in TUNE:
        raise UserError(f"tune {config.tune!r} is unknown; use {', '.join(TUNE)}")
    by_name = {target.name: target for target in targets}
    if len(by_name) < len(targets):
        twice = [t.name for t in targets]
        name = next(n for n in twice if twice.count(n) > 1)
        raise UserError(f"--targets: two targets are called {name}; rename one of the folders")
    keys = grid(config, tuple(by_name))
    model = load_model(checkpoint, CHECKPOINT)
    notes = [note for target in targets for note in check_held_out(model, target)]
    digests = read_config(checkpoint, CHECKPOINT)["sha256"]
    supports: dict[tuple[str, int, int], tuple[int, ...]] = {}
    for name, target in by_name.items():
        for shots in config.shots:
            for draw in config.draws:
                support, note = _support(target, shots, draw, config.seed)
                supports[name, shots, draw] = support
                notes += [f"{name}, {shots} shots, draw {draw}: {note}"] if note else []
        if "test" not in target.corpus.splits:
            notes.append(f"{name} has no test split, so that nothing is scored")
    cells = []
    for key in keys:
        cell = _cell(key, config, supports[key.target, key.shots, key.draw], model)
        settings = settings_of(key, cell, by_name[key.target], digests, __version__)
        cells.append(PlannedCell(key, cell, settings))
    found = {planned.key: folder.read(planned) for planned in cells}
    finished = {key: result for key, result in found.items() if result is not None}
    return Plan(checkpoint, by_name, tuple(cells), finished, tuple(notes))


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
    setup = CellSetup(plan.checkpoint.resolve(), plan.targets, device)
    jobs = [(planned.key.target, planned.cell) for planned in todo]
    threads = torch.get_num_threads()
    try:
        for outcome in with_retries(runner, setup, jobs, retries, again):
            planned = todo[outcome.number]
            if outcome.result is not None:
                folder.write(planned, outcome.result, plan.checkpoint)
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
        tuple(sorted(failed, key=lambda pair: keys.index(pair[0]))), str(plan.checkpoint),
        tuple(n for n, t in plan.targets.items() if t.corpus.synthetic), plan.notes,
        time.perf_counter() - start,
    )  # fmt: skip


def _support(target: Task, shots: int, draw: int, seed: int) -> tuple[tuple[int, ...], str | None]:
    if shots == 0:
        train = target.corpus.splits.get("train")
        if not train:
            raise UserError(f"{target.name} has no train split to draw a support from; add one")
        return tuple(range(len(train))), None
    support = load_draw(target, shots, draw, seed=seed)
    return support.indices, support.shortfall


def _cell(key: Key, config: SweepConfig, support: tuple[int, ...], model: TaggerModel) -> Cell:
    """The cell that ``adapt`` would do for this place of the grid."""
    if key.method == SCRATCH:
        return Cell(SCRATCH, key.draw, config.seed, support, "all", config.scratch)
    algorithm = str(model.about.get("algorithm", "meta"))
    return Cell(algorithm, key.draw, config.seed, support, config.tune, config.adapt)
