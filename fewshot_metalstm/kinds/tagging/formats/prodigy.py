"""Prodigy's JSON lines: ``text``, ``spans`` with ``label``, and ``tokens`` where there are any.

Examples that were rejected or ignored are text that nobody annotated. The id of a document is
``id`` in the example's ``meta``, or the example's own.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

from fewshot_metalstm.kinds.tagging.corpora.bad import BadAnnotations
from fewshot_metalstm.kinds.tagging.formats.document import Document
from fewshot_metalstm.kinds.tagging.formats.jsonl import each_document, write_objects
from fewshot_metalstm.kinds.tagging.formats.notes import Notes
from fewshot_metalstm.kinds.tagging.formats.records import LISTS, Place, read_record


def read(path: Path, notes: Notes, bad: BadAnnotations) -> Iterator[Document]:
    """The examples of a file; what was rejected or ignored is not annotated."""

    def one(record: dict[str, Any], place: Place, name: str) -> Document:
        if record.get("answer", "accept") == "accept":
            return read_record(record, place, notes, name)
        notes["rejected"] += 1
        bare = {key: value for key, value in record.items() if key not in LISTS}
        return replace(read_record(bare, place, notes, name), annotated=False)

    return each_document(path, bad, one)


def write(documents: Iterable[Document], path: Path, notes: Notes) -> None:
    """Write a file, an example a line."""
    write_objects(map(_example, documents), path)


def _example(document: Document) -> dict[str, Any]:
    text, tokens = document.text, document.tokens
    starts = [start for start, _ in tokens]
    ends = [end for _, end in tokens]
    spans = []
    for mention in document.mentions:
        span: dict[str, Any] = {"start": mention.start, "end": mention.end, "label": mention.type}
        if mention.confidence is not None:
            span["score"] = mention.confidence
        first, last = bisect_left(starts, mention.start), bisect_left(ends, mention.end)
        if mention.start in starts[first : first + 1] and mention.end in ends[last : last + 1]:
            span |= {"token_start": first, "token_end": last}
        spans.append(span)
    example: dict[str, Any] = {"text": text, "meta": {"id": document.id}, "spans": spans}
    if tokens:
        example["tokens"] = [
            {"text": text[a:b], "start": a, "end": b, "id": n, "ws": text[b : b + 1] == " "}
            for n, (a, b) in enumerate(tokens)
        ]
    return example | {"answer": "accept"}
