"""``fewshot-metalstm predict``: tag files with an adapted tagger."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Sequence
from itertools import chain, islice
from pathlib import Path
from typing import TYPE_CHECKING

import click

from fewshot_metalstm.cli.options import device_option, json_option

if TYPE_CHECKING:
    from fewshot_metalstm.adapt.predict import Predictor, TaggedSentence

_SENTENCES = 256  # written at once


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
    each mention is a line: file, start, end, type and text, with offsets in characters. Text is
    read, tagged and written a window at a time; a file may be larger than the memory.
    """
    from fewshot_metalstm import runs
    from fewshot_metalstm.adapt.predict import Predictor
    from fewshot_metalstm.machine import keep_freed_memory, pick_device

    keep_freed_memory()
    folder = runs.model_folder(model, "tagger")
    predictor = Predictor(folder, pick_device(device))
    if as_json:
        pieces = json_pieces(folder, predictor, files, form)
    else:
        pieces = chain.from_iterable(lines(predictor, path, form) for path in files)
    while block := list(islice(pieces, _SENTENCES)):
        click.echo("".join(block), nl=False)


def lines(predictor: Predictor, path: Path, form: str | None) -> Iterator[str]:
    """The output for a file, a string for each sentence."""
    from fewshot_metalstm.adapt.predict import guess

    for sentence in predictor.file(path, form or guess(path)):
        if sentence.source is None:
            rows = zip(sentence.tokens, sentence.tags, strict=True)
            yield "".join(f"{token}\t{tag}\n" for token, tag in rows) + "\n"
        else:
            yield "".join(
                f"{path}\t{m['start']}\t{m['end']}\t{m['type']}\t{m['text']}\n"
                for m in sentence.mentions()
            )


def json_pieces(
    folder: Path, predictor: Predictor, files: Sequence[Path], form: str | None
) -> Iterator[str]:
    """One JSON object for all files, in pieces."""
    from fewshot_metalstm.adapt.predict import guess

    head = json.dumps({"model": str(folder), "types": predictor.model.types}, ensure_ascii=False)
    before = f'{head[:-1]}, "files": ['
    for path in files:
        chosen = form or guess(path)
        # The first window is tagged before anything is written: most mistakes show there.
        sentences = started(predictor.file(path, chosen))
        about = json.dumps({"file": str(path), "format": chosen}, ensure_ascii=False)
        yield f'{before}{about[:-1]}, "sentences": ['
        for number, sentence in enumerate(sentences):
            value = {
                "tokens": sentence.tokens, "tags": sentence.tags, "mentions": sentence.mentions(),
            }  # fmt: skip
            yield (", " if number else "") + json.dumps(value, ensure_ascii=False)
        yield "]}"
        before = ", "
    yield "]}\n"


def started(sentences: Iterable[TaggedSentence]) -> Iterator[TaggedSentence]:
    """The same sentences, the first of which is known already."""
    rest = iter(sentences)
    return chain(list(islice(rest, 1)), rest)
