"""``fewshot-metalstm meta-train``: meta-train a model on a suite of tasks."""

from __future__ import annotations

import json
import math
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from fewshot_metalstm.cli import shells
from fewshot_metalstm.cli.algorithms import (
    algorithm_option,
    engine_option,
    list_algorithms_option,
    show_algorithms,
)
from fewshot_metalstm.cli.cells import CellsCommand, cell_option, cell_setting, sharing_option
from fewshot_metalstm.cli.options import (
    Number,
    config_option,
    output_option,
    run_options,
    set_option,
    workers_option,
)
from fewshot_metalstm.cli.tables import say

if TYPE_CHECKING:
    from fewshot_metalstm.meta.config import TrainingConfig
    from fewshot_metalstm.meta.outcome import MetaTrainResult
    from fewshot_metalstm.meta.ranks import Ranks


@click.command("meta-train", cls=CellsCommand)
@click.option(
    "--tasks",
    metavar="SUITE",
    shell_complete=shells.suites,
    help="Suite of tasks.  [default: demo]",
)
@output_option("Where to write the run.  [default: runs/SUITE]")
@click.option("--exclude", multiple=True, metavar="TARGET", shell_complete=shells.targets,
              help="A target to keep out, besides those of the suite; repeatable.")  # fmt: skip
@algorithm_option
@cell_option
@sharing_option
@click.option("--order", type=click.Choice(["1", "2"]), help="Order of the outer gradient.")
@engine_option
@click.option("--truncate", type=click.IntRange(0), metavar="K",
              help="Differentiate through the last K inner steps only.")  # fmt: skip
@click.option("--outer-steps", type=click.IntRange(1), metavar="N",
              help="Outer steps, which come after joint training.")  # fmt: skip
@click.option("--meta-batch", type=click.IntRange(1), metavar="N", help="Episodes a step.")
@click.option("--inner-steps", type=click.IntRange(0), metavar="N", help="Inner steps.")
@click.option("--inner-lr", type=Number(0), metavar="RATE", help="Inner learning rate.")
@click.option("--outer-lr", type=Number(0), metavar="RATE", help="Outer learning rate.")
@click.option("--joint-steps", type=click.IntRange(0), metavar="N",
              help="Steps of joint training, which comes first and takes most of the time: 28000 "
              "for --tasks bionlp, mtl-bio and mtl-wide, 2000 for demo, else 4000. Some hundred do "
              "for a trial run; 0: none.")  # fmt: skip
@click.option("--start", metavar="CHECKPOINT",
              help="A checkpoint of --algorithm joint to start the outer loop from, in place of "
              "word vectors and joint training of its own.")  # fmt: skip
@config_option
@set_option("joint.steps=500")
@click.option("--resume", is_flag=True, help="Go on with the run in --output.")
@list_algorithms_option
@workers_option
@run_options
@click.pass_context
def meta_train(
    context: click.Context, /, as_json: bool, quiet: bool, list_algorithms: bool, **options: Any
) -> None:
    """Meta-train a model on a suite of tasks and keep the best checkpoint.

    Joint training on all tasks comes first (--joint-steps), then the outer loop (--outer-steps):
    a short trial run makes both short. What is planned, and about what it costs, is said before it
    starts.

    Settings come from the defaults, --config, --set and the options here, in this order. A run
    that is interrupted (Ctrl-C, SIGTERM) saves its state and goes on with --resume. Started with
    torchrun, it shares the episodes of a step among all ranks; see docs/cluster.md.
    """
    if list_algorithms:
        show_algorithms(as_json)
        return
    from fewshot_metalstm.cli import failures
    from fewshot_metalstm.cli.progress import TerminalProgress
    from fewshot_metalstm.errors import UserError
    from fewshot_metalstm.meta.join import joined
    from fewshot_metalstm.meta.outcome import Interrupted
    from fewshot_metalstm.meta.ranks import EndedElsewhere

    with joined() as ranks, TerminalProgress(quiet=quiet or not ranks.first) as progress:
        try:
            if not ranks.first:
                _follow(ranks, **options)
                return
            config, result = run(progress=progress, ranks=ranks, **options)
        except Interrupted as stop:
            progress.close()
            say(str(stop), err=True)
            context.exit(128 + stop.signal)
        except EndedElsewhere as end:  # rank 0 says why
            context.exit(end.code)
        except UserError as problem:
            if ranks.size == 1:
                raise
            # Said here, while the other ranks wait: when one is gone, the launcher ends all.
            progress.close()
            say(f"error: {failures.one_line(str(problem))}", err=True)
            context.exit(failures.MENDABLE)
    if as_json:
        click.echo(json.dumps(result.as_dict()))
    else:
        _show(config, result)


