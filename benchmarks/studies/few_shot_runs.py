"""Running a few-shot study: checkpoints first, each once, then a sweep a row and fold."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from benchmarks.studies import few_shot_table as table
from benchmarks.studies.few_shot import Checkpoint, read
from benchmarks.studies.kept import RESULTS, done
from benchmarks.studies.running import command, failure, in_time, resumed

_DONE = "done"


def do(
    name: str, runs: Path, end: float, *, rows: Sequence[str] | None = None, dry: bool = False,
    results: Path = RESULTS,
) -> None:  # fmt: skip
    """Run what a study misses, and write its table after every run.

    Args:
        runs: the folder of its runs and checkpoints.
        end: no run begins after it, on the clock of :func:`time.monotonic`.
        rows: only these.
        dry: say what would be run.

    Raises:
        UserError: a declaration that is wrong, or a command that ended in a way of its own.
    """
    study = read(name)
    known = done(name, results)
    missing = [
        run for run in study.runs
        if run.digest not in known and (rows is None or run.row.name in rows)
    ]  # fmt: skip
    print(f"{name}: {len(missing)} of {len(study.runs)} runs to do", flush=True)
    said: set[str] = set()
    for run in missing if dry else in_time(name, missing, end):
        if dry:
            for made in _chain(run.checkpoint):
                if made.folder not in said:
                    said.add(made.folder)
                    print("fewshot-metalstm " + " ".join(made.arguments(runs)))
            print("fewshot-metalstm " + " ".join(run.arguments(runs)))
            continue
        why = next(filter(None, (_train(made, runs) for made in _chain(run.checkpoint))), None)
        folder = runs / run.folder
        if why is None and failure(folder) is None:
            command(run.arguments(runs), folder)
        why = why or failure(folder)
        result = {"failed": why} if why else table.result_of(study, run, folder)
        table.add(study, run, result, results)
        table.write(study, results)
    if not dry:
        table.write(study, results)


def _chain(checkpoint: Checkpoint | None) -> list[Checkpoint]:
    """A checkpoint behind those that it starts from."""
    return [*_chain(checkpoint.start), checkpoint] if checkpoint else []


def _train(made: Checkpoint, runs: Path) -> str | None:
    """Train a checkpoint unless it is there; why it came to nothing, or None."""
    folder = runs / made.folder
    mark = folder.with_name(f"{folder.name}.{_DONE}")
    if not mark.is_file() and failure(folder) is None:
        command([*made.arguments(runs), *resumed(folder)], folder)
        if failure(folder) is None:
            mark.touch()
    return failure(folder)
