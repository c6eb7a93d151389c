"""JSON lines: an object a line with a text and its mentions.

Written, and read back whole::

    {"id": "12", "text": "IL-2 and IL-4", "mentions": [
        {"start": 0, "end": 4, "type": "Gene", "text": "IL-2", "id": "T1"}, ...]}

and with ``fragments`` of a discontinuous mention, its ``attributes`` (name to a list of values)
and ``confidence`` (0 to 1), and ``passages``, ``sentences`` and ``tokens`` where a document has
them. What `tag-corpus --text` writes is of this shape. Also read: the lists under ``spans``,
``entities``, ``labels`` or ``label``, of objects or of ``[start, end, type]``, as spaCy, doccano
and others write them; ``score`` is a confidence too, where it is from 0 to 1.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any

from fewshot_metalstm.errors import UserError, at
from fewshot_metalstm.kinds.tagging.corpora.bad import BadAnnotations
from fewshot_metalstm.kinds.tagging.formats import files
from fewshot_metalstm.kinds.tagging.formats.document import Document, Mention
from fewshot_metalstm.kinds.tagging.formats.notes import Notes
from fewshot_metalstm.kinds.tagging.formats.records import Place, read_record
from fewshot_metalstm.printable import encodable


def objects(path: Path, bad: BadAnnotations) -> Iterator[tuple[Place, dict[str, Any]]]:
    """The objects of a file, one a line or in a list, and where each stands."""
    empty = True
    for number, value in files.json_values(path, bad.document):
        empty = False
        for item in value if isinstance(value, list) else [value]:
            place = Place(path, number, None, bad)
            try:
                found = dict(place.object(item, "the line" if number else "an item"))
            except UserError as error:
                bad.document(error)
            else:
                yield place, found
    if empty:
        raise at(path, None, "holds no document", "give a file with an object a line")


def each_document(
    path: Path, bad: BadAnnotations, read: Callable[[dict[str, Any], Place, str], Document]
) -> Iterator[Document]:
    """What ``read`` makes of each object, its place, and an id for a document without one."""
    for count, (place, record) in enumerate(objects(path, bad), 1):
        try:
            document = read(record, place, f"{path.stem}-{count}")
            if not (encodable(document.id) and encodable(document.text)):
                problem = "holds a lone surrogate, which is no character"
                raise place.error(problem, r"mend its \ud800 to \udfff")
        except UserError as error:
            bad.document(error)
        else:
            yield document


def read(path: Path, notes: Notes, bad: BadAnnotations) -> Iterator[Document]:
    """The documents of a file; one without an id has the file's name and its number for one."""
    return each_document(path, bad, lambda r, place, name: read_record(r, place, notes, name))


def write(documents: Iterable[Document], path: Path, notes: Notes) -> None:
    """Write a file, a document a line."""
    write_objects(map(as_record, documents), path)


def write_objects(values: Iterable[dict[str, Any]], path: Path) -> None:
    """Write objects, one a line; the file is whole or not there."""
    with files.replacing(path) as file:
        for value in values:
            file.write(json.dumps(value, ensure_ascii=False) + "\n")


def as_record(document: Document) -> dict[str, Any]:
    """The object that a document is written as."""
    record: dict[str, Any] = {
        "id": document.id,
        "text": document.text,
        "mentions": [_mention(document.text, mention) for mention in document.mentions],
    }
    if document.passages:
        record["passages"] = [
            {"start": p.start, "end": p.end, "type": p.type} for p in document.passages
        ]
    if document.sentences:
        record["sentences"] = document.sentences
    if document.tokens:
        record["tokens"] = document.tokens
    return record


def _mention(text: str, mention: Mention) -> dict[str, Any]:
    words = " ".join(text[start:end] for start, end in mention.pieces)
    value: dict[str, Any] = {
        "start": mention.start, "end": mention.end, "type": mention.type, "text": words,
    }  # fmt: skip
    if mention.id:
        value["id"] = mention.id
    if mention.confidence is not None:
        value["confidence"] = mention.confidence
    if mention.fragments:
        value["fragments"] = mention.fragments
    if mention.attributes:
        value["attributes"] = {}
        for key, each in mention.attributes:
            value["attributes"].setdefault(key, []).append(each)
    return value
