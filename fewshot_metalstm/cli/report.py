"""``fewshot-metalstm report``: a page and pictures of runs."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from fewshot_metalstm.cli.options import data_dir_option, device_option, json_option, quiet_option

if TYPE_CHECKING:
    import torch

    from fewshot_metalstm.kinds.tagging.pages.taggers import TaggerLook
    from fewshot_metalstm.pages.runs import Adaptation, Runs


@click.command("report")
@click.argument("folders", nargs=-1, required=True, type=click.Path(path_type=Path),
                metavar="RUN...")  # fmt: skip
@click.option("--html", type=click.Path(path_type=Path), metavar="FILE",
              help="The page to write.  [default: report.html, if no --png]")  # fmt: skip
@click.option("--png", type=click.Path(path_type=Path), metavar="FOLDER",
              help="Where to write the pictures.")  # fmt: skip
@click.option("--against", metavar="METHOD",
              help="The method to hold the others against.  [default: the first]")  # fmt: skip
@click.option("--gold", metavar="NAME|PATH",
              help="Annotated text to look at the taggers with.  [default: their targets, of the "
              "catalogue]")  # fmt: skip
@click.option("--split", default="test", show_default=True, metavar="NAME", help="Its split.")
@click.option("--no-taggers", is_flag=True, help="Tag nothing: what the runs wrote alone.")
@device_option
@data_dir_option
@json_option
@quiet_option
def report(as_json: bool, quiet: bool, **options: Any) -> None:
    """Write a page, and pictures, of what meta-train, adapt and sweep left in the folders RUN.

    F1 against shots with intervals, types, adaptation and meta-training curves, learned rates;
    and, of each adapted tagger whose target is at hand, the costliest mistakes and what its
    Meta-LSTM does. The page is one file and loads nothing.
    """
    result = run(note=lambda text: None if quiet else click.echo(text, err=True), **options)
    if as_json:
        click.echo(json.dumps(result))
        return
    from rich.console import Console

    from fewshot_metalstm.cli.sweep import comparison_table

    if result["rows"]:
        console = Console(width=None if sys.stdout.isatty() else 120)
        console.print(comparison_table(result["head"], [tuple(row) for row in result["rows"]]))
    for path in (result["html"], *result["png"]):
        if path:
            click.echo(path)


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

    if html is None and png is None:
        html = Path("report.html")
    if html is not None and html.is_dir():
        raise UserError(f"{html}: is a folder; name a file for the page")
    runs = read_runs(folders)
    comparison = compare(runs.cells, against) if runs.cells else None
    notes = list(comparison.notes) if comparison else []
    looks: list[TaggerLook] = []
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
        "rows": [list(row) for row in body],
        "taggers": [tagger_json(look) for look in looks], "notes": [*runs.notes, *notes],
    }  # fmt: skip


def look_at(
    runs: Runs, gold: str | None, split: str, data_dir: Path | None, device: torch.device
) -> tuple[list[TaggerLook], list[str]]:
    """A look at every tagger with gold text at hand; notes on the others."""
    from fewshot_metalstm.errors import UserError
    from fewshot_metalstm.kinds.tagging.episodes.load import load_target
    from fewshot_metalstm.kinds.tagging.pages.taggers import look

    def sentences_for(adaptation: Adaptation) -> tuple[str, Sequence[Any]] | str:
        if not (adaptation.tagger / "config.json").is_file():
            return f"{adaptation.folder} holds no tagger to look at"
        try:
            task = load_target(gold or adaptation.target, data_dir=data_dir)
        except UserError as problem:
            if gold:
                raise
            return (f"no mistakes of {adaptation.tagger} are shown: {problem}; or name annotated "
                    "text with --gold")  # fmt: skip
        if split not in task.corpus.splits:
            return f"{task.name} has no {split} split to look at {adaptation.tagger} with"
        return f"the {split} split of {task.name}", task.split(split)

    looks, notes = [], []
    for adaptation in runs.adaptations:
        found = sentences_for(adaptation)
        if isinstance(found, str):
            notes.append(found)
        else:
            looks.append(look(adaptation.tagger, found[1], found[0], device))
    return looks, notes


def tagger_json(look: TaggerLook) -> dict[str, Any]:
    """What ``--json`` tells of a tagger."""
    whole = look.scores[-1]
    meta = look.meta and {
        "f1_with_z_at_its_mean": round(look.meta.f1_at_mean, 2),
        "sentences_tagged_otherwise": look.meta.changed,
        "moved": {one.name: round(one.mean, 4) for one in look.meta.types},
        "words": {
            name: {one.name: round(one.mean, 4) for one in words}
            for name, words in look.meta.words.items()
        },
    }  # fmt: skip
    return {
        "tagger": str(look.folder), "text": look.text, "f1": round(whole.f1, 2), **whole.counts,
        "costliest": [
            {"kind": c.kind, "text": c.text, "type": c.type, "times": c.number,
             "gain": round(c.gain, 2)}
            for c in look.costs
        ],
        "meta_lstm": meta,
    }  # fmt: skip
