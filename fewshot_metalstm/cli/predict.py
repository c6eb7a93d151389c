"""``fewshot-metalstm predict``: tag files with an adapted tagger."""

from __future__ import annotations

import json
from pathlib import Path
from typing import TYPE_CHECKING

import click

from fewshot_metalstm.cli.options import device_option, json_option

if TYPE_CHECKING:
    from fewshot_metalstm.adapt.predict import TaggedFile


@click.command("predict")
@click.argument("model", type=click.Path(path_type=Path))
@click.argument(
    "files", nargs=-1, required=True, type=click.Path(path_type=Path), metavar="FILE..."
)
@click.option("--format", "form", type=click.Choice(["text", "columns"]),
              help="Raw text, or a token a line.  [default: by name and look]")  # fmt: skip
@device_option
@json_option
def predict(
    model: Path, files: tuple[Path, ...], form: str | None, device: str, as_json: bool
) -> None:
    """Tag FILEs with the tagger in the folder MODEL.

    Token-per-line files come back with their tags in a column of their own (IOBES). Of raw text,
    each mention is a line: file, start, end, type and text, with offsets in characters.
    """
    from fewshot_metalstm import runs
    from fewshot_metalstm.adapt.predict import Predictor
    from fewshot_metalstm.machine import pick_device

    folder = runs.model_folder(model, "tagger")
    predictor = Predictor(folder, pick_device(device))
    if as_json:
        tagged = [predictor.file(path, form).as_dict() for path in files]
        click.echo(json.dumps({"model": str(folder), "types": predictor.model.types,
                               "files": tagged}, ensure_ascii=False))  # fmt: skip
        return
    for path in files:
        for line in lines(predictor.file(path, form)):
            click.echo(line)


def lines(tagged: TaggedFile) -> list[str]:
    """A tagged file as lines of text."""
    if tagged.text is None:
        out = []
        for sentence in tagged.sentences:
            out += [f"{w}\t{t}" for w, t in zip(sentence.tokens, sentence.tags, strict=True)]
            out.append("")
        return out
    return [
        f"{tagged.path}\t{m['start']}\t{m['end']}\t{m['type']}\t{m['text']}"
        for sentence in tagged.sentences
        for m in sentence.mentions(tagged.text)
    ]
