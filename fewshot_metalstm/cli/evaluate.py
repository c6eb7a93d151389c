"""``fewshot-metalstm evaluate``: score an adapted tagger on annotated text."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import click

from fewshot_metalstm.cli import shells
from fewshot_metalstm.cli.options import data_dir_option, device_option, json_option, quiet_option
from fewshot_metalstm.kinds.tagging.cli.format_options import format_option, overlaps_option, said


@click.command("evaluate")
@click.argument("model", type=click.Path(path_type=Path))
@click.option("--target", required=True, metavar="NAME|PATH", shell_complete=shells.targets,
              help="A corpus of the catalogue, or a file or folder of yours.")  # fmt: skip
@click.option("--split", metavar="NAME",
              help="Split to score.  [default: test, or else the first]")  # fmt: skip
@format_option
@overlaps_option
@click.option("--scheme", metavar="SCHEME", help="Tag scheme of your file.  [default: detected]")
@click.option("--repair", is_flag=True, help="Mend illegal tag sequences of your file.")
@device_option
@data_dir_option
@json_option
@quiet_option
def evaluate(as_json: bool, quiet: bool, **options: Any) -> None:
    """Score the tagger in the folder MODEL: strict entity-level F1, precision and recall."""
    result = run(**options)
    if not quiet:
        said(result.get("notes", {}), result["target"])
    if as_json:
        click.echo(json.dumps(result))
        return
    from rich.console import Console
    from rich.table import Table

    table = Table(title=f"{result['target']}, {result['split']} split: strict entity scores")
    for column in ("type", "F1", "precision", "recall", "mentions"):
        table.add_column(column, justify="left" if column == "type" else "right")
    for name, row in [*result["per_type"].items(), ("all", result)]:
        table.add_row(name, *(f"{row[f]:.2f}" for f in ("f1", "precision", "recall")),
                      str(row["mentions"]))  # fmt: skip
    Console(width=None if sys.stdout.isatty() else 100).print(table)


def run(
    *,
    model: Path,
    target: str,
    split: str | None,
    scheme: str | None,
    repair: bool,
    device: str,
    data_dir: Path | None,
    form: str | None = None,
    overlaps: str = "error",
) -> dict[str, Any]:
    """Load tagger and target, tag the split, score it."""
    from fewshot_metalstm import runs
    from fewshot_metalstm.errors import UserError
    from fewshot_metalstm.kinds.tagging.adapt.tagger import score_split
    from fewshot_metalstm.kinds.tagging.episodes.load import load_target
    from fewshot_metalstm.kinds.tagging.formats.notes import Notes, losses
    from fewshot_metalstm.kinds.tagging.tagger.model import TAGGER, load_model
    from fewshot_metalstm.machine import pick_device

    folder = runs.model_folder(model, "tagger")
    tagger = load_model(folder, TAGGER)
    notes = Notes()
    task = load_target(
        target, data_dir=data_dir, repair=repair, scheme=scheme, format=form, overlaps=overlaps,
        notes=notes,
    )  # fmt: skip
    splits = task.corpus.splits
    if split is None:
        split = "test" if "test" in splits else next(iter(splits))
    if split not in splits:
        raise UserError(f"{task.name} has no {split} split; use one of {', '.join(splits)}")
    unknown = sorted(set(task.types) - set(tagger.types))
    if unknown:
        raise UserError(
            f"{task.name} has the type {unknown[0]}, which {folder} does not know "
            f"(its types: {', '.join(tagger.types)}); evaluate on text with the tagger's types"
        )
    learner = tagger.learner.to(pick_device(device))
    params = {name: value.detach() for name, value in learner.named_parameters()}
    known = type(task)(task.name, task.corpus, tagger.types)
    score = score_split(learner, params, tagger.table(), known, split, tagger.lexicon)
    return {
        "model": str(folder),
        "target": task.name,
        "split": split,
        "synthetic": task.corpus.synthetic,
        **({"notes": losses(notes)} if losses(notes) else {}),
        **_figures(score),
        "per_type": {name: _figures(each) for name, each in score.per_type.items()},
    }


def _figures(score: Any) -> dict[str, Any]:
    return {
        "f1": round(score.f1, 2), "precision": round(score.precision, 2),
        "recall": round(score.recall, 2), "mentions": score.mentions,
    }  # fmt: skip
