"""Input files as streams of documents: PubMed XML, JSON lines, plain text, each also as ``.gz``."""

from __future__ import annotations

import gzip
import hashlib
import io
import json
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

from fewshot_metalstm.errors import UserError, at
from fewshot_metalstm.kinds.tagging.bulk.pubmed import read_pubmed
from fewshot_metalstm.kinds.tagging.bulk.records import (
    MAX_CHARACTERS,
    BadRecord,
    Item,
    Items,
    Record,
    checked,
)

PUBMED, JSONL, TEXT = "pubmed", "jsonl", "text"
KINDS = (PUBMED, JSONL, TEXT)
FILE, LINE = "file", "line"  # what a document of plain text is
_SUFFIXES = {".xml": PUBMED, ".jsonl": JSONL, ".ndjson": JSONL, ".txt": TEXT}
# JSON may write a character as \uXXXX, and one outside the first plane as two of them.
_MAX_LINE = 12 * MAX_CHARACTERS + 65_536
_BUFFER = 2**20


def kind_of(path: Path) -> str | None:
    """``pubmed``, ``jsonl`` or ``text`` by the name, ``.gz`` left out; None for any other."""
    return _SUFFIXES.get(Path(path.name.removesuffix(".gz")).suffix.lower())


class Digest:
    """SHA-256 and size of what was read of a file."""

    def __init__(self) -> None:
        self.sha = hashlib.sha256()
        self.size = 0


class _Watched(io.RawIOBase):
    """Bytes of a file, digested as they pass."""

    def __init__(self, source: io.FileIO, digest: Digest) -> None:
        self._source = source
        self._digest = digest

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: bytearray) -> int:  # type: ignore[override]
        count = self._source.readinto(buffer) or 0
        self._digest.sha.update(memoryview(buffer)[:count])
        self._digest.size += count
        return count


@contextmanager
def opened(path: Path, digest: Digest) -> Iterator[BinaryIO]:
    """The bytes of a file, decompressed if its name ends in ``.gz``.

    Raises:
        UserError: the compressed data are damaged or end too soon, as the block reads them.
    """
    with path.open("rb", buffering=0) as raw:
        stream: BinaryIO = io.BufferedReader(_Watched(raw, digest), _BUFFER)  # type: ignore[type-var]
        if path.suffix != ".gz":
            yield stream
            return
        try:
            with gzip.GzipFile(fileobj=stream, mode="rb") as unpacked:
                yield io.BufferedReader(unpacked, _BUFFER)
        except (EOFError, zlib.error, gzip.BadGzipFile) as problem:
            reason = " ".join(str(problem).split())
            raise at(path, None, f"is damaged ({reason})", "fetch the file again") from None


def read(stream: BinaryIO, path: Path, kind: str, documents: str = FILE) -> Items:
    """The documents of a file, in order, and the records that are none.

    Args:
        kind: ``pubmed``, ``jsonl`` (a line an object with ``id`` and ``text``) or ``text``.
        documents: whether a document of plain text is the ``file`` or a ``line``.

    Raises:
        UserError: the file as a whole cannot be read, or an unknown kind.
    """
    if kind == PUBMED:
        return read_pubmed(stream, path)
    if kind == JSONL:
        return _read_jsonl(stream)
    if kind == TEXT:
        name = path.name.removesuffix(".gz")
        return _read_lines(stream, name) if documents == LINE else _read_whole(stream, name)
    raise UserError(f"format {kind!r} is unknown; use {', '.join(KINDS)}")


def _lines(stream: BinaryIO) -> Iterator[tuple[int, bytes | None]]:
    """Number (from 1) and bytes of every line without its end; None for one that is too long."""
    number = 0
    while line := stream.readline(_MAX_LINE):
        number += 1
        if len(line) == _MAX_LINE and not line.endswith(b"\n"):
            while len(rest := stream.readline(_MAX_LINE)) == _MAX_LINE and rest[-1:] != b"\n":
                pass
            yield number, None
            continue
        if number == 1:
            line = line.removeprefix(b"\xef\xbb\xbf")
        yield number, line.rstrip(b"\r\n")


def _read_jsonl(stream: BinaryIO) -> Items:
    for number, line in _lines(stream):
        if line is None:
            yield BadRecord(number, f"is longer than {_MAX_LINE} bytes")
        elif line.strip():
            yield _json_record(number, line)


def _json_record(number: int, line: bytes) -> Item:
    try:
        value = json.loads(line.decode("utf-8"))
    except UnicodeDecodeError:
        return BadRecord(number, "is not UTF-8")
    except (ValueError, RecursionError) as problem:
        return BadRecord(number, f"is not JSON ({problem})")
    if not isinstance(value, dict):
        return BadRecord(number, "is no JSON object")
    name, text = value.get("id"), value.get("text")
    if isinstance(name, bool) or not isinstance(name, (str, int)) or name == "":
        return BadRecord(number, "has no id (text or whole number)")
    if not isinstance(text, str):
        return BadRecord(number, "has no text", str(name))
    return checked(number, Record(str(name), text))


def _read_lines(stream: BinaryIO, name: str) -> Items:
    for number, line in _lines(stream):
        if line is None:
            yield BadRecord(number, f"is longer than {_MAX_LINE} bytes")
        elif line.strip():
            yield _text_record(number, f"{name}:{number}", line)


def _read_whole(stream: BinaryIO, name: str) -> Items:
    data = stream.read(4 * MAX_CHARACTERS + 4)
    if len(data) > 4 * MAX_CHARACTERS + 3:
        while stream.read(_BUFFER):  # so that the digest is that of the whole file
            pass
        reason = f"is a document of more than {MAX_CHARACTERS} characters; use --documents line"
        yield BadRecord(1, reason, name)
    else:
        yield _text_record(1, name, data.removeprefix(b"\xef\xbb\xbf"))


def _text_record(number: int, name: str, data: bytes) -> Item:
    try:
        return checked(number, Record(name, data.decode("utf-8")))
    except UnicodeDecodeError:
        return BadRecord(number, "is not UTF-8", name)