def run(
    *,
    tasks: str | None,
    output: Path | None,
    exclude: tuple[str, ...],
    config_file: Path | None,
    overrides: tuple[str, ...],
    resume: bool,
    workers: int,
    no_tracking: bool,
    device: str,
    data_dir: Path | None,
    tracking_uri: str | None,
    progress: Any,
    ranks: Ranks | None = None,
    order: str | None = None,
    cell: str | None = None,
    sharing: str | None = None,
    **given: Any,
) -> tuple[TrainingConfig, MetaTrainResult]:
    """Resolve settings, load the suite and meta-train under a tracking run."""
    from fewshot_metalstm import runs
    from fewshot_metalstm.config import resolve
    from fewshot_metalstm.errors import UserError
    from fewshot_metalstm.kinds import registry
    from fewshot_metalstm.machine import pick_device
    from fewshot_metalstm.meta import registry as algorithms
    from fewshot_metalstm.meta.budget import joint_preset
    from fewshot_metalstm.meta.make import make_algorithm
    from fewshot_metalstm.meta.plan import plan_of
    from fewshot_metalstm.meta.ranks import Ranks
    from fewshot_metalstm.tracking.meta_training import tracked_meta_training
    from fewshot_metalstm.writing import write_text

    named: dict[str, Any] = {
        "tasks": tasks, "exclude": list(exclude) or None, "algorithm": given.pop("algorithm"),
        "order": int(order) if order else None, "engine": given.pop("engine", None),
        "truncate": given.pop("truncate", None), "seed": given.pop("seed"),
        "start": given.pop("start", None),
        "outer.steps": given.pop("outer_steps"), "outer.meta_batch": given.pop("meta_batch"),
        "outer.lr": given.pop("outer_lr"), "inner.steps": given.pop("inner_steps"),
        "inner.lr": given.pop("inner_lr"), "joint.steps": given.pop("joint_steps"),
    }  # fmt: skip
    if resume and output is None:
        output = runs.latest(suite_named(tasks, config_file, overrides))
    if resume and config_file is None and output is not None:
        saved = output / "config.yaml"
        config_file = saved if saved.is_file() else None
    name = suite_named(tasks, config_file, overrides)
    kind = registry.of_suite(name)
    named |= cell_setting(kind, cell, sharing)
    settings, presets = kind.training_settings(), kind.presets(name)
    config = resolve(settings, config_file, overrides, named, base=presets)
    # Again with what the algorithm asks for, which the settings may name anywhere.
    base = (*presets, *algorithms.presets(config.algorithm), *joint_preset(config))
    config = kind.settled(resolve(settings, config_file, overrides, named, base=base))
    kind.check(config)
    make_algorithm(config)
    pick_device(device)
    goes_on = resume and output is not None and not runs.saved_nothing(output)
    if resume and output is not None:
        if not output.is_dir():
            raise UserError(f"{output}: there is no run to resume; leave out --resume")
        if runs.saved_nothing(output):
            progress.note(f"{output} was ended before it saved its state: begun anew")
    elif output is not None:
        runs.claim(output, "the run")
    if not goes_on:  # else it is told when it is known what is left
        progress.note(plan_of(config).words)
    ranks = ranks or Ranks()
    ranks.give(config)
    chosen = ranks.use(device)
    suite = ranks.together(
        lambda: kind.load_suite(config.tasks, data_dir=data_dir, exclude=config.exclude)
    )
    for line in suite.report.summary():
        progress.note(line)
    with runs.run_folder(output, config.tasks, "the run", resume=resume) as folder:
        progress.note(f"writing to {folder}")
        write_text("\n".join(suite.report.lines()) + "\n", folder / "exclusions.txt")
        result = tracked_meta_training(
            kind, config, suite, folder, device=chosen, workers=workers,
            resume=resume and not runs.saved_nothing(folder), progress=progress, uri=tracking_uri,
            enabled=not no_tracking, ranks=ranks,
        )  # fmt: skip
    return config, result


def suite_named(tasks: str | None, config_file: Path | None, overrides: tuple[str, ...]) -> str:
    """The suite that options, overrides and a file of settings name, in this order."""
    from fewshot_metalstm.config import read_mapping
    from fewshot_metalstm.meta.config import TrainingConfig

    if tasks is not None:
        return tasks
    for text in reversed(overrides):
        if text.startswith("tasks="):
            return text.removeprefix("tasks=").strip()
    stored = {} if config_file is None else read_mapping(config_file)
    return str(stored.get("tasks") or TrainingConfig.tasks)


def _follow(
    ranks: Ranks, *, device: str, data_dir: Path | None, workers: int, **_: object
) -> None:  # fmt: skip
    """What :func:`run` is on the ranks other than 0: settings come from rank 0."""
    from fewshot_metalstm.kinds import registry
    from fewshot_metalstm.meta.follow import follow

    config: TrainingConfig = ranks.take()
    chosen = ranks.use(device)
    kind = registry.of_suite(config.tasks)
    suite = ranks.together(
        lambda: kind.load_suite(config.tasks, data_dir=data_dir, exclude=config.exclude)
    )
    follow(config, kind.source(config, suite), device=chosen, workers=workers, ranks=ranks)


def _show(config: TrainingConfig, result: MetaTrainResult) -> None:
    from rich.table import Table

    from fewshot_metalstm.cli.terminal import Terminal
    from fewshot_metalstm.data.suites import load_targets
    from fewshot_metalstm.kinds import registry

    table = Table(title=f"meta-trained on {config.tasks}", show_header=False)
    figure = result.figure
    best = "none" if math.isnan(result.best_validation) else figure.shown(result.best_validation)
    rows: dict[str, object] = {
        "checkpoint": result.checkpoint,
        "outer steps": result.outer_steps,
        "episodes left out": result.skipped_episodes or None,
        f"best validation {figure.label}": f"{best} {figure.unit}",
        "minutes": f"{result.seconds / 60:.1f}",
        "most memory, MiB": round(result.peak_rss_mib),
        "an inner step, MiB": result.inner_step_mib and round(result.inner_step_mib, 1),
    }
    for name, value in rows.items():
        if value is not None:
            table.add_row(name, str(value))
    Terminal(width=None if sys.stdout.isatty() else 140).print(table)
    kind = registry.of_suite(config.tasks)
    official = load_targets(kind=kind.name).official
    target = official[0] if len(official) == 1 else "TARGET"
    shots = kind.adaptation_settings().shots
    say(f"Next: fewshot-metalstm adapt --target {target} --shots {shots} "
               f"--checkpoint {result.checkpoint}")  # fmt: skip
