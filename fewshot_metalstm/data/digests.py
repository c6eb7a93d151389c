"""Telling whether a file is the one that the catalogue knows."""

from __future__ import annotations

import hashlib
from pathlib import Path


def sha256(data: bytes) -> str:
    """SHA-256 in hexadecimal."""
    return hashlib.sha256(data).hexdigest()


def catalogued(data: bytes, expected: str | None) -> str:
    """SHA-256 of ``data``; of its text with LF where only then it is ``expected``.

    git may check a text file out with CRLF: the same text all the same.
    """
    plain = sha256(data)
    if expected is not None and plain != expected and b"\r\n" in data:
        normal = sha256(data.replace(b"\r\n", b"\n"))
        if normal == expected:
            return normal
    return plain


def is_file_with(path: Path, expected: str | None) -> bool:
    """Whether there is a file at ``path`` with the SHA-256 ``expected`` (None: any file)."""
    try:
        data = path.read_bytes()
    except OSError:
        return False
    return expected in (None, catalogued(data, expected))
