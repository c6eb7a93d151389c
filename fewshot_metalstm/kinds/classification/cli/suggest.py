"""``fewshot-metalstm suggest`` with a classifier: pick the next texts worth labelling."""

from __future__ import annotations

import json
import sys
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from fewshot_metalstm.cli.options import (
    Number,
    device_option,
    json_option,
    output_file_option,
    quiet_option,
)
from fewshot_metalstm.cli.streams import STANDARD_OUTPUT, place_of
from fewshot_metalstm.cli.tables import print_json, say
from fewshot_metalstm.kinds.classification.cli.options import text_column_option

if TYPE_CHECKING:
    from fewshot_metalstm.kinds.classification.suggest import Suggestion

_HEAD = ("id", "text", "label", "probability")


@click.command("suggest")
@click.argument("model", type=click.Path(path_type=Path), metavar="CLASSIFIER")
@click.argument("file", type=click.Path(path_type=Path))
@click.option("-n", "--number", type=click.IntRange(1), default=20, show_default=True, metavar="N",
              help="How many texts.")  # fmt: skip
@output_file_option(
    "Where to write them, labelled as the classifier reads them: .csv, .tsv or .jsonl.  "
    "[default: a table alone]",
    metavar="PATH",
)
@click.option("--exclude", multiple=True, type=click.Path(path_type=Path), metavar="FILE",
              help="Texts that are labelled already; repeatable.")  # fmt: skip
@click.option("--diversity", type=Number(0, 1), default=0.5, show_default=True,
              metavar="SHARE",
              help="0: uncertainty alone; more: texts that differ more.")  # fmt: skip
@text_column_option
@device_option
@json_option
@quiet_option
def suggest(as_json: bool, quiet: bool, **options: Any) -> None:
    """With a classifier, pick the texts of FILE that are most worth labelling.

    FILE is a table, JSON lines or a text a line, as `predict` reads it; labels are not looked at.
    With --output they are written with the label that the classifier gives, to be mended.
    """
    output = options.pop("output")
    if output is None:
        found, notes = run(output=None, **options)
    else:
        with place_of(output, as_json=as_json) as place:
            found, notes = run(output=place, **options)
    if as_json:
        texts = [each.as_dict() for each in found]
        print_json({"output": None if output is None else str(output), "texts": texts})
        return
    for note in () if quiet else notes:
        say(f"note: {note}", err=True)
    show(found, err=output == STANDARD_OUTPUT)
    if output is not None:
        say(f"wrote {output}", err=output == STANDARD_OUTPUT)
    elif not quiet:
        say("add --output FILE.csv to label them", err=True)


def run(
    *, model: Path, file: Path, number: int, output: Path | None, exclude: tuple[Path, ...],
    diversity: float, text_column: str | None, device: str,
) -> tuple[list[Suggestion], list[str]]:  # fmt: skip
    """Load the classifier, read the texts, choose, write; and notes."""
    from fewshot_metalstm import runs
    from fewshot_metalstm.errors import UserError
    from fewshot_metalstm.kinds.classification.predictor import Predictor
    from fewshot_metalstm.kinds.classification.suggest import candidates
    from fewshot_metalstm.kinds.classification.suggest import suggest as choose
    from fewshot_metalstm.kinds.classification.tables import read_texts
    from fewshot_metalstm.machine import pick_device
    from fewshot_metalstm.writing import DELIMITERS

    if output is not None and output.exists():
        raise UserError(f"{output}: is there already; remove it, or name another place")
    if output is not None and output.suffix.lower() not in (*DELIMITERS, ".jsonl"):
        raise UserError(f"{output}: is written as .csv, .tsv or .jsonl; name the file so")
    notes: Counter[str] = Counter()
    known = [row.text for path in exclude for row in read_texts(path, notes)]
    pool = candidates(read_texts(file, notes, text_column), known)
    predictor = Predictor(runs.model_folder(model, "classifier"), pick_device(device))
    found = choose(predictor, pool, number, diversity)
    if output is not None:
        write(found, output)
    return found, [f"{number} {name}" for name, number in notes.items() if number]


def write(found: list[Suggestion], output: Path) -> None:
    """Write the texts with their labels as a table or as JSON lines."""
    from fewshot_metalstm.writing import DELIMITERS, table_text, write_text

    delimiter = DELIMITERS.get(output.suffix.lower())
    if delimiter is None:
        lines = (json.dumps(each.as_dict(), ensure_ascii=False) for each in found)
        write_text("".join(f"{line}\n" for line in lines), output)
        return
    values = [each.as_dict() for each in found]
    rows = [[each[name] for name in _HEAD] for each in values]
    write_text(table_text([_HEAD, *rows], delimiter), output)


def show(found: list[Suggestion], *, err: bool = False) -> None:
    """Print the table, on standard error if ``err``."""
    from rich.table import Table
    from rich.text import Text

    from fewshot_metalstm.cli.terminal import Terminal
    from fewshot_metalstm.printable import in_field

    table = Table("", "where", "label", "unsure", "text")
    for number, each in enumerate(found, 1):
        text = in_field(" ".join(each.row.text.split()))
        shown = text if len(text) <= 160 else f"{text[:157]}..."
        table.add_row(
            str(number), Text(in_field(each.row.id), overflow="fold"), Text(each.reading.name),
            f"{each.reading.uncertainty:.2f}", Text(shown),
        )  # fmt: skip
    stream = sys.stderr if err else sys.stdout
    Terminal(width=None if stream.isatty() else 120, stderr=err).print(table)
