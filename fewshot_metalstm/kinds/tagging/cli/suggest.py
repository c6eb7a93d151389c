"""``fewshot-metalstm suggest``: pick the next sentences worth annotating."""

from __future__ import annotations

import sys
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

if TYPE_CHECKING:
    from fewshot_metalstm.kinds.tagging.adapt.suggest import Suggestion


@click.command("suggest")
@click.argument("model", type=click.Path(path_type=Path), metavar="TAGGER")
@click.argument("file", type=click.Path(path_type=Path))
@click.option("-n", "--number", type=click.IntRange(1), default=20, show_default=True, metavar="N",
              help="How many sentences.")  # fmt: skip
@click.option("--to", "form", default="jsonl", show_default=True, metavar="FORMAT",
              help="Of what is written: jsonl, brat, conll, ...")  # fmt: skip
@output_file_option(
    "Where to write them, annotated as the tagger reads them.  [default: a table alone]",
    metavar="PATH",
)
@click.option("--format", "source_form", metavar="NAME",
              help="Of FILE.  [default: by name and look]")  # fmt: skip
@click.option("--exclude", multiple=True, type=click.Path(path_type=Path), metavar="FILE",
              help="Sentences that are annotated already; repeatable.")  # fmt: skip
@click.option("--diversity", type=Number(0, 1), default=0.5, show_default=True,
              metavar="SHARE",
              help="0: expected mistakes alone; more: sentences that differ more.")  # fmt: skip
@device_option
@json_option
@quiet_option
def suggest(as_json: bool, quiet: bool, **options: Any) -> None:
    """Pick the sentences of FILE that are most worth annotating for the tagger in TAGGER.

    They are those in which the tagger expects most mistakes of its own, mentions that are wrong or
    missed, and that differ from each other. FILE is text or anything that `check` reads; its own
    annotation is not looked at. Give what the tagger learned from with --exclude. With --output
    they are written with the tagger's mentions, to be mended in a tool for annotation, and added to
    what `adapt` learns from.
    """
    output = options.pop("output")
    if output is None:
        found = run(output=None, **options)
    else:
        with place_of(output, as_json=as_json) as place:
            found = run(output=place, **options)
    if as_json:
        print_json(as_dict(found, output))
        return
    show(found, err=output == STANDARD_OUTPUT)
    if output is not None:
        say(f"wrote {output}", err=output == STANDARD_OUTPUT)
    elif not quiet:
        say("add --output FILE.jsonl (or --to brat --output FOLDER) to annotate them",
                   err=True)  # fmt: skip


def run(
    *,
    model: Path,
    file: Path,
    number: int,
    form: str,
    output: Path | None,
    source_form: str | None,
    exclude: tuple[Path, ...],
    diversity: float,
    device: str,
) -> list[Suggestion]:
    """Load the tagger, read the sentences, choose, write."""
    from fewshot_metalstm import runs
    from fewshot_metalstm.errors import UserError
    from fewshot_metalstm.kinds.tagging.adapt.suggest import candidates, sentences_of
    from fewshot_metalstm.kinds.tagging.adapt.suggest import suggest as choose
    from fewshot_metalstm.kinds.tagging.checking.any_text import documents_of
    from fewshot_metalstm.kinds.tagging.formats import write_documents
    from fewshot_metalstm.kinds.tagging.formats.registry import find
    from fewshot_metalstm.kinds.tagging.tagger.model import TAGGER, load_model
    from fewshot_metalstm.machine import pick_device

    chosen = pick_device(device)
    find(form)
    if output is not None and output.exists():
        raise UserError(f"{output}: is there already; remove it, or name another place")
    known = {tokens for path in exclude for tokens in sentences_of(path)}
    pool = candidates(documents_of(file, source_form), known)
    tagger = load_model(runs.model_folder(model, "tagger"), TAGGER)
    tagger.learner.to(chosen)
    found = choose(tagger, pool, number, diversity)
    if output is not None:
        write_documents([each.as_document() for each in found], output, form)
    return found


def as_dict(found: list[Suggestion], output: Path | None) -> dict[str, Any]:
    """As ``--json`` prints it."""
    sentences = []
    for each in found:
        document = each.as_document()
        sentences.append({
            "id": each.id,
            "document": each.candidate.document.id,
            "start": each.candidate.offsets[0][0],
            "end": each.candidate.offsets[-1][1],
            "text": each.text,
            "uncertainty": round(each.reading.uncertainty, 4),
            "expected_mistakes": None if each.mistakes is None else round(each.mistakes, 4),
            "mentions": [
                {"start": m.start, "end": m.end, "type": m.type,
                 "text": each.text[m.start : m.end], "confidence": round(confidence, 3)}
                for m, confidence in zip(document.mentions, each.reading.confidences, strict=True)
            ],
        })  # fmt: skip
    return {"output": None if output is None else str(output), "sentences": sentences}


def show(found: list[Suggestion], *, err: bool = False) -> None:
    """Print the table, on standard error if ``err``."""
    from rich.table import Table
    from rich.text import Text

    from fewshot_metalstm.cli.terminal import Terminal

    mistakes = any(each.mistakes is not None for each in found)
    doubt = "mistakes expected" if mistakes else "unsure"
    table = Table("", "where", doubt, "sentence, with [mentions] as the tagger reads them")
    for number, each in enumerate(found, 1):
        words, end = "", 0
        for mention in each.as_document().mentions:
            words += f"{each.text[end : mention.start]}[{each.text[mention.start : mention.end]}]"
            end = mention.end
        words += each.text[end:]
        table.add_row(
            str(number), Text(each.id, overflow="fold"),
            f"{each.reading.uncertainty if each.mistakes is None else each.mistakes:.2f}",
            Text(words),
        )  # fmt: skip
    stream = sys.stderr if err else sys.stdout
    Terminal(width=None if stream.isatty() else 120, stderr=err).print(table)
