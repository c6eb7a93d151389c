"""Telling whether a file is the one that was written, or that the catalogue knows."""

from __future__ import annotations

import hashlib
import json
import zlib
from collections.abc import Mapping
from functools import lru_cache
from pathlib import Path
from typing import Any

from fewshot_metalstm.errors import at

GZIP = b"\x1f\x8b"  # what a file packed with gzip begins with
SEAL = "config_sha256"  # where a file of JSON holds a digest of all else in it
_GZIP_ALONE = 31  # zlib's word for a gzip file, and no other form
_PIECE = 1 << 20


def sha256(data: bytes) -> str:
    """SHA-256 in hexadecimal."""
    return hashlib.sha256(data).hexdigest()


def sha256_of(path: Path) -> str:
    """SHA-256 of a file, read piece by piece, and once as long as its size and time are the same.

    A sweep asks for the digest of an encoder in every cell.
    """
    state = path.stat()
    return _sha256_of(path, state.st_size, state.st_mtime_ns)


@lru_cache(maxsize=256)
def _sha256_of(path: Path, size: int, changed: int) -> str:
    del size, changed
    total = hashlib.sha256()
    with path.open("rb") as file:
        while block := file.read(_PIECE):
            total.update(block)
    return total.hexdigest()


def sealed(content: Mapping[str, Any]) -> dict[str, Any]:
    """``content``, which JSON can hold, with a digest of itself for :func:`is_whole`."""
    return {**content, SEAL: _seal(content)}


def is_whole(content: Mapping[str, Any]) -> bool:
    """Whether ``content``, as read from JSON, is what was sealed, or was never sealed.

    White space and the order of keys do not count.
    """
    return SEAL not in content or content[SEAL] == _seal(content)


def _seal(content: Mapping[str, Any]) -> str:
    plain = json.loads(json.dumps({k: v for k, v in content.items() if k != SEAL}))
    return sha256(json.dumps(plain, sort_keys=True).encode())


def catalogued(data: bytes, expected: str | None) -> str:
    """SHA-256 of ``data``; of its text with LF, or unpacked, where only then it is ``expected``.

    git may check a text file out with CRLF: the same text all the same. And what is packed with
    gzip has other bytes with every version and time of packing.
    """
    plain = sha256(data)
    if expected is not None and plain != expected and b"\r\n" in data:
        normal = sha256(data.replace(b"\r\n", b"\n"))
        if normal == expected:
            return normal
    if expected not in (None, plain) and data.startswith(GZIP):
        inside = unpacked(data)
        if inside == expected:
            return inside
    return plain


def unpacked(data: bytes) -> str | None:
    """SHA-256 of what is packed with gzip in ``data``; None where it is damaged.

    It is unpacked piece by piece, so that no file can fill the memory.
    """
    found = hashlib.sha256()
    unpacker = zlib.decompressobj(wbits=_GZIP_ALONE)
    rest = data
    try:
        while not unpacker.eof:
            piece = unpacker.decompress(rest, _PIECE)
            rest = unpacker.unconsumed_tail
            if not piece and not rest and not unpacker.eof:
                return None  # cut off
            found.update(piece)
    except zlib.error:
        return None
    return None if unpacker.unused_data else found.hexdigest()


def unpacked_bytes(data: bytes, path: Path) -> bytes:
    """What is packed with gzip in ``data``, the bytes of ``path``; ``UserError`` if damaged."""
    import gzip

    try:
        return gzip.decompress(data)
    except (OSError, EOFError, zlib.error):
        raise at(path, None, "is no whole gzip file", "fetch or pack it again") from None


def is_file_with(path: Path, expected: str | None) -> bool:
    """Whether there is a file at ``path`` with the SHA-256 ``expected`` (None: any file)."""
    try:
        data = path.read_bytes()
    except OSError:
        return False
    return expected in (None, catalogued(data, expected))
