"""``fewshot-metalstm predict``: what an adapted model makes of files."""

from __future__ import annotations

from itertools import islice
from pathlib import Path
from typing import Any

import click

from fewshot_metalstm.cli.kind_options import of_kind, predict_options
from fewshot_metalstm.cli.options import (
    device_option,
    json_option,
    output_file_option,
    quiet_option,
)
from fewshot_metalstm.cli.streams import STANDARD_OUTPUT, place_of
from fewshot_metalstm.cli.tables import say

_PIECES = 256  # written at once


@click.command("predict")
@click.argument("model", type=click.Path(path_type=Path))
@click.argument(
    "files", nargs=-1, required=True, type=click.Path(path_type=Path), metavar="FILE..."
)
@predict_options
@output_file_option("Where to write, in place of standard output.", metavar="PATH")
@device_option
@json_option
@quiet_option
def predict(
    model: Path,
    files: tuple[Path, ...],
    output: Path | None,
    device: str,
    as_json: bool,
    quiet: bool,
    **options: Any,
) -> None:
    """Say what the adapted model in the folder MODEL makes of FILEs.

    A tagger tags text. Token-per-line files come back with their tags in a column of their own
    (IOBES). Of raw text, each mention is a line: file, start, end, type, text and confidence, with
    offsets in characters; of annotated documents too, with the document's id behind the file; their
    own mentions are not looked at. Text is read, tagged and written a window at a time; a file may
    be larger than the memory. With --output the documents are written there, with the mentions
    found.

    A classifier labels texts: those of a table (.csv, .tsv), of JSON lines, or a text a line. Each
    is a line: file, line or id, label and its probability; with --output they are written there
    with the probability of every class (.csv, .tsv, .jsonl).

    A reader of digits takes PNG files, one digit each. Each is a line: file, class and its
    probability; with --output they are written there as a table (.csv, .tsv).

    A forecaster takes tables of hours, as `ds, y` or `unique_id, ds, y`, and says what comes behind
    the end of each series, up to a day: series, hour and the quantiles 0.1, 0.5 and 0.9; with
    --output as a table (.csv, .tsv).

    A language model takes running text and says what it costs. Each file is a line: file, bits per
    character, characters. With --sample N it writes N characters behind each text instead.

    A translator takes text with a sentence a line, and writes a line for each: line N is the
    translation of line N, and empty where that is.
    """
    from fewshot_metalstm import runs
    from fewshot_metalstm.kinds import registry
    from fewshot_metalstm.kinds.kind import PredictionRequest
    from fewshot_metalstm.machine import keep_freed_memory, pick_device
    from fewshot_metalstm.writing import refuse_inputs

    if output is not None:
        refuse_inputs(output, files)
    keep_freed_memory()
    folder = runs.adapted_to_use(model)
    kind = registry.of_model(folder)
    if not (folder / "config.json").is_file():  # whose options would be taken for another kind's
        kind.read_config(folder)
    own = of_kind(kind, options, predict_options, "model")

    def note(line: str) -> None:
        if not quiet:
            say(line, err=True)

    if output == STANDARD_OUTPUT:
        with place_of(output, as_json=as_json) as place:
            request = PredictionRequest(folder, files, place, False, pick_device(device), note)
            for summary in kind.predict(request, **own):
                note(summary.rstrip("\n").replace(str(place), "-"))
        return
    request = PredictionRequest(folder, files, output, as_json, pick_device(device), note)
    pieces = kind.predict(request, **own)
    while block := list(islice(pieces, _PIECES)):
        click.echo("".join(block), nl=False)
