"""``fewshot-metalstm train``: supervised training on all of one task, or of several jointly."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from fewshot_metalstm.cli import shells
from fewshot_metalstm.cli.cells import (
    cell_option,
    cell_setting,
    sharing_option,
    write_cells,
    write_sharing,
)
from fewshot_metalstm.cli.faults import NAME, write_faults
from fewshot_metalstm.cli.kind_options import kind_option, kind_typed, of_kind, target_options
from fewshot_metalstm.cli.options import (
    Number,
    config_option,
    output_option,
    run_options,
    set_option,
)
from fewshot_metalstm.cli.tables import say
from fewshot_metalstm.train.optimisers import OPTIMISERS

if TYPE_CHECKING:
    from fewshot_metalstm.kinds.kind import Kind
    from fewshot_metalstm.train.result import TrainResult


class _Command(click.Command):
    """A command whose help says in a line what each cell and each optimiser is."""

    def format_options(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        super().format_options(ctx, formatter)
        write_cells(formatter)
        write_sharing(formatter)
        with formatter.section("Optimisers"):
            formatter.write_dl(
                [(name, f"{o.about}; --lr {o.lr:g}") for name, o in OPTIMISERS.items()]
            )


@click.command("train", cls=_Command)
@click.option("--task", "tasks", multiple=True, metavar="NAME|PATH", shell_complete=shells.targets,
              help="A corpus of the catalogue, or a file or folder of yours; repeated, the tasks "
              "are learned jointly.")  # fmt: skip
@cell_option
@sharing_option
@click.option("--optimiser", type=click.Choice(list(OPTIMISERS)),
              help="What takes the steps; what each is stands below.  [default: adam]")  # fmt: skip
@click.option("--lr", type=Number(0, min_open=True), metavar="RATE",
              help="Learning rate at the start.  [default: the optimiser's own]")  # fmt: skip
@click.option("--epochs", type=click.IntRange(1), metavar="N",
              help="Passes over the train split.")  # fmt: skip
@click.option("--batch", type=click.IntRange(1), metavar="N", help="Items in a step.")
@click.option("--weight-decay", type=Number(0), metavar="SHARE",
              help="Weight decay.  [default: 0]")  # fmt: skip
@click.option("--patience", type=click.IntRange(0), metavar="N",
              help="End after N epochs without a better devel figure.  "
              "[default: never]")  # fmt: skip
@click.option("--start", type=click.Path(path_type=Path), metavar="FOLDER|NAME",
              shell_complete=shells.checkpoints,
              help="A checkpoint to start from, in place of fresh weights: what meta-train wrote, "
              "or one that ships: bionlp, mtl-bio, reviews.")  # fmt: skip
@output_option("Where to write the run.  [default: runs/train-TASK]")
@kind_option
@target_options
@config_option
@set_option("train.clip=1")
@click.option("--resume", is_flag=True, help="Go on with the run in --output.")
@run_options
@click.pass_context
def train(context: click.Context, /, as_json: bool, quiet: bool, **options: Any) -> None:
    """Train on all of a task's train split, and keep the epoch that is best on its devel split.

    It is what to use where there are enough labels, some thousand sentences; with a few, adapt a
    checkpoint. The test split is scored after every epoch and never chosen by. What is written is
    used with `predict`, `evaluate` and `view`, as what `adapt` writes. Without a devel split the
    last epoch is kept, or --set train.hold_out=0.1 holds out a tenth of train to choose by.

    What is planned, and about what it costs, is said before it starts. A run that is interrupted
    (Ctrl-C, SIGTERM) saves its state and goes on with --resume.
    """
    from fewshot_metalstm.cli.progress import TerminalProgress
    from fewshot_metalstm.meta.outcome import Interrupted

    with TerminalProgress(quiet=quiet) as progress:
        try:
            result = run(progress=progress, **options)
        except Interrupted as stop:
            progress.close()
            say(str(stop), err=True)
            context.exit(128 + stop.signal)
    if as_json:
        click.echo(json.dumps(result.as_dict()))
    else:
        show(result)


def run(
    *,
    tasks: tuple[str, ...],
    output: Path | None,
    config_file: Path | None,
    overrides: tuple[str, ...],
    resume: bool,
    no_tracking: bool,
    device: str,
    data_dir: Path | None,
    tracking_uri: str | None,
    progress: Any,
    kind_name: str | None = None,
    cell: str | None = None,
    sharing: str | None = None,
    start: Path | None = None,
    seed: int | None = None,
    **further: Any,
) -> TrainResult:
    """Resolve settings, load the tasks and train under a tracking run.

    ``further`` are the settings of the section ``train`` that have options of their own, and the
    options of the tasks' kind for files of the user's own.
    """
    from fewshot_metalstm import runs
    from fewshot_metalstm.adapt.plan import check_held_out
    from fewshot_metalstm.config import resolve
    from fewshot_metalstm.data.origin import write_origins
    from fewshot_metalstm.errors import UserError
    from fewshot_metalstm.machine import pick_device
    from fewshot_metalstm.tracking.training import tracked_training

    own = ("optimiser", "lr", "epochs", "batch", "weight_decay", "patience")
    named: dict[str, Any] = {f"train.{name}": further.pop(name, None) for name in own}
    if resume and config_file is None and output is not None:
        saved = output / "config.yaml"
        config_file = saved if saved.is_file() else None
    sources = tasks_named(tasks, config_file, overrides)
    kind = kind_of(sources, kind_name or kind_typed(sources, further))
    folder = None if start is None else runs.model_folder(start, "checkpoint")
    named |= {
        "tasks": list(tasks) or None, "seed": seed,
        "start": None if folder is None else str(folder),
        **cell_setting(kind, cell, sharing),
    }  # fmt: skip
    settings = kind.supervised_settings()
    if settings is None:
        raise UserError(
            f"tasks of the kind {kind.name} have no supervised training; use meta-train and adapt"
        )
    config = resolve(settings, config_file, overrides, named)
    chosen = pick_device(device)
    name = "train-" + "+".join(Path(source).name or source for source in sources)
    if resume:
        output = output or runs.latest(name)
        if not output.is_dir():
            raise UserError(f"{output}: there is no run to resume; leave out --resume")
        if runs.saved_nothing(output):
            progress.note(f"{output} was ended before it saved its state: begun anew")
    elif output is not None:
        runs.claim(output, "the run")
    reading = of_kind(kind, further)
    faults: list[tuple[str, ...]] = []
    loaded = [
        kind.load_target(source, data_dir=data_dir, faults=faults, **reading) for source in sources
    ]
    for task in loaded:
        if not task.sizes.get("train"):
            raise UserError(f"{task.name} has no train split to learn from; add one")
    source = kind.supervised_source(config, loaded)
    if config.start:
        model = kind.load_model(Path(config.start), "checkpoint")
        for note in {note for task in loaded for note in check_held_out(kind, model, task)}:
            progress.note(f"note: {note}")
    with runs.run_folder(output, name, "the run", resume=resume) as place:
        progress.note(f"writing to {place}")
        if faults:
            write_faults(faults, place / NAME)
            progress.note(f"note: {len(faults)} bad annotations, listed in {place / NAME}")
        write_origins(sources, loaded, reading, place)
        return tracked_training(
            kind, source, place, device=chosen, resume=resume and not runs.saved_nothing(place),
            progress=progress, uri=tracking_uri, enabled=not no_tracking,
        )  # fmt: skip


def tasks_named(
    tasks: tuple[str, ...], config_file: Path | None, overrides: tuple[str, ...]
) -> tuple[str, ...]:
    """The tasks that options, overrides and a file of settings name, in this order.

    Raises :class:`UserError` if nothing names one.
    """
    import yaml

    from fewshot_metalstm.config import read_mapping
    from fewshot_metalstm.errors import UserError

    found: Any = tasks
    for text in () if tasks else reversed(overrides):
        if text.startswith("tasks="):
            found = yaml.safe_load(text.removeprefix("tasks="))
            break
    if not found and config_file is not None:
        found = read_mapping(config_file).get("tasks")
    if isinstance(found, str):
        found = (found,)
    if not isinstance(found, (list, tuple)) or not found:
        raise UserError("there is no task to train on; name one with --task NAME|PATH")
    return tuple(str(each) for each in found)


def kind_of(sources: tuple[str, ...], given: str | None) -> Kind:
    """The one kind of all tasks; :class:`UserError` where they are of two."""
    from fewshot_metalstm.errors import UserError
    from fewshot_metalstm.kinds import registry

    kinds = {source: registry.of_target(source, given) for source in sources}
    first, *others = kinds.items()
    for source, kind in others:
        if kind.name != first[1].name:
            raise UserError(
                f"{first[0]} is of the kind {first[1].name} and {source} of {kind.name}; train "
                "them apart"
            )
    return first[1]


def show(result: TrainResult) -> None:
    """Print the scores of the chosen epoch, and where the models are."""
    from rich.table import Table

    from fewshot_metalstm.cli.terminal import Terminal

    figure = result.figure
    console = Terminal(width=None if sys.stdout.isatty() else 120)
    table = Table(
        title=f"{figure.title} ({figure.unit}) of epoch {result.epoch} of {result.epochs}, "
        f"chosen by {result.chosen_by}"
    )
    further = (f"test {name}" for name in figure.further)
    for column in ("task", "train", "devel", "test", *further):
        table.add_column(column, justify="left" if column == "task" else "right")
    for task in result.tasks:
        world = " (synthetic)" if task.synthetic else " (invented text)" if task.invented else ""
        values = [
            figure.shown(task.scores[split].value) if split in task.scores else "-"
            for split in ("train", "devel", "test")
        ]
        test = task.scores.get("test")
        values += [figure.shown(test.figures[key]) if test else "-" for key in figure.further]
        table.add_row(task.name + world, *values)
    console.print(table)
    for task in result.tasks:
        console.print(f"{result.product}: {task.model}", highlight=False, soft_wrap=True)
    if result.checkpoint is not None:
        console.print(f"checkpoint: {result.checkpoint}", highlight=False, soft_wrap=True)
    console.print(f"Next: fewshot-metalstm predict {result.tasks[0].model} FILE", highlight=False,
                  soft_wrap=True)  # fmt: skip
