"""What ``fewshot-metalstm predict`` does with a tagger: its options, and what it prints."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import chain, islice, repeat
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from fewshot_metalstm.errors import UserError
from fewshot_metalstm.kinds.tagging.cli.format_options import WrittenFormatOption, formats
from fewshot_metalstm.kinds.tagging.corpora.schemes import TOKEN
from fewshot_metalstm.kinds.tagging.corpora.sentence import TokenLabels, as_written
from fewshot_metalstm.printable import as_json, in_field, printable

if TYPE_CHECKING:
    from fewshot_metalstm.kinds.kind import PredictionRequest
    from fewshot_metalstm.kinds.tagging.adapt.predict import Predictor, TaggedSentence
    from fewshot_metalstm.kinds.tagging.formats import Document, Notes

_Command = TypeVar("_Command", bound=Callable[..., Any])
_Item = TypeVar("_Item")


def predict_options(command: _Command) -> _Command:
    """``--format``, ``--to`` and ``--confidence``."""
    options = (
        click.option("--format", "form", metavar="FORMAT", shell_complete=formats,
                     help="text, columns (a token a line), or a format of annotated text, such as "
                     "brat or bioc-xml.  [default: by name and look]"),
        click.option("--to", metavar="FORMAT", shell_complete=formats, cls=WrittenFormatOption,
                     help="Write all documents to --output, in this format: {formats}.  "
                     "[default: by the output's name]"),
        click.option("--confidence/--no-confidence", default=True, show_default=True,
                     help="Give each mention its probability, 0 to 1, where it has a place."),
    )  # fmt: skip
    for option in reversed(options):
        command = option(command)
    return command


def predict(
    request: PredictionRequest, *, form: str | None = None, to: str | None = None,
    confidence: bool = True,
) -> Iterator[str]:  # fmt: skip
    """Tag the files of a request; pieces of standard output, a sentence or document each."""
    from fewshot_metalstm.kinds.tagging.adapt.predict import Predictor
    from fewshot_metalstm.kinds.tagging.formats.notes import lines as note_lines
    from fewshot_metalstm.kinds.tagging.formats.table import to_be_written

    folder, files, output = request.model, request.files, request.output
    if output is None and to is not None:
        raise UserError(f"--to {to}: there is no --output to write; add --output PATH")
    into = None if output is None else to_be_written(output, to).name
    predictor = Predictor(folder, request.device)
    if output is not None and into is not None:
        result = written(predictor, files, form, output, into, confidence)
        for line in note_lines(result["notes"]):
            request.note(f"note: {line}")
        about = {"model": str(folder), "types": predictor.model.types, **result}
        summary = (
            f"{output}: {result['documents']} documents, {result['mentions']} mentions in {into}"
        )
        yield (as_json(about) if request.as_json else summary) + "\n"
    elif request.as_json:
        yield from json_pieces(folder, predictor, files, form, confidence)
    else:
        for path in files:
            yield from lines(predictor, path, form, confidence)


def kind_of(path: Path, form: str | None) -> str:
    """``text``, ``columns``, or the name of a format of annotated documents."""
    from fewshot_metalstm.kinds.tagging.adapt.predict import COLUMNS, TEXT, guess
    from fewshot_metalstm.kinds.tagging.formats import detect, find

    if form in (TEXT, COLUMNS):
        return str(form)
    name = find(form).name if form is not None else detect(path).name
    if name in ("conll", "conll-plain"):
        return COLUMNS
    return guess(path) if name == TEXT else name


def documents_of(path: Path, kind: str, notes: Notes) -> Iterator[Document]:
    """The documents of a file of any kind; of columns the first is read, and no tags."""
    from fewshot_metalstm.kinds.tagging.adapt.predict import COLUMNS
    from fewshot_metalstm.kinds.tagging.checking import any_text

    return any_text.documents_of(path, "conll" if kind == COLUMNS else kind, notes=notes)


def written(
    predictor: Predictor,
    files: Sequence[Path],
    form: str | None,
    output: Path,
    into: str,
    confidence: bool = True,
) -> dict[str, Any]:
    """Tag the documents of all files and write them; what was done."""
    from fewshot_metalstm.kinds.tagging.adapt.documents import (
        called,
        document_names,
        tag_documents,
    )
    from fewshot_metalstm.kinds.tagging.formats import Notes, find, write_documents
    from fewshot_metalstm.kinds.tagging.formats.notes import losses
    from fewshot_metalstm.kinds.tagging.formats.table import CONFIDENCES

    sure = confidence and CONFIDENCES in find(into).holds
    read, notes = Notes(), Notes()
    names = document_names(files)
    kinds = [kind_of(path, form) for path in files]
    each = map(documents_of, files, kinds, repeat(read))
    given = chain.from_iterable(map(called, each, files, names))

    def counted() -> Iterator[Document]:
        for document in tag_documents(predictor, given, confidence=sure):
            notes["documents"] += 1
            notes["mentions"] += len(document.mentions)
            yield document

    labels = isinstance(predictor.model.types, TokenLabels) and into in ("conll", "conll-plain")
    options = {"scheme": TOKEN} if labels else {}
    write_documents(counted(), output, into, notes=notes, **options)
    return {
        "files": [str(path) for path in files], "output": str(output), "format": into,
        "documents": notes["documents"], "mentions": notes["mentions"], "notes": losses(notes),
    }  # fmt: skip


def lines(
    predictor: Predictor, path: Path, form: str | None, confidence: bool = True
) -> Iterator[str]:
    """The output for a file, a string for each sentence or document."""
    from fewshot_metalstm.kinds.tagging.adapt.predict import COLUMNS, TEXT

    kind, types = kind_of(path, form), predictor.model.types
    if kind not in (TEXT, COLUMNS):
        from fewshot_metalstm.kinds.tagging.adapt.documents import tag_documents
        from fewshot_metalstm.kinds.tagging.formats import Notes

        given = documents_of(path, kind, Notes())
        for document in tag_documents(predictor, given, confidence=confidence):
            yield "".join(
                f"{in_field(f'{path}:{document.id}')}\t{m.start}\t{m.end}\t{in_field(m.type)}\t"
                f"{printable(' '.join(document.text[m.start : m.end].split()))}"
                + ("\n" if m.confidence is None else f"\t{m.confidence:.4f}\n")
                for m in document.mentions
            )
        return
    # A column of tags has no place for confidences.
    for sentence in predictor.file(path, kind, confidence=confidence and kind == TEXT):
        if sentence.source is None:
            rows = zip(sentence.tokens, as_written(types, sentence.tags), strict=True)
            yield "".join(f"{token}\t{tag}\n" for token, tag in rows) + "\n"
        else:
            yield "".join(
                f"{in_field(str(path))}\t{m['start']}\t{m['end']}\t{in_field(m['type'])}\t"
                f"{printable(m['text'])}" + (f"\t{m['confidence']:.4f}\n" if confidence else "\n")
                for m in sentence.mentions()
            )


def json_pieces(
    folder: Path, predictor: Predictor, files: Sequence[Path], form: str | None,
    confidence: bool = True,
) -> Iterator[str]:  # fmt: skip
    """One JSON object for all files, in pieces."""
    from fewshot_metalstm.kinds.tagging.adapt.predict import COLUMNS, TEXT

    head = as_json({"model": str(folder), "types": predictor.model.types})
    before = f'{head[:-1]}, "files": ['
    for path in files:
        kind = kind_of(path, form)
        # The first window is tagged before anything is written: most mistakes show there.
        parts: Iterator[dict[str, Any]]
        if kind in (TEXT, COLUMNS):
            tagged = predictor.file(path, kind, confidence=confidence)
            shown = map(_sentence, tagged, repeat(predictor.model.types))
            name, parts = "sentences", started(shown)
        else:
            name, parts = "documents", started(_records(predictor, path, kind, confidence))
        about = as_json({"file": str(path), "format": kind})
        yield f'{before}{about[:-1]}, "{name}": ['
        for number, value in enumerate(parts):
            yield (", " if number else "") + as_json(value)
        yield "]}"
        before = ", "
    yield "]}\n"


def _sentence(sentence: TaggedSentence, types: Sequence[str]) -> dict[str, Any]:
    tags = as_written(types, sentence.tags)
    return {"tokens": sentence.tokens, "tags": tags, "mentions": sentence.mentions()}


def _records(
    predictor: Predictor, path: Path, kind: str, confidence: bool
) -> Iterator[dict[str, Any]]:
    from fewshot_metalstm.kinds.tagging.adapt.documents import tag_documents
    from fewshot_metalstm.kinds.tagging.formats import Notes
    from fewshot_metalstm.kinds.tagging.formats.jsonl import as_record

    given = documents_of(path, kind, Notes())
    for document in tag_documents(predictor, given, confidence=confidence):
        record = as_record(document)
        yield {"id": record["id"], "mentions": record["mentions"]}


def started(items: Iterable[_Item]) -> Iterator[_Item]:
    """The same items, the first of which is known already."""
    rest = iter(items)
    return chain(list(islice(rest, 1)), rest)
