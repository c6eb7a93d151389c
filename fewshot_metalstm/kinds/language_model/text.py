"""Documents: text as bytes of UTF-8, with a title; and how they are read from files.

A model reads and writes bytes. There are 256 of them whatever the text is written in, so that no
character of any text is unknown, and none needs a price of its own.
"""

from __future__ import annotations

import bz2
import gzip
import io
import re
import zlib
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from fewshot_metalstm.data.digests import GZIP
from fewshot_metalstm.errors import UserError, at

BZIP2 = b"BZh"
LARGEST = 2**28  # bytes of a file, unpacked
_BOM = b"\xef\xbb\xbf"
_LOOKED_AT = 4096  # bytes by whose look a file is known as running text
_PROSE = 3  # words of a line of running text, at least, in the mean
_TAG = re.compile(r"O|[BIESLU]-\S+")  # what ends a line of a token with its tags


@dataclass(frozen=True)
class Document:
    """A text; ``data`` is UTF-8 and not empty."""

    title: str
    data: bytes

    @property
    def characters(self) -> int:
        """How many characters it has."""
        return len(self.data.decode())


def read_bytes(path: Path) -> bytes:
    """The content of a file, unpacked where it is packed with gzip or bzip2.

    Raises:
        UserError: it cannot be read, is damaged, or is too large.
    """
    try:
        data = path.read_bytes()
    except OSError as error:
        reason = (error.strerror or type(error).__name__).lower()
        raise at(path, None, f"cannot be read ({reason})", "check the path") from None
    if data.startswith(GZIP):
        data = _unpacked(path, "gzip", lambda: gzip.GzipFile(fileobj=io.BytesIO(data)))
    elif data.startswith(BZIP2):
        data = _unpacked(path, "bzip2", lambda: bz2.BZ2File(io.BytesIO(data)))
    if len(data) > LARGEST:
        raise at(path, None, f"has more than {LARGEST >> 20} MiB", "give less text")
    return data


def _unpacked(path: Path, form: str, opened: Callable[[], Any]) -> bytes:
    try:
        with opened() as packed:
            found: bytes = packed.read(LARGEST + 1)
    except (OSError, EOFError, zlib.error, ValueError) as error:
        reason = " ".join(str(error).split())
        raise at(path, None, f"is a damaged {form} file ({reason})", "copy it again") from None
    return found


def read_document(path: Path) -> Document:
    """A user's own text file, as it stands; a mark of byte order at its head is left out.

    Raises:
        UserError: no such file, one that is not UTF-8 text, or an empty one.
    """
    data = read_bytes(path).removeprefix(_BOM)
    check_text(path, data)
    if not data:
        raise at(path, None, "is empty", "give a file with text")
    return Document(path.name.split(".")[0], data)


def check_text(path: Path, data: bytes) -> None:
    """Refuse with a :class:`UserError` what is no UTF-8 text."""
    try:
        data.decode("utf-8")
    except UnicodeDecodeError as error:
        line = data[: error.start].count(b"\n") + 1
        raise at(path, line, "is not UTF-8", "save it as UTF-8") from None
    zero = data.find(b"\0")
    if zero >= 0:
        line = data[:zero].count(b"\n") + 1
        raise at(path, line, "has a zero byte, which no text has", "give a text file")


def looks_so(path: Path) -> bool:
    """Whether a file looks like running text: a ``.txt`` with sentences and no annotation.

    A text with annotation in a file beside it, or with columns, is not for a language model.
    """
    if path.suffix.lower() != ".txt" or path.with_suffix(".ann").exists():
        return False
    try:
        with path.open("rb") as file:
            head = file.read(_LOOKED_AT)
        text = head.decode("utf-8", errors="ignore")
    except OSError:
        return False
    lines = [line for line in text.splitlines() if line.strip()]
    if not lines or any("\t" in line for line in lines):
        return False
    words = [line.split() for line in lines]
    columns = len(lines) > 1 and len({len(each) for each in words}) == 1
    tagged = 2 * sum(_TAG.fullmatch(each[-1]) is not None for each in words) > len(lines)
    return sum(map(len, words)) >= _PROSE * len(lines) and not columns and not tagged


def unknown_file(path: Path) -> UserError:
    """The error for a file of a user's that is not there."""
    return at(path, None, "there is no such file", "check the path")
