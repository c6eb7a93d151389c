"""A sweep under a tracking run: a parent, one child a cell, table and pictures.

Only the process that runs the sweep writes to the store; the workers hand it their results. A
sweep that goes on logs to the run that it began in, and only what that run does not have.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from fewshot_metalstm.adapt.cell import CellResult
from fewshot_metalstm.adapt.report import checkpoint_name
from fewshot_metalstm.adapt.settings import SweepSettings
from fewshot_metalstm.config import dump, flat
from fewshot_metalstm.errors import at
from fewshot_metalstm.jobs.outcome import Failure, Runner
from fewshot_metalstm.kinds.kind import Kind
from fewshot_metalstm.sweep.grid import Key
from fewshot_metalstm.sweep.report import SweepReport, shots_curves
from fewshot_metalstm.sweep.run import Plan, run_sweep
from fewshot_metalstm.sweep.store import SweepFolder
from fewshot_metalstm.tracking.adaptation import log_cell, target_datasets
from fewshot_metalstm.tracking.meta_training import EXPERIMENT
from fewshot_metalstm.tracking.pictures import shots_curve
from fewshot_metalstm.tracking.tracker import open_tracker
from fewshot_metalstm.writing import write_text


@dataclass(frozen=True)
class Logged:
    """What has been logged, and to which run: ``tracking.json`` in the sweep's folder."""

    run_id: str | None = None
    cells: tuple[str, ...] = ()

    @classmethod
    def read(cls, path: Path) -> Logged:
        """What ``path`` says, or nothing where it is absent."""
        try:
            stored = json.loads(path.read_text(encoding="utf-8"))
            return cls(str(stored["run_id"]), tuple(map(str, stored["cells"])))
        except FileNotFoundError:
            return cls()
        except (ValueError, LookupError, TypeError):
            raise at(path, None, "is damaged", "remove it; the cells are logged anew") from None

    def write(self, path: Path) -> None:
        """Write ``path``, whole or not at all."""
        write_text(json.dumps({"run_id": self.run_id, "cells": self.cells}) + "\n", path)


def tracked_sweep(
    plan: Plan,
    config: SweepSettings,
    folder: SweepFolder,
    runner: Runner,
    *,
    retries: int,
    device: str,
    on_cell: Callable[[Key, CellResult], None],
    on_failure: Callable[[Key, Failure, bool], None],
    uri: str | None,
    enabled: bool = True,
) -> SweepReport:
    """Run :func:`~fewshot_metalstm.sweep.run.run_sweep`, log it and write its report."""
    tracker = open_tracker(uri, EXPERIMENT, enabled)
    record = folder.folder / "tracking.json"
    logged = Logged.read(record) if enabled else Logged()
    with tracker.run(
        f"sweep {folder.folder.name}",
        params={"checkpoint": plan.all_checkpoints, **flat(config)},
        tags={"kind": "sweep", "task_kind": plan.kind.name},
        datasets=[
            d for target in plan.targets.values() for d in target_datasets(target, plan.kind)
        ],
        resume_id=logged.run_id,
        folder=folder.folder,
    ) as run:
        if run.id != logged.run_id:  # new, or the store does not know the old one
            logged = Logged(run.id)

        def log(key: Key, result: CellResult) -> None:
            nonlocal logged
            if run.id is None or key.name in logged.cells:
                return
            folder_of = plan.checkpoint(key.method)
            baseline = key.method in plan.kind.methods()
            how = (
                key.method if baseline else f"{key.method}, from {checkpoint_name(Path(folder_of))}"
            )
            figure = plan.kind.figure_of(plan.targets[key.target])
            log_cell(
                run, plan.kind, key.target, key.shots, key.method, result, folder_of, how, figure
            )
            logged = Logged(run.id, (*logged.cells, key.name))
            logged.write(record)

        def finished(key: Key, result: CellResult) -> None:
            log(key, result)
            on_cell(key, result)

        for key, result in plan.finished.items():
            log(key, result)
        report = run_sweep(
            plan, folder, runner, retries=retries, device=device, on_cell=finished,
            on_failure=on_failure,
        )  # fmt: skip
        write_text(dump(config), folder.folder / "config.yaml")
        write_text(json.dumps(report.as_dict(), indent=2) + "\n", folder.folder / "report.json")
        write_text(report.markdown(), folder.folder / "report.md")
        run.metrics({"cells": float(report.cells), "failed_cells": float(len(report.failed))})
        for path in (*(folder.folder / n for n in ("config.yaml", "report.json", "report.md")),
                     *_pictures(report, folder.folder, plan.kind)):  # fmt: skip
            run.artifact(path)
    return report


def _pictures(report: SweepReport, folder: Path, kind: Kind) -> list[Path]:
    """The figure against shots, one picture a target that has a score."""
    paths = []
    for target, curves in shots_curves(report.rows).items():
        name = f"shots-{target}.png".replace("/", "_")
        title = f"Few-shot {report.figure.label} on {target}"
        paths.append(shots_curve(
            curves, folder / name, title=title, synthetic=target in report.synthetic,
            xlabel=f"shots ({kind.shots})", ylabel=report.figure.axis,
        ))  # fmt: skip
    return paths
