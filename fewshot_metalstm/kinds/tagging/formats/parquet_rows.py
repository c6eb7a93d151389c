"""The rows of a Parquet file as lines of JSON: run as a program, so that a crash ends it alone.

The library in C++ that reads Parquet ends its process on some damaged files. What it reads is
written to standard output: ``{"tags": NAMES}``, the names of a data set's tags or null; then
``{"row": ...}`` for each row; and in the end ``{"done": true}`` or ``{"error": REASON}``.
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Iterator
from typing import Any

_BATCH = 64  # rows
_MAX_GROUP = 2**30  # bytes of a row group, unpacked
_MAX_VALUES = 2**26  # of a column in a row group: a few bytes can repeat one value for ever
_MAX_TEXT = 16 * 2**20  # bytes, of a document
_METADATA = b"huggingface"


class _Refused(Exception):
    """Why a file is not read: the problem and the cure."""


def rows(path: str) -> Iterator[dict[str, Any]]:
    """What is written of a file, but for its end.

    Raises:
        _Refused: it is larger than what is read.
    """
    import pyarrow.parquet as pq

    # As a dictionary a text is held once, however many rows repeat it.
    texts = [name for name in pq.read_schema(path).names if name == "text"]
    with pq.ParquetFile(path, read_dictionary=texts) as file:
        for group in map(file.metadata.row_group, range(file.metadata.num_row_groups)):
            columns = map(group.column, range(group.num_columns))
            values = max((column.num_values for column in columns), default=0)
            if group.total_byte_size > _MAX_GROUP or values > _MAX_VALUES:
                problem = f"has a row group of more than 1 GiB, or {_MAX_VALUES} values"
                raise _Refused(problem, "write smaller ones")
        given = (file.schema_arrow.metadata or {}).get(_METADATA)
        yield {"tags": given.decode("utf-8", "replace") if given is not None else None}
        for batch in file.iter_batches(batch_size=_BATCH):
            _check_texts(batch)
            for index in range(batch.num_rows):
                yield {"row": batch.slice(index, 1).to_pylist()[0]}


def _check_texts(batch: Any) -> None:
    """Refuse texts that are too long, before they are made objects of."""
    import pyarrow.compute as pc

    for name in ("text", "id"):
        column = batch.column(name) if batch.schema.names.count(name) == 1 else None
        words = getattr(column, "dictionary", column)
        if words is None or str(words.type) not in ("string", "large_string"):
            continue
        if (pc.max(pc.binary_length(words)).as_py() or 0) > _MAX_TEXT:
            problem = f"holds a {name} of more than {_MAX_TEXT >> 20} MiB"
            raise _Refused(problem, "split the document")


def _other(value: Any) -> dict[str, str]:
    """In the place of a value that JSON has no word for, and no document either."""
    return {"unreadable": type(value).__name__}


def main(path: str) -> None:
    """Write the rows of a file; whatever happens is said in the last line."""
    with os.fdopen(os.dup(1), "w", encoding="utf-8") as out:
        try:
            for line in rows(path):
                out.write(json.dumps(line, default=_other) + "\n")
            end: dict[str, Any] = {"done": True}
        except BrokenPipeError:
            raise
        except _Refused as refused:
            end = {"refused": refused.args}
        except Exception as error:
            end = {"error": " ".join(str(error).split())[:120] or type(error).__name__}
        out.write(json.dumps(end) + "\n")


if __name__ == "__main__":
    main(sys.argv[1])
