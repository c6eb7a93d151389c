"""``fewshot-metalstm report``: a page and pictures of runs."""

from __future__ import annotations

import sys
from collections.abc import Callable
from contextlib import nullcontext
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from fewshot_metalstm.cli.options import (
    data_dir_option,
    device_option,
    json_option,
    output_file_option,
    quiet_option,
)
from fewshot_metalstm.cli.streams import STANDARD_OUTPUT, place_of
from fewshot_metalstm.cli.tables import print_json, say

if TYPE_CHECKING:
    import torch

    from fewshot_metalstm.pages.look import Look
    from fewshot_metalstm.pages.runs import Runs


@click.command("report")
@click.argument("folders", nargs=-1, required=True, type=click.Path(path_type=Path),
                metavar="RUN...")  # fmt: skip
@output_file_option("The page to write.  [default: report.html, if no --png]", once="--html")
@click.option("--png", type=click.Path(path_type=Path), metavar="FOLDER",
              help="Where to write the pictures.")  # fmt: skip
@click.option("--against", metavar="METHOD",
              help="The method to hold the others against.  [default: the first]")  # fmt: skip
@click.option("--gold", metavar="NAME|PATH",
              help="What to look at the models with, such as annotated text.  [default: their "
              "targets, of the catalogue or the files that they were read from]")  # fmt: skip
@click.option("--split", default="test", show_default=True, metavar="NAME", help="Its split.")
@click.option("--no-taggers", is_flag=True, help="Look at no model: what the runs wrote alone.")
@device_option
@data_dir_option
@json_option
@quiet_option
def report(as_json: bool, quiet: bool, **options: Any) -> None:
    """Write a page, and pictures, of what commands that train or adapt left in the folders RUN.

    The figure (F1, accuracy) against shots with intervals, that of each type or class, adaptation
    and meta-training curves, learned rates; and, of each adapted model whose target is at hand, a
    closer look: of a tagger the costliest mistakes and what its Meta-LSTM does, of a reader of
    digits which are taken for which. The page is one file and loads nothing.
    """
    html, png = options.pop("output"), options["png"]
    html = Path("report.html") if html is None and png is None else html

    def note(text: str) -> None:
        if not quiet:
            say(text, err=True)

    with nullcontext() if html is None else place_of(html, as_json=as_json) as place:
        result = run(html=place, note=note, **options)
    result["html"] = str(html) if html else None
    if as_json:
        print_json(result)
        return
    from fewshot_metalstm.cli.sweep import comparison_table
    from fewshot_metalstm.cli.terminal import Terminal

    if result["rows"] and html != STANDARD_OUTPUT:
        console = Terminal(width=None if sys.stdout.isatty() else 120)
        rows = [tuple(row) for row in result["rows"]]
        console.print(comparison_table(result["head"], rows, result["title"]))
    for path in (result["html"], *result["png"]):
        if path:
            say(path, err=html == STANDARD_OUTPUT)


def run(
    *,
    folders: tuple[Path, ...],
    html: Path | None,
    png: Path | None,
    against: str | None,
    gold: str | None,
    split: str,
    no_taggers: bool,
    device: str,
    data_dir: Path | None,
    note: Callable[[str], None],
) -> dict[str, Any]:
    """Read the runs, look at their taggers, write page and pictures."""
    from fewshot_metalstm.errors import UserError
    from fewshot_metalstm.machine import pick_device
    from fewshot_metalstm.pages.report import pictures, write_pictures, write_report
    from fewshot_metalstm.pages.runs import read_runs
    from fewshot_metalstm.sweep.comparison import compare

    if html is not None and html.is_dir():
        raise UserError(f"{html}: is a folder; name a file for the page")
    runs = read_runs(folders)
    comparison = compare(runs.cells, against) if runs.cells else None
    notes = list(comparison.notes) if comparison else []
    looks: list[Look] = []
    if not no_taggers:
        looks, missing = look_at(runs, gold, split, data_dir, pick_device(device))
        notes += missing
    sections = pictures(runs, comparison, looks)
    drawn = write_pictures(sections, png) if png is not None else []
    if html is not None:
        write_report(runs, comparison, looks, sections, html, notes)
    for text in (*runs.notes, *notes):
        note(f"note: {text}")
    head, body = comparison.table() if comparison else ((), [])
    return {
        "html": str(html) if html else None, "png": [str(path) for path in drawn],
        "runs": [str(folder) for folder in runs.folders], "head": list(head),
        "title": comparison.figure.title if comparison else "",
        "rows": [list(row) for row in body],
        "taggers": [dict(look.facts) for look in looks], "notes": [*runs.notes, *notes],
    }  # fmt: skip


def look_at(
    runs: Runs, gold: str | None, split: str, data_dir: Path | None, device: torch.device
) -> tuple[list[Look], list[str]]:
    """A look at every adapted model whose target is at hand; notes on the others."""
    from fewshot_metalstm.data.origin import read_origins
    from fewshot_metalstm.errors import UserError

    looks, notes = [], []
    for adaptation in runs.adaptations:
        kind, model = adaptation.kind, adaptation.model
        origin = None if gold else read_origins(adaptation.folder).get(adaptation.target)
        if not (model / "config.json").is_file():
            notes.append(f"{adaptation.folder} holds no {kind.product} to look at")
            continue
        try:
            if origin is None:
                task = kind.load_target(gold or adaptation.target, data_dir=data_dir)
            else:
                task = kind.load_target(origin.source, data_dir=data_dir, **origin.options)
        except UserError as problem:
            if gold:
                raise
            notes.append(
                f"no mistakes of {model} are shown: {problem}; or name {kind.items} with --gold"
            )
            continue
        if split not in task.sizes:
            notes.append(f"{task.name} has no {split} split to look at {model} with")
            continue
        if origin is not None and origin.changed(task, split):
            notes.append(
                f"no mistakes of {model} are shown: the {split} split of {origin.source} has "
                f"changed since it was read; name {kind.items} with --gold"
            )
            continue
        found = kind.look(model, task, split, device)
        if found is not None:
            looks.append(found)
    return looks, notes
