"""``fewshot-metalstm adapt``: adapt a checkpoint to a target with a few shots."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from fewshot_metalstm.cli import shells
from fewshot_metalstm.cli.faults import NAME, write_faults
from fewshot_metalstm.cli.kind_options import kind_option, kind_typed, of_kind, target_options
from fewshot_metalstm.cli.options import (
    checkpoint_option,
    config_option,
    output_option,
    run_options,
    set_option,
    tune_option,
    workers_option,
)

if TYPE_CHECKING:
    from fewshot_metalstm.adapt.cell import CellResult
    from fewshot_metalstm.adapt.report import AdaptReport


@click.command("adapt")
@click.option("--target", metavar="NAME|PATH", shell_complete=shells.targets,
              help="A corpus of the catalogue, a target such as digits-6789, or a file or folder "
              "of yours.")  # fmt: skip
@click.option("--train", metavar="FILE",
              help="Annotated sentences, labelled texts, a series, running text or sentence pairs "
              "(a .tsv, or SOURCE:TARGET) of yours, in place of --target; all are learned from, or "
              "K of each with --shots.")  # fmt: skip
@click.option("--dev", metavar="FILE", help="Beside --train: checked, and not learned from.")
@click.option("--test", metavar="FILE", help="Beside --train: what the tagger is scored on.")
@click.option("--shots", type=click.IntRange(0), metavar="K",
              help="Size of a support: mentions of each type, K to 2K, or texts or images of each "
              "class, or days of a series, or thousands of characters of running text, or sentence "
              "pairs; 0: the whole split.  [default: 50, of texts 10, of digits 5, of series 14, "
              "of running text 2; 0 with --train]")  # fmt: skip
@checkpoint_option
@output_option("Where to write report and model.  [default: runs/TARGET-K]")
@click.option("--draws", type=click.IntRange(1), metavar="N",
              help="Supports to adapt to, each scored.  [default: 5; 1 if not scored, or with "
              "all of --train]")  # fmt: skip
@tune_option
@click.option("--baseline", "baselines", multiple=True, metavar="NAME",
              shell_complete=shells.baselines,
              help="Another way to get a model, in the table beside it: scratch; of taggers crf, "
              "spacy, transformer; of texts tfidf; of digits neighbour; of series naive24, "
              "naive168, ridge, ridge-pooled, lightgbm, autoets; of running text unadapted, "
              "dynamic, ngram; of sentence pairs unadapted.")  # fmt: skip
@click.option("--unlabelled", metavar="FILE|train",
              help="Text without annotation to learn from besides, as the adapted tagger tags it; "
              "train: the target's own train split.")  # fmt: skip
@click.option("--teacher", metavar="DIR",
              help="Who tags that text instead: a tagger, or a checkpoint, adapted to the same "
              "examples first.")  # fmt: skip
@kind_option
@target_options
@set_option("adapt.lr=0.002")
@config_option
@workers_option
@click.option("--no-score", is_flag=True, help="Save the model and score nothing.")
@click.option("--log-model", is_flag=True, help="Log the tagger to MLflow, to load and serve.")
@click.option("--register", metavar="NAME",
              help="Log it, and make it a version of the registered model NAME.")  # fmt: skip
@run_options
def adapt(as_json: bool, quiet: bool, **options: Any) -> None:
    """Adapt a checkpoint to a target and score it on the whole test split.

    Each draw is a support of its own, frozen for the official targets. The model of the first
    draw is saved and needs nothing else; use it with `predict` and `evaluate`. With --no-score
    there is one draw, unless more are asked for, and the test split is left alone.

    With --unlabelled FILE the tagger is adapted twice: to the annotated sentences, and then to them
    and to those of FILE as it tags them, or as --teacher DIR does. The report says so: figures with
    and without it are of two settings.

    With --train FILE the target is your own text, and a checkpoint that ships with the package is
    adapted to all of it: no download, no meta-training. Without --test nothing is scored. A table
    (.csv, .tsv) or JSON lines of texts with one label each become a classifier, and a table of
    hours (ds, y) a forecaster, adapted to the last K days. Running text (.txt) becomes a language
    model, and sentences with their translations (a .tsv of two columns, or two files as
    SOURCE:TARGET) a translator.
    """
    from fewshot_metalstm.cli.adapt_tables import show
    from fewshot_metalstm.cli.progress import TerminalProgress

    with TerminalProgress(quiet=quiet) as progress:
        report = run(progress=progress, **options)
    if as_json:
        click.echo(json.dumps(report.as_dict()))
    else:
        show(report)


def run(
    *,
    target: str | None,
    shots: int | None,
    checkpoint: Path | None,
    output: Path | None,
    draws: int | None,
    tune: str | None,
    baselines: tuple[str, ...],
    overrides: tuple[str, ...],
    workers: int,
    no_score: bool,
    no_tracking: bool,
    seed: int | None,
    device: str,
    data_dir: Path | None,
    tracking_uri: str | None,
    progress: Any,
    config_file: Path | None = None,
    train: str | None = None,
    dev: str | None = None,
    test: str | None = None,
    log_model: bool = False,
    register: str | None = None,
    unlabelled: str | None = None,
    teacher: str | None = None,
    kind_name: str | None = None,
    **reading: Any,
) -> AdaptReport:
    """Load target and checkpoint, adapt under a tracking run, write the report.

    ``reading`` are options of the target's kind, for files of the user's own.
    """
    from fewshot_metalstm import runs
    from fewshot_metalstm.adapt.report import checkpoint_name, labelled
    from fewshot_metalstm.cli.inputs import find_checkpoint, source_of
    from fewshot_metalstm.config import resolve
    from fewshot_metalstm.data.origin import write_origins
    from fewshot_metalstm.declarations import DEFAULT_KIND
    from fewshot_metalstm.errors import UserError
    from fewshot_metalstm.kinds import registry
    from fewshot_metalstm.machine import pick_device
    from fewshot_metalstm.tracking.adaptation import tracked_adaptation

    # Load: the target, and the checkpoint that fits it.
    source = source_of(target, train, dev, test)
    chosen = pick_device(device)
    kind = registry.of_target(source, kind_name or kind_typed([source], reading))
    base = [] if train is None else ["shots=0"]
    alone = train is not None and test is None and Path(train).is_file()  # nothing to score
    given = {
        "shots": shots, "draws": draws, "seed": seed, "tune": tune,
        "baselines": list(baselines) or None, "unlabelled": unlabelled,
        "teacher": teacher, "score": False if no_score else None,
    }  # fmt: skip
    if unlabelled is not None and not hasattr(kind.adaptation_settings(), "unlabelled"):
        raise UserError(f"--unlabelled {unlabelled}: {kind.name} makes no use of unlabelled data")
    if teacher is not None and not hasattr(kind.adaptation_settings(), "teacher"):
        raise UserError(f"--teacher {teacher}: nothing of {kind.name} is taught by another model")
    asked = resolve(kind.adaptation_settings(), config_file, overrides, given, base)
    if alone or not asked.score or (train is not None and not asked.shots):
        base.append("draws=1")  # unless a number was given
    config = resolve(kind.adaptation_settings(), config_file, overrides, given, base)
    faults: list[tuple[str, ...]] = []
    own = of_kind(kind, reading)
    task = kind.load_target(source, data_dir=data_dir, faults=faults, **own)
    if train is not None and kind_name is None and kind.name != DEFAULT_KIND:
        progress.note(f"{train} looks like {kind.name}: read so (--kind {DEFAULT_KIND} reads "
                      "it as annotated text)")  # fmt: skip
    folder = find_checkpoint(checkpoint, task, progress)
    if output is not None:
        runs.claim(output, "the report")
    methods = 1 + len(set(config.baselines))
    done = 0

    def on_cell(result: CellResult) -> None:
        nonlocal done
        done += 1
        score = result.score
        figure = kind.figure_of(task)
        said = "" if score is None else f": {figure.label} {figure.shown(score.value)}"
        baseline = result.method.partition("+")[0] in config.baselines
        method = result.method if baseline else labelled(checkpoint_name(folder), result.method)
        by = f", recipe {result.choice['recipe']}" if result.choice else ""
        progress.note(f"{method}, draw {result.draw}{said} ({result.seconds:.1f} s{by})")
        progress.advance(done, {})

    # Check, draw supports, do the cells, report.
    name = (task.name if train else f"{task.name}-{config.shots or 'all'}").replace("/", "-")
    with runs.run_folder(output, name, "the report") as place:
        progress.note(f"writing to {place}")
        if faults:
            write_faults(faults, place / NAME)
            progress.note(f"note: {len(faults)} bad annotations, listed in {place / NAME}")
        write_origins((source,), (task,), own, place)
        progress.phase(f"adapting to {task.name}", config.draws * methods)
        report = tracked_adaptation(
            folder, task, config, place, device=chosen, workers=workers, on_cell=on_cell,
            uri=tracking_uri, enabled=not no_tracking, log_model=log_model, register=register,
        )  # fmt: skip
    for note in report.notes:
        progress.note(f"note: {note}")
    if dev is not None:
        progress.note(f"note: {dev} was read and checked; adaptation has nothing to choose by it")
    return report
