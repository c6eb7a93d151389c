"""``fewshot-metalstm sweep``: adapt and score over a grid of targets, shots, methods and draws."""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from fewshot_metalstm.cli import shells
from fewshot_metalstm.cli.kind_options import kind_option
from fewshot_metalstm.cli.options import (
    checkpoint_option,
    config_option,
    output_option,
    retries_option,
    run_options,
    runner_option,
    set_option,
    tune_option,
    workers_option,
)
from fewshot_metalstm.cli.tables import say

if TYPE_CHECKING:
    from rich.table import Table

    from fewshot_metalstm.sweep.report import SweepReport

CELLS_FAILED = 1


@click.command("sweep")
@click.option("--targets", metavar="NAMES", shell_complete=shells.targets,
              help="Corpora of the catalogue, files or folders, with commas between.")  # fmt: skip
@click.option(
    "--shots",
    metavar="K,K",
    help="Mentions of each type in a support; 0: the whole split.  [default: 10,50]",
)
@click.option("--methods", metavar="NAMES",
              help="meta: adapt the checkpoint; NAME=CHECKPOINT: adapt that one, "
              "NAME=CHECKPOINT:tune=all with a --tune of its own, NAME=CHECKPOINT:unlabelled=train "
              "with self-training on the targets' train text, NAME=CHECKPOINT:teacher=FOLDER with "
              "a teacher's tags of it; scratch: the same tagger, fresh; "
              "crf: hand features; spacy; transformer: fine-tune transformer.model.  "
              "[default: meta,scratch]")  # fmt: skip
@click.option("--draws", metavar="N-N",
              help="Numbers of the supports, such as 0-4 or 0,2.  [default: 0-4]")  # fmt: skip
@checkpoint_option
@output_option("One file a cell and the report; finished cells there are kept.", required=True)
@tune_option
@set_option("adapt.lr=0.002")
@kind_option
@config_option
@workers_option
@runner_option
@retries_option
@run_options
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
        say(f"{len(report.failed)} of {report.cells} cells failed; what they said is in "
                   f"{failed}; the same command tries them again", err=True)  # fmt: skip
        context.exit(CELLS_FAILED)


def run(
    *,
    targets: str | None,
    shots: str | None,
    methods: str | None,
    draws: str | None,
    checkpoint: Path | None,
    output: Path,
    tune: str | None,
    overrides: tuple[str, ...],
    config_file: Path | None,
    workers: int,
    runner: str,
    retries: int,
    no_tracking: bool,
    seed: int | None,
    device: str,
    data_dir: Path | None,
    tracking_uri: str | None,
    progress: Any,
    kind_name: str | None = None,
) -> SweepReport:
    """Plan the sweep, do what is not finished under a tracking run, write the report."""
    from fewshot_metalstm.cli.inputs import find_checkpoint
    from fewshot_metalstm.config import resolve
    from fewshot_metalstm.errors import UserError
    from fewshot_metalstm.jobs.choose import make_runner
    from fewshot_metalstm.jobs.folder import claimed
    from fewshot_metalstm.kinds import registry
    from fewshot_metalstm.machine import pick_device
    from fewshot_metalstm.sweep.grid import entries, names, needs_checkpoint, numbers
    from fewshot_metalstm.sweep.run import plan_sweep
    from fewshot_metalstm.sweep.store import SweepFolder
    from fewshot_metalstm.tracking.sweep import tracked_sweep

    chosen = pick_device(device)
    named = None if targets is None else names(targets, "--targets")
    given = {
        "targets": named and list(named),
        "shots": None if shots is None else list(numbers(shots, "--shots")),
        "methods": None if methods is None else list(names(methods, "--methods")),
        "draws": None if draws is None else list(numbers(draws, "--draws")),
        "seed": seed, "tune": tune,
    }  # fmt: skip
    first = first_target(named, config_file, overrides)
    kind = registry.of_target(first, kind_name)
    config = resolve(kind.sweep_settings(), config_file, overrides, given)
    if not config.targets:
        raise UserError("no target is named; give --targets, or a --config that names some")
    entries(kind, config.methods)  # refuses what cannot be, before anything is read
    how = make_runner(runner, workers, cuda=chosen.type == "cuda")
    tasks = [
        registry.of_target(name, kind_name).load_target(name, data_dir=data_dir)
        for name in config.targets
    ]
    start = None
    if checkpoint is not None or needs_checkpoint(kind, config.methods):
        start = find_checkpoint(checkpoint, tasks[0], progress)
    folder = SweepFolder(output)
    plan = plan_sweep(start, tasks, config, folder)
    done = len(plan.finished)

    def on_cell(key: Any, result: Any) -> None:
        nonlocal done
        done += 1
        score = result.score
        figure = kind.figure_of(plan.targets[key.target])
        said = "" if score is None else f": {figure.label} {figure.shown(score.value)}"
        progress.note(f"{key}{said} ({result.seconds:.1f} s)")
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


def first_target(
    given: Sequence[str] | None, config_file: Path | None, overrides: Sequence[str] = ()
) -> str:
    """The first target that options or a file of settings name, whose kind is that of the sweep.

    Args:
        overrides: as from ``--set``; what is not about targets is passed over.

    Raises:
        UserError: none is named, or what names them is no list.
    """
    from fewshot_metalstm.adapt.settings import SweepSettings
    from fewshot_metalstm.config import check, read_mapping, resolve
    from fewshot_metalstm.errors import UserError

    stored = {} if config_file is None else read_mapping(config_file)
    own = {"targets": stored["targets"]} if stored.get("targets") is not None else {}
    check(SweepSettings, own, str(config_file))
    # Only these: the other settings are known when the kind is.
    said = [text for text in overrides if text.partition("=")[0] == "targets"]
    named = given or (
        resolve(SweepSettings, None, said, {}).targets if said else own.get("targets")
    )
    if not named:
        raise UserError("no target is named; give --targets, or a --config that names some")
    return str(named[0])


def show(report: SweepReport) -> None:
    """Print the table, and the cells that failed."""
    from fewshot_metalstm.cli.terminal import Terminal

    console = Terminal(width=None if sys.stdout.isatty() else 120)
    console.print(comparison_table(*report.table(), report.figure.title))
    for key, failure in report.failed:
        console.print(f"failed: {key} ({failure.attempts} attempts): {failure.reason}",
                      highlight=False, soft_wrap=True, markup=False)  # fmt: skip


def comparison_table(head: Sequence[str], body: Sequence[tuple[str, ...]], figure: str) -> Table:
    """The table of methods for the terminal, a rule below each target and shots."""
    from rich.table import Table

    table = Table(title=f"{figure} on the test split: mean over draws, 95% interval")
    for column in head:
        table.add_column(column, justify="left" if column in ("target", "method") else "right")
    for i, row in enumerate(body):
        last = i + 1 == len(body) or body[i + 1][:2] != row[:2]
        table.add_row(*row, end_section=last)
    return table
