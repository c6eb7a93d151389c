"""``fewshot-metalstm adapt``: adapt a checkpoint to a target with a few shots."""

from __future__ import annotations

import json
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from fewshot_metalstm.cli.options import (
    data_dir_option,
    device_option,
    json_option,
    no_tracking_option,
    quiet_option,
    seed_option,
    tracking_uri_option,
    workers_option,
)

if TYPE_CHECKING:
    from rich.table import Table

    from fewshot_metalstm.adapt.target import AdaptReport, MethodReport
    from fewshot_metalstm.episodes.task import Task


@click.command("adapt")
@click.option("--target", required=True, metavar="NAME|PATH",
              help="A corpus of the catalogue, or a file or folder of yours.")  # fmt: skip
@click.option("--shots", default=50, show_default=True, type=click.IntRange(0), metavar="K",
              help="Mentions of each type in a support, K to 2K; 0: the whole split.")  # fmt: skip
@click.option("--checkpoint", type=click.Path(path_type=Path), metavar="FOLDER",
              help="What meta-train wrote.  [default: the newest that fits in runs]")  # fmt: skip
@click.option("--output", type=click.Path(path_type=Path), metavar="FOLDER",
              help="Where to write report and tagger.  [default: runs/TARGET-K]")  # fmt: skip
@click.option("--draws", type=click.IntRange(1), metavar="N",
              help="Supports to adapt to, each scored.  [default: 5; 1 if not scored]")  # fmt: skip
@click.option("--tune", default="auto", show_default=True,
              type=click.Choice(["auto", "basic", "head", "all"]),
              help="What is adapted: basic LSTM and head, the head alone, all, or what the "
              "checkpoint's meta-learner tuned.")  # fmt: skip
@click.option("--baseline", "baselines", multiple=True, type=click.Choice(["scratch", "crf"]),
              help="Another way to get a tagger, in the table beside it.")  # fmt: skip
@click.option("--type", "types", multiple=True, metavar="TYPE",
              help="An entity type of the target; repeatable.  [default: all of them]")  # fmt: skip
@click.option("--scheme", metavar="SCHEME",
              help="IOB1, IOB2, IOBES or BILOU, of your file.  [default: detected]")  # fmt: skip
@click.option("--repair", is_flag=True, help="Mend illegal tag sequences of your file.")
@click.option("--set", "overrides", multiple=True, metavar="SECTION.KEY=VALUE",
              help="One setting, such as adapt.lr=0.002; repeatable.")  # fmt: skip
@workers_option
@click.option("--no-score", is_flag=True, help="Save the tagger and score nothing.")
@no_tracking_option
@seed_option
@device_option
@data_dir_option
@tracking_uri_option
@json_option
@quiet_option
def adapt(as_json: bool, quiet: bool, **options: Any) -> None:
    """Adapt a checkpoint to a target and score it on the whole test split.

    Each draw is a support of its own, frozen for the official targets. The tagger of the first
    draw is saved and needs nothing else; use it with `predict` and `evaluate`. With --no-score
    there is one draw, unless more are asked for, and the test split is left alone.
    """
    from fewshot_metalstm.cli.progress import TerminalProgress

    with TerminalProgress(quiet=quiet) as progress:
        report = run(progress=progress, **options)
    if as_json:
        click.echo(json.dumps(report.as_dict()))
    else:
        show(report)


def run(
    *,
    target: str,
    shots: int,
    checkpoint: Path | None,
    output: Path | None,
    draws: int | None,
    tune: str,
    baselines: tuple[str, ...],
    types: tuple[str, ...],
    scheme: str | None,
    repair: bool,
    overrides: tuple[str, ...],
    workers: int,
    no_score: bool,
    no_tracking: bool,
    seed: int,
    device: str,
    data_dir: Path | None,
    tracking_uri: str | None,
    progress: Any,
) -> AdaptReport:
    """Load target and checkpoint, adapt under a tracking run, write the report."""
    from fewshot_metalstm import runs
    from fewshot_metalstm.adapt.target import AdaptRunConfig
    from fewshot_metalstm.config import resolve
    from fewshot_metalstm.episodes.load import load_target
    from fewshot_metalstm.machine import pick_device
    from fewshot_metalstm.tracking.adaptation import tracked_adaptation

    chosen = pick_device(device)
    if draws is None:
        draws = 1 if no_score else 5
    given = {
        "shots": shots, "draws": draws, "seed": seed, "tune": tune, "baselines": list(baselines),
        "score": not no_score,
    }  # fmt: skip
    config = resolve(AdaptRunConfig, None, overrides, given)
    task = load_target(target, data_dir=data_dir, types=types, repair=repair, scheme=scheme)
    folder = find_checkpoint(checkpoint, task, progress)
    if output is None:
        output = runs.fresh(f"{task.name}-{shots or 'all'}".replace("/", "-"))
    else:
        runs.claim(output, "the report")
    progress.note(f"writing to {output}")
    methods = 1 + len(baselines)
    progress.phase(f"adapting to {task.name}", draws * methods)
    done = 0

    def on_cell(result: Any) -> None:
        nonlocal done
        done += 1
        f1 = "" if result.score is None else f": F1 {result.score.f1:.2f}"
        progress.note(f"{result.method}, draw {result.draw}{f1} ({result.seconds:.1f} s)")
        progress.advance(done, {})

    report = tracked_adaptation(
        folder, task, config, output, device=chosen, workers=workers, on_cell=on_cell,
        uri=tracking_uri, enabled=not no_tracking,
    )  # fmt: skip
    for note in report.notes:
        progress.note(f"note: {note}")
    return report


