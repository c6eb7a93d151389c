"""BioC JSON: a collection, a list of documents, or a document a line (as PubTator 3 gives them)."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from fewshot_metalstm.errors import UserError, at
from fewshot_metalstm.kinds.tagging.corpora.bad import BadAnnotations
from fewshot_metalstm.kinds.tagging.formats import files
from fewshot_metalstm.kinds.tagging.formats.bioc import as_object, read_document
from fewshot_metalstm.kinds.tagging.formats.document import Document
from fewshot_metalstm.kinds.tagging.formats.notes import Notes
from fewshot_metalstm.kinds.tagging.formats.records import Place

COLLECTIONS = ("documents", "PubTator3")
HEAD = {"source": "fewshot-metalstm", "date": "", "key": "", "infons": {}}


def read(path: Path, notes: Notes, bad: BadAnnotations) -> Iterator[Document]:
    """The documents of a file."""
    count = 0
    for number, value in files.json_values(path, bad.document):
        place = Place(path, number, None, bad)
        for item in _documents(value, place):
            count += 1
            try:
                document = place.object(item, "a document")
                if "passages" not in document:
                    raise place.error("a document has no 'passages'")
                found = read_document(document, place, notes, f"{path.stem}-{count}")
            except UserError as error:
                bad.document(error)
            else:
                yield found
        count += 1 if value == [] else 0
    if not count and not path.read_bytes().strip():
        raise at(path, None, "holds no document", "give a BioC collection")


def _documents(value: Any, place: Place) -> list[Any]:
    if isinstance(value, list):
        return value
    collection = place.object(value, "the file")
    key = next((key for key in COLLECTIONS if key in collection), None)
    return [value] if key is None else place.items(collection[key], f"'{key}'")


def write(documents: Iterable[Document], path: Path, notes: Notes) -> None:
    """Write a collection."""
    head = json.dumps(HEAD)
    with files.replacing(path) as file:
        file.write(f'{head[:-1]}, "documents": [')
        for number, document in enumerate(documents):
            value = json.dumps(as_object(document, notes), ensure_ascii=False)
            file.write((",\n" if number else "\n") + value)
        file.write("\n]}\n")
