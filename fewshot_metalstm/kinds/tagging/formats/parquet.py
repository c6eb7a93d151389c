"""Parquet for large outputs: a row a document, its mentions as a list of structures.

Columns: ``id``, ``text``, ``mentions`` (``start``, ``end``, ``type``, ``text``, ``id``,
``confidence``, ``fragments``, ``attributes``), ``passages``, ``sentences``, ``tokens``. Needs
pyarrow, which comes with MLflow. A file is read and written a block of documents at a time.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import islice
from pathlib import Path
from typing import Any

from fewshot_metalstm.errors import UserError, at
from fewshot_metalstm.kinds.tagging.corpora.bad import BadAnnotations
from fewshot_metalstm.kinds.tagging.formats import files
from fewshot_metalstm.kinds.tagging.formats.document import Document
from fewshot_metalstm.kinds.tagging.formats.jsonl import as_record
from fewshot_metalstm.kinds.tagging.formats.notes import Notes
from fewshot_metalstm.kinds.tagging.formats.records import Place, read_record

_READ, _WRITTEN = 64, 1024  # documents
_MAX_GROUP = 2**30  # bytes of a row group, unpacked
_MAX_VALUES = 2**26  # of a column in a row group: a few bytes can repeat one value for ever


def read(path: Path, notes: Notes, bad: BadAnnotations) -> Iterator[Document]:
    """The documents of a file that has the columns ``text`` and ``mentions``."""
    pa, pq = _pyarrow()
    number = 0
    try:
        # As a dictionary a text is held once, however many rows repeat it.
        with pq.ParquetFile(path, read_dictionary=["text"]) as file:
            for group in map(file.metadata.row_group, range(file.metadata.num_row_groups)):
                columns = map(group.column, range(group.num_columns))
                values = max((column.num_values for column in columns), default=0)
                if group.total_byte_size > _MAX_GROUP or values > _MAX_VALUES:
                    problem = f"has a row group of more than 1 GiB, or {_MAX_VALUES} values"
                    raise at(path, None, problem, "write smaller ones")
            for batch in file.iter_batches(batch_size=_READ):
                _check_texts(batch, path)
                for index in range(batch.num_rows):
                    row = batch.slice(index, 1).to_pylist()[0]
                    number += 1
                    place = Place(path, None, f"{number}", bad)
                    try:
                        found = read_record(
                            _plain(row, place), place, notes, f"{path.stem}-{number}"
                        )
                    except UserError as error:
                        bad.document(error)
                    else:
                        yield found
    except (pa.ArrowException, OSError, ValueError, TypeError, KeyError) as error:
        reason = " ".join(str(error).split())[:120] or type(error).__name__
        raise at(path, None, f"cannot be read as Parquet ({reason})", "write it again") from None


def _check_texts(batch: Any, path: Path) -> None:
    """Refuse texts that are too long, before they are made objects of."""
    import pyarrow.compute as pc

    for name in ("text", "id"):
        column = batch.column(name) if batch.schema.names.count(name) == 1 else None
        words = getattr(column, "dictionary", column)
        if words is None or str(words.type) not in ("string", "large_string"):
            continue
        if (pc.max(pc.binary_length(words)).as_py() or 0) > files.MAX_DOCUMENT:
            size = files.MAX_DOCUMENT >> 20
            raise at(path, None, f"holds a {name} of more than {size} MiB", "split the document")


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
