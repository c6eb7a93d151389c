"""Tagging one file: documents in, one JSON line a document out, bad records beside it."""

from __future__ import annotations

import gzip
import io
import json
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, TextIO

from fewshot_metalstm.kinds.tagging.bulk.readers import Digest, opened, read
from fewshot_metalstm.kinds.tagging.bulk.records import BadRecord, Item, Record
from fewshot_metalstm.kinds.tagging.corpora.schemes import spans
from fewshot_metalstm.kinds.tagging.corpora.text import split
from fewshot_metalstm.writing import beside, write_text

# Documents tagged together: enough to fill batches of like length, and a bound on memory.
BLOCK_RECORDS = 128
BLOCK_CHARACTERS = 500_000

Tag = Callable[[list[list[str]]], Sequence[Sequence[str]]]


@dataclass(frozen=True)
class FileJob:
    """One input file and where its outputs go; ``record`` is written last of them."""

    input: Path
    kind: str
    output: Path
    bad: Path
    record: Path


@dataclass(frozen=True)
class FileReport:
    """What came of a file: documents tagged, mentions found, bad records, seconds it took."""

    input: str
    output: str
    documents: int
    mentions: int
    bad: int
    seconds: float


@dataclass(frozen=True)
class TagSettings:
    """What an output depends on besides its input.

    ``model`` are SHA-256 of the model's files; ``documents`` is what a document of plain text
    is; ``with_text`` puts the text beside the mentions.
    """

    model: Mapping[str, str]
    documents: str
    with_text: bool
    version: str


def tag_file(tag: Tag, job: FileJob, settings: TagSettings) -> FileReport:
    """Tag a file; nothing of it is seen in the output's folder before all of it is there.

    Raises:
        UserError: the file as a whole cannot be read, or its outputs cannot be written.
    """
    start = time.perf_counter()
    counts = {"documents": 0, "mentions": 0, "bad": 0}
    digest = Digest()
    stamp = job.input.stat().st_mtime_ns
    with opened(job.input, digest) as stream, _lines(job.output) as out, _lines(job.bad) as bad:
        for block in _blocks(read(stream, job.input, job.kind, settings.documents)):
            good = [item for item in block if isinstance(item, Record)]
            for record, mentions in zip(good, tag_records(tag, good), strict=True):
                counts["documents"] += 1
                counts["mentions"] += len(mentions)
                line = {"id": record.id, "sections": record.sections, "mentions": mentions}
                if not record.sections:
                    del line["sections"]
                if settings.with_text:
                    line["text"] = record.text
                out.write(json.dumps(line, ensure_ascii=False) + "\n")
            for item in block:
                if isinstance(item, BadRecord):
                    counts["bad"] += 1
                    entry = {"file": _encodable(job.input.name), "record": item.number,
                             "id": item.id and _encodable(item.id),
                             "reason": _encodable(item.reason)}  # fmt: skip
                    bad.write(json.dumps(entry, ensure_ascii=False) + "\n")
    if not counts["bad"]:
        job.bad.unlink()
    report = FileReport(str(job.input), str(job.output), seconds=time.perf_counter() - start,
                        **counts)  # fmt: skip
    done = {
        "input": {"name": job.input.name, "bytes": digest.size, "mtime_ns": stamp,
                  "sha256": digest.sha.hexdigest()},
        "kind": job.kind,
        "settings": asdict(settings),
        "report": asdict(report),
    }  # fmt: skip
    write_text(json.dumps(done, indent=1) + "\n", job.record)
    return report


def tag_records(tag: Tag, records: Sequence[Record]) -> list[list[dict[str, Any]]]:
    """The mentions of every document; ``text[start:end]`` of the document is the mention."""
    pieces = [split(record.text) for record in records]
    sentences = [list(sentence.tokens) for found in pieces for sentence in found]
    tags = iter(tag(sentences) if sentences else ())
    mentions = []
    for record, found in zip(records, pieces, strict=True):
        of_record = []
        for sentence in found:
            marked = spans(tuple(next(tags)))
            offsets = sentence.offsets if marked else ()
            for span in marked:
                start, end = offsets[span.start][0], offsets[span.end - 1][1]
                of_record.append(
                    {"start": start, "end": end, "type": span.type, "text": record.text[start:end]}
                )
        mentions.append(of_record)
    return mentions


@contextmanager
def _lines(path: Path) -> Iterator[TextIO]:
    """A text file that takes the place of ``path`` when the block ends well; ``.gz`` packs it."""
    with beside(path) as part, part.open("wb") as raw:
        if path.suffix == ".gz":
            # No name and no time within, so that the same content is the same file.
            with gzip.GzipFile("", "wb", 6, raw, mtime=0) as packed, _text(packed) as file:
                yield file
        else:
            with _text(raw) as file:
                yield file


def _encodable(text: str) -> str:
    """``text`` with what UTF-8 cannot hold, half characters, as ``\\udc00``."""
    return text.encode("utf-8", "backslashreplace").decode("utf-8")


def _text(raw: Any) -> TextIO:
    return io.TextIOWrapper(raw, encoding="utf-8", newline="\n")


def _blocks(items: Iterator[Item]) -> Iterator[list[Item]]:
    block: list[Item] = []
    characters = 0
    for item in items:
        block.append(item)
        characters += len(item.text) if isinstance(item, Record) else 0
        if len(block) >= BLOCK_RECORDS or characters >= BLOCK_CHARACTERS:
            yield block
            block, characters = [], 0
    if block:
        yield block
