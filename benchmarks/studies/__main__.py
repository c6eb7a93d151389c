"""Run a study: ``python -m benchmarks.studies NAME... [--minutes N] [--dry]``; ``all`` for all.

What is missing is run, one run after another, each the command that a user would type, tracked by
MLflow; what was interrupted goes on. The table and its picture are written after every run, so
that they tell of what is there: ``benchmarks/results/studies/NAME.{csv,md,png}``. A run is missing
when neither the CSV nor the folder of runs has it with the settings that are declared.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from benchmarks.studies import few_shot_runs, table
from benchmarks.studies.declared import Run, Study, names, read
from benchmarks.studies.few_shot import is_few_shot
from benchmarks.studies.running import command, failure
from fewshot_metalstm.errors import UserError


def main(arguments: list[str]) -> int:
    """Parse arguments, run, write; the exit code: 2 for what a user can mend."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("studies", nargs="+", metavar="NAME", help=f"{', '.join(names())} or all")
    parser.add_argument("--runs", type=Path, default=Path("runs/studies"), help="where runs are")
    parser.add_argument("--minutes", type=float, default=float("inf"),
                        help="begin no run after so many")  # fmt: skip
    parser.add_argument("--rows", help="only these, with commas")
    parser.add_argument("--seeds", help="only these, with commas")
    parser.add_argument("--dry", action="store_true", help="say what would be run")
    given = parser.parse_args(arguments)
    try:
        chosen = names() if given.studies == ["all"] else given.studies
        end = time.monotonic() + 60 * given.minutes
        for name in chosen:
            if is_few_shot(name):
                rows = given.rows.split(",") if given.rows else None
                few_shot_runs.do(name, given.runs / name, end, rows=rows, dry=given.dry)
                continue
            study = read(name)
            missing = [
                run for run in study.runs
                if run.digest not in table.done(study.name)
                and (given.rows is None or run.row.name in given.rows.split(","))
                and (given.seeds is None or str(run.seed) in given.seeds.split(","))
            ]  # fmt: skip
            print(f"{name}: {len(missing)} of {len(study.runs)} runs to do", flush=True)
            _do(study, missing, given.runs / name, end, dry=given.dry)
    except UserError as problem:
        print(f"error: {problem}", file=sys.stderr)
        return 2
    return 0


def _do(study: Study, missing: list[Run], folder: Path, end: float, *, dry: bool) -> None:
    for number, run in enumerate(missing, 1):
        if dry:
            print("fewshot-metalstm " + " ".join(run.arguments()))
            continue
        if time.monotonic() > end:
            print(f"{study.name}: {len(missing) - number + 1} runs are left for another time")
            break
        print(f"{study.name} {number}/{len(missing)}: {run.called}", flush=True)
        table.add(study, run, result_of(run, folder / run.folder))
        table.write(study)
    if not dry:
        table.write(study)


def result_of(run: Run, folder: Path) -> Mapping[str, Any]:
    """What a run came to: its ``report.json``, or ``{"failed": why}``; run unless it is there."""
    report = folder / "report.json"
    if not report.is_file() and failure(folder) is None:
        resume = ["--resume"] if (folder / "config.yaml").is_file() else []
        command([*run.arguments(), *resume], folder)
    why = failure(folder)
    if why is not None:
        return {"failed": why}
    found: Mapping[str, Any] = json.loads(report.read_text(encoding="utf-8"))
    return found


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
