"""Bytes to text where encodings are mixed: UTF-8, else Windows-1252, line by line.

A line that is UTF-8 is read so, and any other as Windows-1252, which is what such files hold
beside it; the five bytes that Windows-1252 leaves open stand for the control characters that
Latin-1 has in their place. A file that begins with the mark of UTF-16 is read as UTF-16. What was
read otherwise than as UTF-8 is counted.
"""

from __future__ import annotations

import codecs
from collections import Counter
from pathlib import Path

from fewshot_metalstm.errors import at

OTHER_ENCODING = "lines are not UTF-8 and were read as Windows-1252"
UTF16 = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)  # what such a file begins with
MAX_FILE = 2**30  # bytes
_OPEN = {byte: chr(byte) for byte in (0x81, 0x8D, 0x8F, 0x90, 0x9D)}


def read_bytes(path: Path) -> bytes:
    """A file's bytes; :class:`UserError` where it cannot be read or is too large."""
    try:
        with path.open("rb") as file:
            data = file.read(MAX_FILE + 1)
    except OSError as error:
        reason = error.strerror or type(error).__name__
        raise at(path, None, f"cannot be read ({reason})", "check the path") from None
    if len(data) > MAX_FILE:
        raise at(path, None, f"is larger than {MAX_FILE >> 20} MiB", "split it")
    return data


def decode(data: bytes, path: Path, notes: Counter[str] | None = None) -> str:
    """The text of a file's bytes, line ends as they are.

    Args:
        path: for messages.
        notes: what is counted, under :data:`OTHER_ENCODING`.

    Raises:
        UserError: bytes that are no text (UTF-16 that ends in the middle of a character, a zero).
    """
    if data.startswith(UTF16):
        try:
            return data.decode("utf-16")
        except UnicodeDecodeError:
            raise at(path, None, "is damaged UTF-16", "save it as UTF-8") from None
    data = data.removeprefix(codecs.BOM_UTF8)
    if b"\0" in data:
        line = data.count(b"\n", 0, data.index(b"\0")) + 1
        raise at(path, line, "holds a zero byte, which no text does", "save it as UTF-8 text")
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError:
        lines = data.split(b"\n")
    return "\n".join(_line(line, notes) for line in lines)


def _line(line: bytes, notes: Counter[str] | None) -> str:
    try:
        return line.decode("utf-8")
    except UnicodeDecodeError:
        if notes is not None:
            notes[OTHER_ENCODING] += 1
    return "".join(_OPEN.get(byte) or bytes([byte]).decode("cp1252") for byte in line)