def find_checkpoint(checkpoint: Path | None, task: Task, progress: Any) -> Path:
    """The checkpoint that the user named, or the newest compatible one, which is said."""
    from fewshot_metalstm import runs
    from fewshot_metalstm.errors import UserError
    from fewshot_metalstm.tagging.model import CHECKPOINT, read_config

    if checkpoint is not None:
        return runs.model_folder(checkpoint, "checkpoint")

    def compatible(folder: Path) -> bool:
        try:
            about = read_config(folder, CHECKPOINT)["about"]
        except UserError:
            return False
        # A checkpoint of the synthetic suite is for synthetic targets alone.
        same_world = bool(about.get("synthetic")) == task.corpus.synthetic
        return same_world and task.family not in about.get("families", ())

    folder = runs.newest_checkpoint(compatible)
    progress.note(f"using the newest compatible checkpoint, {folder}")
    return folder


def show(report: AdaptReport) -> None:
    """Print the report's tables."""
    from rich.console import Console

    console = Console(width=None if sys.stdout.isatty() else 120)
    methods = (report.main, *report.baselines)
    if report.main.summary()[0] is not None:
        console.print(summary_table(report, methods))
        if len(report.main.cells[0].score.per_type if report.main.cells[0].score else {}) > 1:
            console.print(type_table(report.main))
    console.print(f"tagger: {report.tagger}", highlight=False, soft_wrap=True)
    console.print(f"Next: fewshot-metalstm predict {report.tagger} FILE", highlight=False,
                  soft_wrap=True)  # fmt: skip


def summary_table(report: AdaptReport, methods: Sequence[MethodReport]) -> Table:
    """Draws in rows, then the mean with its 95% interval, for every method."""
    from rich.table import Table

    world = " (synthetic)" if report.synthetic else ""
    shots = f"{report.shots} shots" if report.shots else "the whole train split"
    table = Table(title=f"{report.target}{world}, {shots}: strict entity F1 on the test split")
    for column in ("method", "draw", "F1", "precision", "recall", "mentions", "sentences", "s"):
        table.add_column(column, justify="left" if column == "method" else "right")
    for method in methods:
        for cell in method.cells:
            assert cell.score is not None
            table.add_row(
                method.method, str(cell.draw), f"{cell.score.f1:.2f}",
                f"{cell.score.precision:.2f}", f"{cell.score.recall:.2f}",
                str(cell.support_mentions), str(cell.support_sentences), f"{cell.seconds:.1f}",
            )  # fmt: skip
        mean, half = method.summary()
        spread = "" if half is None else f" ± {half:.2f}"
        table.add_row(method.method, "mean", f"{mean:.2f}{spread}", style="bold", end_section=True)
    return table


def type_table(method: MethodReport) -> Table:
    """Means over the draws for each entity type."""
    from rich.table import Table

    table = Table(title=f"{method.method}, each type, mean of the draws")
    for column in ("type", "F1", "precision", "recall", "test mentions"):
        table.add_column(column, justify="left" if column == "type" else "right")
    scores = [cell.score for cell in method.cells if cell.score is not None]
    for name in sorted({name for score in scores for name in score.per_type}):
        rows = [score.per_type[name] for score in scores if name in score.per_type]
        means = [
            sum(getattr(r, f) for r in rows) / len(rows) for f in ("f1", "precision", "recall")
        ]
        table.add_row(name, *(f"{m:.2f}" for m in means), str(max(r.mentions for r in rows)))
    return table
