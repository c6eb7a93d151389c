"""Telling whether a file is the one that the catalogue knows."""

from __future__ import annotations

import hashlib
import zlib
from pathlib import Path

GZIP = b"\x1f\x8b"  # what a file packed with gzip begins with
_GZIP_ALONE = 31  # zlib's word for a gzip file, and no other form
_PIECE = 1 << 20


def sha256(data: bytes) -> str:
    """SHA-256 in hexadecimal."""
    return hashlib.sha256(data).hexdigest()


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


def is_file_with(path: Path, expected: str | None) -> bool:
    """Whether there is a file at ``path`` with the SHA-256 ``expected`` (None: any file)."""
    try:
        data = path.read_bytes()
    except OSError:
        return False
    return expected in (None, catalogued(data, expected))
