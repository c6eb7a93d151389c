"""Text of people's own and of the catalogue: bytes as they are stored, unpacked and checked."""

from __future__ import annotations

import bz2
import gzip
import io
import zipfile
import zlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

from fewshot_metalstm.data import locate
from fewshot_metalstm.data.catalogue import CorpusEntry
from fewshot_metalstm.data.digests import GZIP, catalogued
from fewshot_metalstm.errors import UserError, at

BZIP2 = b"BZh"
ZIP = (b"PK\x03\x04", b"PK\x05\x06")  # the second is of one without a file
LARGEST = 2**28  # bytes of a file, unpacked
BOM = b"\xef\xbb\xbf"


def read_bytes(path: Path) -> bytes:
    """The content of a file, unpacked where it is packed with gzip, bzip2, or as the one in a zip.

    Raises:
        UserError: it cannot be read, is damaged, is too large, or is an archive of several files.
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
    elif data.startswith(ZIP):
        data = _unpacked(path, "zip", lambda: _only_member(path, data))
    if len(data) > LARGEST:
        raise at(path, None, f"has more than {LARGEST >> 20} MiB", "give less text")
    return data


def _unpacked(path: Path, form: str, opened: Callable[[], Any]) -> bytes:
    try:
        with opened() as packed:
            found: bytes = packed.read(LARGEST + 1)
    except (OSError, EOFError, zlib.error, zipfile.BadZipFile, RuntimeError, ValueError) as error:
        reason = " ".join(str(error).split())
        raise at(path, None, f"is a damaged {form} file ({reason})", "copy it again") from None
    return found


def _only_member(path: Path, data: bytes) -> Any:
    """The one file of an archive, opened."""
    archive = zipfile.ZipFile(io.BytesIO(data))
    names = [each.filename for each in archive.infolist() if not each.is_dir()]
    if len(names) != 1:
        problem = f"is an archive of {len(names)} files"
        raise at(path, None, problem, "unpack it, and give the one that is meant")
    if archive.getinfo(names[0]).flag_bits & 1:
        raise at(path, None, "needs a password", "unpack it, and give the text")
    return archive.open(names[0])


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


def read_catalogued(entry: CorpusEntry, file: str, data_dir: Path | None) -> tuple[Path, bytes]:
    """A text file of the catalogue, unpacked, its lines ended with LF; and where it is.

    Args:
        file: its key in the entry.

    Raises:
        UserError: it is absent, damaged, not the catalogue's, or no UTF-8 text.
    """
    path = locate.locate(entry, data_dir)[file]
    try:
        packed = path.read_bytes()
    except OSError as error:
        reason = (error.strerror or type(error).__name__).lower()
        raise at(path, None, f"cannot be read ({reason})", "check the path") from None
    wanted = entry.files[file].sha256
    if catalogued(packed, wanted) != wanted:
        problem = "is not the file of the catalogue (its SHA-256 differs)"
        raise at(path, None, problem, locate.cure(entry, data_dir))
    data = read_bytes(path).replace(b"\r\n", b"\n")
    check_text(path, data)
    return path, data


def unknown_file(path: Path) -> UserError:
    """The error for a file of a user's that is not there."""
    return at(path, None, "there is no such file", "check the path")
