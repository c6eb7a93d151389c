"""Parquet for large outputs: a row a document, its mentions as a list of structures.

Columns: ``id``, ``text``, ``mentions`` (``start``, ``end``, ``type``, ``text``, ``id``,
``fragments``, ``attributes``), ``passages``, ``sentences``, ``tokens``. Needs pyarrow, which comes
with MLflow. A file is read and written a block of documents at a time.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import islice
from pathlib import Path
from typing import Any

from fewshot_metalstm.errors import UserError, at
from fewshot_metalstm.formats import files
from fewshot_metalstm.formats.document import Document
from fewshot_metalstm.formats.jsonl import as_record
from fewshot_metalstm.formats.notes import Notes
from fewshot_metalstm.formats.records import Place, read_record

_READ, _WRITTEN = 64, 1024  # documents
_MAX_GROUP = 2**30  # bytes of a row group, unpacked


def read(path: Path, notes: Notes) -> Iterator[Document]:
    """The documents of a file that has the columns ``text`` and ``mentions``."""
    pa, pq = _pyarrow()
    number = 0
    try:
        with pq.ParquetFile(path) as file:
            for group in range(file.metadata.num_row_groups):
                if file.metadata.row_group(group).total_byte_size > _MAX_GROUP:
                    raise at(path, None, "has a row group of more than 1 GiB", "write smaller ones")
            for batch in file.iter_batches(batch_size=_READ):
                for row in batch.to_pylist():
                    number += 1
                    place = Place(path, None, f"{number}")
                    yield read_record(_plain(row, place), place, notes, f"{path.stem}-{number}")
    except (pa.ArrowException, OSError, ValueError, TypeError, KeyError) as error:
        reason = " ".join(str(error).split())[:120] or type(error).__name__
        raise at(path, None, f"cannot be read as Parquet ({reason})", "write it again") from None


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
