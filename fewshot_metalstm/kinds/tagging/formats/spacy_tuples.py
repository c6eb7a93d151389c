"""spaCy's examples of version 2, ``["text", {"entities": [[start, end, "type"], ...]}]``.

Read from JSON (a list of them, one a line, or under ``annotations`` as some annotators export
them, where ``null`` is a text that nobody annotated) and from Python files, of which lists of such
tuples are read and nothing is run. Written as a JSON list.
"""

from __future__ import annotations

import ast
import json
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

from fewshot_metalstm.errors import UserError, at
from fewshot_metalstm.kinds.tagging.corpora.bad import BadAnnotations
from fewshot_metalstm.kinds.tagging.formats import files
from fewshot_metalstm.kinds.tagging.formats.document import Document
from fewshot_metalstm.kinds.tagging.formats.looks import is_tuple
from fewshot_metalstm.kinds.tagging.formats.notes import Notes
from fewshot_metalstm.kinds.tagging.formats.records import Place, read_record

MAX_PYTHON = 4 * 2**20  # bytes; parsing takes a hundred times as much memory


def read(path: Path, notes: Notes, bad: BadAnnotations) -> Iterator[Document]:
    """The documents of a file; their ids are the file's name with a number."""
    number = 0
    for line, value in _values(path, bad):
        number += 1
        place = Place(path, line, f"{path.stem}-{number}", bad)
        if value is None:  # its text is lost, too
            notes["unannotated"] += 1
            continue
        try:
            yield _document(value, place, notes)
        except UserError as error:
            bad.document(error)
    if not number:
        raise at(path, None, "holds no document", 'give a list of ["text", {"entities": []}]')


def _document(value: Any, place: Place, notes: Notes) -> Document:
    if not is_tuple(value):
        raise place.error('is not ["text", {"entities": [...]}]')
    text, about = value
    entities = about["entities"]
    listed = list(entities) if isinstance(entities, (list, tuple)) else entities
    if isinstance(listed, list):
        listed = [list(each) if isinstance(each, tuple) else each for each in listed]
    record = {"text": text, "entities": listed}
    return read_record(record, place, notes, place.document or "")


def _values(path: Path, bad: BadAnnotations) -> Iterator[tuple[int | None, Any]]:
    """The examples of a file and the lines they stand in."""
    if path.suffix.lower() == ".py":
        yield from _of_python(path)
        return
    for line, value in files.json_values(path, bad.document):
        if isinstance(value, Mapping) and isinstance(value.get("annotations"), list):
            value = value["annotations"]
        if is_tuple(value) or not isinstance(value, list):
            yield line, value
        else:
            for item in value:
                yield line, item


def _of_python(path: Path) -> Iterator[tuple[int | None, Any]]:
    """The tuples in the lists of a Python file, by its syntax tree: nothing is run."""
    text = files.read_text(path, MAX_PYTHON)
    try:
        statements = ast.parse(text).body
        for statement in statements:
            value = getattr(statement, "value", None)
            items = value.elts if isinstance(value, (ast.List, ast.Tuple)) else []
            for item in items if any(map(_is_pair, items)) else ():
                yield item.lineno, ast.literal_eval(item)
    except SyntaxError as error:
        raise at(path, error.lineno, f"is no Python ({error.msg})", "mend it") from None
    except (ValueError, TypeError, MemoryError, RecursionError):
        problem = "holds more than texts, numbers and lists of them"
        raise at(path, None, problem, "write the examples as JSON") from None


def _is_pair(item: ast.expr) -> bool:
    """Whether an item may be an example: a script has lists of labels, of paths, too."""
    return isinstance(item, (ast.List, ast.Tuple)) and len(item.elts) == 2


def write(documents: Iterable[Document], path: Path, notes: Notes) -> None:
    """Write a list of examples."""
    with files.replacing(path) as file:
        file.write("[")
        for number, document in enumerate(documents):
            notes["lost_document_ids"] += 1
            entities = [[m.start, m.end, m.type] for m in document.mentions]
            value = json.dumps([document.text, {"entities": entities}], ensure_ascii=False)
            file.write((",\n" if number else "\n") + value)
        file.write("\n]\n")
