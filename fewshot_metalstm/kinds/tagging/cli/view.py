"""``fewshot-metalstm view``: a page of a text as a tagger reads it, beside gold if given."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from fewshot_metalstm.cli.faults import beside_output, write_faults
from fewshot_metalstm.cli.viewing import show, view_command
from fewshot_metalstm.kinds.tagging.cli.format_options import bad_option

if TYPE_CHECKING:
    from fewshot_metalstm.kinds.tagging.corpora.bad import BadAnnotations
    from fewshot_metalstm.kinds.tagging.pages.view import View


@view_command(
    click.option("--format", "form", metavar="NAME",
                 help="The file's format, such as conll, brat or text.  [default: found]"),
    click.option("--gold/--no-gold", default=None,
                 help="Whether the file's mentions are the gold annotation.  [default: if it has "
                 "any]"),
    click.option("--overlaps", type=click.Choice(["longest", "error"]), default="longest",
                 show_default=True, help="What becomes of gold mentions that overlap."),
    bad_option,
)  # fmt: skip
def view(as_json: bool, quiet: bool, output: Path | None, file: Path, **options: Any) -> None:
    """Write a page that shows how the tagger in the folder MODEL reads FILE.

    Every mention has its type and confidence. Where FILE is annotated, what was missed, is
    spurious or has other bounds or another type than the gold annotation stands beside it. The
    page is one file, loads nothing, and needs no colour.
    """
    show(
        file, output, lambda html: run(file=file, html=html, **options), _said,
        as_json=as_json, quiet=quiet,
    )  # fmt: skip


def _said(shown: View) -> tuple[str, dict[str, Any]]:
    line = f"{len(shown.rows)} sentences, {shown.found} mentions"
    if shown.gold:
        wrong = ", ".join(f"{sum(s.counts[k.name] for s in shown.scores[-1:])} {k.name}"
                          for k in shown.kinds)  # fmt: skip
        line += f"; F1 {shown.scores[-1].f1:.2f}, {wrong}"
    return line, _figures(shown)


def run(
    *,
    model: Path,
    file: Path,
    html: Path,
    form: str | None,
    gold: bool | None,
    overlaps: str,
    device: str,
    bad_annotations: str = "error",
) -> View:
    """Read the file, tag it, write the page."""
    from fewshot_metalstm import runs
    from fewshot_metalstm.kinds.tagging.adapt.predict import Predictor
    from fewshot_metalstm.kinds.tagging.corpora.bad import BadAnnotations
    from fewshot_metalstm.kinds.tagging.formats.notes import Notes, lines
    from fewshot_metalstm.kinds.tagging.pages.view import make_view, placed, write_view
    from fewshot_metalstm.machine import pick_device
    from fewshot_metalstm.pages.render import check_page

    check_page(html, file)
    folder = runs.model_folder(model, "tagger")
    notes = Notes()
    bad = BadAnnotations(bad_annotations)
    documents = read(file, form, gold, notes, bad)
    sentences = placed(documents, overlaps, notes, file)
    if gold is None:
        gold = any(document.mentions for document in documents)
    predictor = Predictor(folder, pick_device(device))
    readings = predictor.read([sentence.tokens for sentence in sentences])
    shown = make_view(
        str(folder), predictor.model.types, sentences, readings, gold=gold, notes=lines(notes)
    )
    write_view(shown, f"{file.name}, as the tagger reads it", html)
    if bad.faults:
        write_faults(bad.rows(), beside_output(html))
    return shown


def read(
    file: Path, form: str | None, gold: bool | None, notes: Any, bad: BadAnnotations | None = None
) -> list[Any]:
    """The documents of a file in any format; a file of bare tokens has no tags to read.

    Where some are annotated, and gold is looked at, those that nobody annotated are left out.
    """
    from fewshot_metalstm.kinds.tagging.formats.registry import detect, find, read_documents
    from fewshot_metalstm.kinds.tagging.formats.unannotated import KEEP

    chosen = detect(file) if form is None else find(form)
    options: dict[str, Any] = {}
    if chosen.module == "conll":
        options["labelled"] = has_tags(file) if gold is None else gold
    found = list(
        read_documents(file, chosen.name, notes=notes, bad=bad, unannotated=KEEP, **options)
    )
    if gold is False or not any(document.annotated for document in found):
        return found
    kept = [document for document in found if document.annotated]
    notes["unannotated"] += len(found) - len(kept)
    return kept


def has_tags(file: Path) -> bool:
    """Whether the last of several columns looks like tags, in the first lines of a file."""
    from fewshot_metalstm.kinds.tagging.corpora.schemes import well_formed
    from fewshot_metalstm.kinds.tagging.formats.files import opened

    with opened(file) as stream:
        head = stream.read(65536).decode("utf-8", "replace").splitlines()
    rows = [line.split() for line in head[:200] if line.strip() and not line.startswith("#")]
    return any(len(row) > 1 and (well_formed(row[-1]) or row[-1] in "BI") for row in rows)


def _figures(shown: View) -> dict[str, Any]:
    result: dict[str, Any] = {
        "sentences": len(shown.rows), "mentions": shown.found, "types": list(shown.types),
        "gold": None,
    }  # fmt: skip
    if shown.gold:
        result["gold"] = {
            "mentions": shown.wanted,
            "scores": {
                s.name: {"f1": round(s.f1, 2), "precision": round(s.precision, 2),
                         "recall": round(s.recall, 2), "mentions": s.gold, **s.counts}
                for s in shown.scores
            },
        }  # fmt: skip
    return result
