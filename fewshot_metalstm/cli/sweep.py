"""``fewshot-metalstm sweep``: adapt and score over a grid of targets, shots, methods and draws."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from fewshot_metalstm.cli.options import (
    data_dir_option,
    device_option,
    json_option,
    no_tracking_option,
    quiet_option,
    retries_option,
    runner_option,
    seed_option,
    tracking_uri_option,
    workers_option,
)

if TYPE_CHECKING:
    from fewshot_metalstm.sweep.report import SweepReport

CELLS_FAILED = 1


@click.command("sweep")
@click.option("--targets", required=True, metavar="NAMES",
              help="Corpora of the catalogue, files or folders, with commas between.")  # fmt: skip
@click.option("--shots", default="10,50", show_default=True, metavar="K,K",
              help="Mentions of each type in a support; 0: the whole split.")  # fmt: skip
@click.option("--methods", default="meta,scratch", show_default=True, metavar="NAMES",
              help="meta: adapt the checkpoint; NAME=CHECKPOINT: adapt that one; scratch: the same "
              "tagger, fresh; crf: hand features.")  # fmt: skip
@click.option("--draws", default="0-4", show_default=True, metavar="N-N",
              help="Numbers of the supports, such as 0-4 or 0,2.")  # fmt: skip
@click.option("--checkpoint", type=click.Path(path_type=Path), metavar="FOLDER",
              help="What meta-train wrote.  [default: the newest that fits in runs]")  # fmt: skip
@click.option("--output", required=True, type=click.Path(path_type=Path), metavar="FOLDER",
              help="One file a cell and the report; finished cells there are kept.")  # fmt: skip
@click.option("--tune", default="auto", show_default=True,
              type=click.Choice(["auto", "basic", "head", "all"]),
              help="What meta adapts: basic LSTM and head, the head alone, all, or what the "
              "checkpoint's meta-learner tuned.")  # fmt: skip
@click.option("--set", "overrides", multiple=True, metavar="SECTION.KEY=VALUE",
              help="One setting, such as adapt.lr=0.002; repeatable.")  # fmt: skip
@workers_option
@runner_option
@retries_option
@no_tracking_option
@seed_option
@device_option
@data_dir_option
@tracking_uri_option
@json_option
@quiet_option
@click.pass_context
def sweep(context: click.Context, /, as_json: bool, quiet: bool, **options: Any) -> None:
    """Adapt and score every combination of targets, shots, methods and draws.

    The same command goes on where it was interrupted: one file a finished cell stands in the
    output's folder. Exits with 1 when cells failed, after showing the table of the others.
    """
    from fewshot_metalstm.cli.progress import TerminalProgress

    with TerminalProgress(quiet=quiet) as progress:
        report = run(progress=progress, **options)
    if as_json:
        click.echo(json.dumps(report.as_dict()))
    else:
        show(report)
    if report.failed:
        failed = options["output"] / "failed"
        click.echo(f"{len(report.failed)} of {report.cells} cells failed; what they said is in "
                   f"{failed}; the same command tries them again", err=True)  # fmt: skip
        context.exit(CELLS_FAILED)


def run(
    *,
    targets: str,
    shots: str,
    methods: str,
    draws: str,
    checkpoint: Path | None,
    output: Path,
    tune: str,
    overrides: tuple[str, ...],
    workers: int,
    runner: str,
    retries: int,
    no_tracking: bool,
    seed: int,
    device: str,
    data_dir: Path | None,
    tracking_uri: str | None,
    progress: Any,
) -> SweepReport:
    """Plan the sweep, do what is not finished under a tracking run, write the report."""
    from fewshot_metalstm.cli.adapt import find_checkpoint
    from fewshot_metalstm.config import resolve
    from fewshot_metalstm.episodes.load import load_target
    from fewshot_metalstm.jobs.choose import make_runner
    from fewshot_metalstm.jobs.folder import claimed
    from fewshot_metalstm.machine import pick_device
    from fewshot_metalstm.sweep.grid import SweepConfig, entries, names, needs_checkpoint, numbers
    from fewshot_metalstm.sweep.run import plan_sweep
    from fewshot_metalstm.sweep.store import SweepFolder
    from fewshot_metalstm.tracking.sweep import tracked_sweep

    chosen = pick_device(device)
    given = {
        "targets": list(names(targets, "--targets")), "shots": list(numbers(shots, "--shots")),
        "methods": list(names(methods, "--methods")), "draws": list(numbers(draws, "--draws")),
        "seed": seed, "tune": tune,
    }  # fmt: skip
    config = resolve(SweepConfig, None, overrides, given)
    entries(config.methods)  # refuses what cannot be, before anything is read
    how = make_runner(runner, workers, cuda=chosen.type == "cuda")
    tasks = [load_target(name, data_dir=data_dir) for name in config.targets]
    start = None
    if checkpoint is not None or needs_checkpoint(config.methods):
        start = find_checkpoint(checkpoint, tasks[0], progress)
    folder = SweepFolder(output)
    plan = plan_sweep(start, tasks, config, folder)
    done = len(plan.finished)

    def on_cell(key: Any, result: Any) -> None:
        nonlocal done
        done += 1
        f1 = "" if result.score is None else f": F1 {result.score.f1:.2f}"
        progress.note(f"{key}{f1} ({result.seconds:.1f} s)")
        progress.advance(done, {})

    def on_failure(key: Any, failure: Any, again: bool) -> None:
        progress.note(f"{key}: {'failed, to be tried again' if again else 'failed'}: "
                      f"{failure.reason}")  # fmt: skip

    with claimed(output, "the sweep"):
        progress.note(f"writing to {output}")
        progress.phase("sweep", len(plan.cells), done)
        report = tracked_sweep(
            plan, config, folder, how, retries=retries, device=str(chosen), on_cell=on_cell,
            on_failure=on_failure, uri=tracking_uri, enabled=not no_tracking,
        )  # fmt: skip
    for note in report.notes:
        progress.note(f"note: {note}")
    return report


def show(report: SweepReport) -> None:
    """Print the table, and the cells that failed."""
    from rich.console import Console
    from rich.table import Table

    head, body = report.table()
    table = Table(title="strict entity F1 on the test split: mean over draws, 95% interval")
    for column in head:
        table.add_column(column, justify="left" if column in ("target", "method") else "right")
    for i, row in enumerate(body):
        last = i + 1 == len(body) or body[i + 1][:2] != row[:2]
        table.add_row(*row, end_section=last)
    console = Console(width=None if sys.stdout.isatty() else 120)
    console.print(table)
    for key, failure in report.failed:
        console.print(f"failed: {key} ({failure.attempts} attempts): {failure.reason}",
                      highlight=False, soft_wrap=True, markup=False)  # fmt: skip
