"""Run a study: ``python -m benchmarks.studies NAME... [--minutes N] [--dry]``; ``all`` for all.

What is missing is run, one run after another, each the command that a user would type, tracked by
MLflow; what was interrupted goes on. The table and its picture are written after every run, so
that they tell of what is there: ``benchmarks/results/studies/NAME.{csv,md,png}``; at the end
docs/studies.md has the tables, too. A run is missing
when neither the CSV nor the folder of runs has it with the settings that are declared.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from benchmarks.studies import compression, few_shot_runs, page, peers, table
from benchmarks.studies.declared import Run, Study, names, read
from benchmarks.studies.few_shot import is_few_shot
from benchmarks.studies.kept import done
from benchmarks.studies.running import command, failure, in_time, resumed
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
    parser.add_argument("--given", action="append", default=[], metavar="NAME=FOLDER",
                        help="what rows need that no study has, such as an encoder")  # fmt: skip
    parser.add_argument("--dry", action="store_true", help="say what would be run")
    given = parser.parse_args(arguments)
    try:
        chosen = names() if given.studies == ["all"] else given.studies
        folders = _folders(given.given)
        end = time.monotonic() + 60 * given.minutes
        for name in chosen:
            rows = given.rows.split(",") if given.rows else None
            if is_few_shot(name):
                few_shot_runs.do(name, given.runs / name, end, rows=rows, dry=given.dry)
                continue
            if compression.is_compression(name):
                compression.do(name, given.runs, end, rows=rows, dry=given.dry)
                continue
            study = read(name)
            missing = [
                run for run in study.runs
                if run.digest not in done(study.name)
                and (rows is None or run.row.name in rows)
                and (given.seeds is None or str(run.seed) in given.seeds.split(","))
            ]  # fmt: skip
            print(f"{name}: {len(missing)} of {len(study.runs)} runs to do", flush=True)
            missing = _possible(missing, folders)
            _do(study, missing, given.runs / name, end, folders, dry=given.dry)
        if not given.dry:
            page.write()
    except UserError as problem:
        print(f"error: {problem}", file=sys.stderr)
        return 2
    return 0


def _folders(given: Sequence[str]) -> dict[str, str]:
    """Folders by their names, as ``--given`` has them; absolute, as a tagger remembers them."""
    folders = {}
    for each in given:
        name, equals, folder = each.partition("=")
        if not equals or not folder:
            raise UserError(f"--given {each} is not NAME=FOLDER; say which folder")
        if not Path(folder).is_dir():
            raise UserError(f"--given {each}: there is no such folder; mend it")
        folders[name] = str(Path(folder).absolute())
    return folders


def _possible(missing: Sequence[Run], folders: Mapping[str, str]) -> list[Run]:
    """The runs for which all is given; what the others need is said, once for each row."""
    lacks = {run.row.name: [n for n in run.needs if n not in folders] for run in missing}
    for row, lacking in lacks.items():
        for name in lacking:
            print(f"row {row} is not run: it needs --given {name}=FOLDER", flush=True)
    return [run for run in missing if not lacks[run.row.name]]


def _do(
    study: Study, missing: list[Run], folder: Path, end: float, folders: Mapping[str, str], *,
    dry: bool,
) -> None:  # fmt: skip
    if dry:
        for run in missing:
            print(_typed(run, folders))
        return
    for run in in_time(study.name, missing, end):
        table.add(study, run, result_of(run, folder / run.folder, folders))
        table.write(study)
    table.write(study)


def _typed(run: Run, folders: Mapping[str, str]) -> str:
    """A run as it could be typed."""
    program = f"peer {run.row.peer}:" if run.row.peer else "fewshot-metalstm"
    return f"{program} {' '.join(run.arguments(folders))}"


def result_of(
    run: Run, folder: Path, folders: Mapping[str, str] | None = None
) -> Mapping[str, Any]:
    """What a run came to: its ``report.json``, or ``{"failed": why}``; run unless it is there."""
    report = folder / "report.json"
    if run.row.peer and not report.is_file():
        peers.run(run.row.peer, run.sources, run.settings(folders), run.seed, folder)
    elif not report.is_file() and failure(folder) is None:
        command([*run.arguments(folders), *resumed(folder)], folder)
    why = failure(folder)
    if why is not None:
        return {"failed": why}
    found: Mapping[str, Any] = json.loads(report.read_text(encoding="utf-8"))
    return found


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
