"""``fewshot-metalstm evaluate``: score an adapted model on a split of a target."""

from __future__ import annotations

import json
import sys
from collections import Counter
from pathlib import Path
from typing import Any

import click

from fewshot_metalstm.cli import shells
from fewshot_metalstm.cli.kind_options import of_kind, target_options
from fewshot_metalstm.cli.options import data_dir_option, device_option, json_option, quiet_option
from fewshot_metalstm.cli.tables import say


@click.command("evaluate")
@click.argument("model", type=click.Path(path_type=Path))
@click.option("--target", required=True, metavar="NAME|PATH", shell_complete=shells.targets,
              help="A corpus of the catalogue, or a file or folder of yours.")  # fmt: skip
@click.option("--split", metavar="NAME",
              help="Split to score.  [default: test, or else the first]")  # fmt: skip
@target_options
@device_option
@data_dir_option
@json_option
@quiet_option
def evaluate(as_json: bool, quiet: bool, **options: Any) -> None:
    """Score the adapted model in the folder MODEL on a whole split, by the figure of its kind."""
    from fewshot_metalstm.kinds import registry

    result = run(**options)
    kind = registry.kind(result["kind"])
    if not quiet:
        for line in (*kind.change_lines(result.get("notes", {})), result.get("unread", "")):
            if line:
                say(f"{result['target']}: {line}", err=True)
    if as_json:
        click.echo(json.dumps(result))
        return
    from rich.table import Table

    from fewshot_metalstm.cli.terminal import Terminal

    figure = kind.figure_in(result)
    of = "" if result["whole"] else f", {result['split']} split"
    table = Table(title=f"{result['target']}{of}: {figure.title}")
    keys = (figure.key, *figure.further)
    for column in (figure.group, figure.label, *figure.further, figure.counted):
        table.add_column(column, justify="left" if column == figure.group else "right")
    for name, row in [*result[f"per_{figure.group}"].items(), ("all", result)]:
        table.add_row(name, *(figure.shown(row[key]) for key in keys), str(row[figure.counted]))
    Terminal(width=None if sys.stdout.isatty() else 100).print(table)


def run(
    *,
    model: Path,
    target: str,
    split: str | None,
    device: str,
    data_dir: Path | None,
    **reading: Any,
) -> dict[str, Any]:
    """Load model and target, read the split, score it."""
    from fewshot_metalstm import runs
    from fewshot_metalstm.adapt.cell import score_as_dict
    from fewshot_metalstm.errors import UserError
    from fewshot_metalstm.kinds import registry
    from fewshot_metalstm.kinds.task import scored_split
    from fewshot_metalstm.machine import pick_device

    folder = runs.adapted_to_use(model)
    kind = registry.of_model(folder)
    adapted = kind.load_model(folder, kind.product)
    notes: Counter[str] = Counter()
    task = kind.load_target(target, data_dir=data_dir, notes=notes, **of_kind(kind, reading))
    if split is None:
        split = scored_split(task)
    if split not in task.sizes:
        raise UserError(f"{task.name} has no {split} split; use one of {', '.join(task.sizes)}")
    adapted.learner.to(pick_device(device))
    figure = kind.figure_of(task)
    loaded = kind.loaded(adapted)
    score = kind.score(loaded, task, split)
    found = score_as_dict(score, figure, digits=figure.digits)
    groups = found.pop(f"per_{figure.group}")
    for each in groups.values():
        each.pop(f"per_{figure.group}")
    changed, unread = kind.changes(notes), kind.unread(loaded, task)
    return {
        "model": str(folder),
        "target": task.name,
        "kind": kind.name,
        "split": split,
        "whole": len(task.sizes) == 1,  # a file has no splits; what reads it calls all of it one
        "synthetic": task.synthetic,
        **({"notes": changed} if changed else {}),
        **({"unread": unread} if unread else {}),
        **figure.as_dict(),
        "mean": found[figure.key],
        **found,
        f"per_{figure.group}": groups,
    }
