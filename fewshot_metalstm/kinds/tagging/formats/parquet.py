"""Parquet for large outputs: a row a document, its mentions as a list of structures.

Columns: ``id``, ``text``, ``mentions`` (``start``, ``end``, ``type``, ``text``, ``id``,
``confidence``, ``fragments``, ``attributes``), ``passages``, ``sentences``, ``tokens``. Needs
pyarrow, which comes with MLflow. A file is read and written a block of documents at a time, and
read in a process of its own.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from itertools import chain, islice
from pathlib import Path
from typing import Any

from fewshot_metalstm.errors import UserError, at
from fewshot_metalstm.interrupts import held_back
from fewshot_metalstm.kinds.tagging.corpora.bad import BadAnnotations
from fewshot_metalstm.kinds.tagging.corpora.schemes import Scheme
from fewshot_metalstm.kinds.tagging.formats import files, huggingface, parquet_rows
from fewshot_metalstm.kinds.tagging.formats.document import Document
from fewshot_metalstm.kinds.tagging.formats.jsonl import as_record
from fewshot_metalstm.kinds.tagging.formats.notes import Notes
from fewshot_metalstm.kinds.tagging.formats.records import Place, read_record

_WRITTEN = 1024  # documents
# The file as a program, and no module of the folder that the user happens to be in.
_RUN = """
import sys
sys.path[:] = filter(None, sys.path)
import runpy
runpy.run_path(sys.argv.pop(1), run_name="__main__")
"""


def read(
    path: Path, notes: Notes, bad: BadAnnotations, *, scheme: Scheme | str | None = None,
    repair: bool = False,
) -> Iterator[Document]:  # fmt: skip
    """The documents of a file with the columns ``text`` and ``mentions``.

    One with the columns ``tokens`` and ``ner_tags`` in their place, as data sets of Hugging Face
    have them, is read as those are in JSON; the names of tags that are numbers stand in the file.
    """
    with _rows(path) as lines:
        names = _names_of_tags(next(lines)["tags"], path)
        placed = ((Place(path, None, f"{n}", bad), line["row"]) for n, line in enumerate(lines, 1))
        first = next(placed, None)
        if first is None:
            return
        given = chain([first], placed)
        if first[1].get("text") is None and isinstance(first[1].get("tokens"), list):
            yield from huggingface.sentences(given, path, names, notes, bad, scheme, repair)
            return
        for place, row in given:
            try:
                found = read_record(
                    _plain(row, place), place, notes, f"{path.stem}-{place.document}"
                )
            except UserError as error:
                bad.document(error)
            else:
                yield found


@contextmanager
def _rows(path: Path) -> Iterator[Iterator[dict[str, Any]]]:
    """What :mod:`~fewshot_metalstm.kinds.tagging.formats.parquet_rows` says, in a process of its
    own: the library that reads the file may crash."""
    _pyarrow()
    with held_back():  # within, Ctrl-C reaches this process alone, which ends the other
        process = subprocess.Popen(
            [sys.executable, "-c", _RUN, parquet_rows.__file__, str(path)],
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
            env={**os.environ, "PYTHONPATH": os.pathsep.join(filter(None, sys.path))},
        )  # fmt: skip
    try:
        yield _lines(process, path)
    finally:
        process.kill()
        process.communicate()


def _lines(process: subprocess.Popen[bytes], path: Path) -> Iterator[dict[str, Any]]:
    assert process.stdout is not None
    problem = None
    for line in process.stdout:
        if not line.endswith(b"\n"):  # cut by a crash
            break
        value = json.loads(line)
        if "done" in value:
            return
        if "refused" in value:
            raise at(path, None, *value["refused"])
        if "error" in value:
            problem = value["error"]
            break
        yield value
    if problem is None:
        code = process.wait()
        how = signal.Signals(-code).name if code < 0 else f"exit code {code}"
        problem = f"what reads it was ended by {how}"
    raise at(path, None, f"cannot be read as Parquet ({problem})", "write it again")


def _names_of_tags(given: str | None, path: Path) -> list[str] | None:
    """The names of tags in what a data set's file says of itself, or in a file beside it."""
    try:
        value = json.loads(given) if given is not None else None
    except (ValueError, RecursionError):
        value = None
    info = value.get("info") if isinstance(value, dict) else None
    return huggingface.listed(info) or huggingface.names_beside(path)


def _plain(row: dict[str, Any], place: Place) -> dict[str, Any]:
    for item in place.items(row.get("mentions"), "'mentions'"):
        given = place.items(place.object(item, "a mention").get("attributes"), "'attributes'")
        attributes: dict[str, list[Any]] = {}
        for pair in given:
            pair = place.object(pair, "an attribute")
            name = place.text(pair.get("name"), "an attribute's name")
            attributes.setdefault(name, []).append(pair.get("value"))
        item["attributes"] = attributes
    return row


def write(documents: Iterable[Document], path: Path, notes: Notes) -> None:
    """Write a file; it is there when all of it is."""
    pa, pq = _pyarrow()
    schema = _schema(pa)
    source = iter(documents)
    with files.replacing_path(path) as part, pq.ParquetWriter(part, schema) as writer:
        while block := [_row(document) for document in islice(source, _WRITTEN)]:
            writer.write_table(pa.Table.from_pylist(block, schema=schema))


def _row(document: Document) -> dict[str, Any]:
    row = as_record(document)
    for value, mention in zip(row["mentions"], document.mentions, strict=True):
        value["fragments"] = [{"start": a, "end": b} for a, b in mention.fragments]
        value["attributes"] = [{"name": k, "value": v} for k, v in mention.attributes]
    for key in ("sentences", "tokens"):
        row[key] = [{"start": a, "end": b} for a, b in getattr(document, key)]
    return row


def _schema(pa: Any) -> Any:
    bounds = [("start", pa.int64()), ("end", pa.int64())]
    pair = pa.struct([("name", pa.string()), ("value", pa.string())])
    mention = pa.struct([
        *bounds, ("type", pa.string()), ("text", pa.string()), ("id", pa.string()),
        ("confidence", pa.float64()),
        ("fragments", pa.list_(pa.struct(bounds))), ("attributes", pa.list_(pair)),
    ])  # fmt: skip
    return pa.schema([
        ("id", pa.string()), ("text", pa.string()), ("mentions", pa.list_(mention)),
        ("passages", pa.list_(pa.struct([*bounds, ("type", pa.string())]))),
        ("sentences", pa.list_(pa.struct(bounds))), ("tokens", pa.list_(pa.struct(bounds))),
    ])  # fmt: skip


def _pyarrow() -> tuple[Any, Any]:
    try:
        import pyarrow
        import pyarrow.parquet
    except ImportError:
        raise UserError("Parquet needs the package pyarrow; install it") from None
    return pyarrow, pyarrow.parquet
