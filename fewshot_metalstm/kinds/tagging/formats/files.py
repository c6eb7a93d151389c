"""Bytes in and out: bounded, UTF-8, whole or not at all.

No reader holds more than one document, and no document may be larger than ``MAX_DOCUMENT`` bytes
in its file; what comes as one JSON value, which has to be held as a whole, not larger than
``MAX_JSON``. Memory is bounded by these: Python's objects take up to some twenty times the bytes
of JSON that is made to be large, and a few times those of text.
"""

from __future__ import annotations

import errno
import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TextIO

from fewshot_metalstm.errors import UserError, at
from fewshot_metalstm.writing import beside

MAX_DOCUMENT = 16 * 2**20
MAX_JSON = 64 * 2**20
_BOM = b"\xef\xbb\xbf"


def read_bytes(path: Path, limit: int = MAX_DOCUMENT) -> bytes:
    """The bytes of a file of at most ``limit``; :class:`UserError` where it cannot be read."""
    with opened(path) as stream:
        data: bytes = stream.read(limit + 1)
    if len(data) > limit:
        raise at(path, None, f"is larger than {limit >> 20} MiB", "split it")
    return data


@contextmanager
def opened(path: Path) -> Iterator[Any]:
    """The bytes of a file as a stream; an error of the system names the file."""
    try:
        with path.open("rb") as stream:
            yield stream
    except OSError as error:
        reason = error.strerror or type(error).__name__
        raise at(path, None, f"cannot be read ({reason})", "check the path") from None


def decode(data: bytes, path: Path, line: int = 1) -> str:
    """UTF-8 to text; ``line`` is the number of the first line of ``data``."""
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError as error:
        number = line + data.count(b"\n", 0, error.start)
        byte = f"byte 0x{data[error.start]:02x}"
        raise at(path, number, f"{byte} is not UTF-8", "convert the file to UTF-8") from None


def read_text(path: Path, limit: int = MAX_DOCUMENT) -> str:
    """A whole text file, line ends as they are, without a byte order mark."""
    return decode(read_bytes(path, limit).removeprefix(_BOM), path)


def lines(path: Path) -> Iterator[tuple[int, str]]:
    """Number (from 1) and text of every line, split at LF alone, without its LF or CR LF."""
    with opened(path) as stream:
        number = 0
        while data := stream.readline(MAX_DOCUMENT + 1):
            number += 1
            if len(data) > MAX_DOCUMENT:
                problem = f"is a line of more than {MAX_DOCUMENT >> 20} MiB"
                raise at(path, number, problem, "split the document")
            if number == 1:
                data = data.removeprefix(_BOM)
            text = decode(data, path, number)
            yield number, text.removesuffix("\n").removesuffix("\r")


def parse_json(text: str, path: Path, line: int | None = None) -> Any:
    """The value of a JSON text; one nested too deeply is refused like one that is ill-formed."""
    try:
        return json.loads(text)
    except json.JSONDecodeError as error:
        number = error.lineno if line is None else line
        raise at(path, number, f"is not JSON ({error.msg}, column {error.colno})",
                 "mend it, or name the format with --format") from None  # fmt: skip
    except RecursionError:
        raise at(
            path, line, "is JSON nested too deeply", "no format needs that: remove it"
        ) from None
    except ValueError:  # whole numbers of thousands of digits
        raise at(path, line, "holds a number that is too long", "mend it") from None


def json_values(
    path: Path, bad: Callable[[UserError], None] | None = None
) -> Iterator[tuple[int | None, Any]]:
    """The values of a file of JSON: one a line (with its number), or one that is the whole file.

    It is read by lines where its name says so, or its first line is an object by itself. ``bad``
    is called with the error of a line that is no JSON, and may raise it; None raises it.
    """
    if path.suffix.lower() in (".jsonl", ".ndjson") or _begins_with_object(path):
        for number, line in lines(path):
            if not line.strip():
                continue
            try:
                value = parse_json(line, path, number)
            except UserError as error:
                if bad is None:
                    raise
                bad(error)
            else:
                yield number, value
    else:
        text = read_text(path, MAX_JSON)
        if text.strip():
            yield None, parse_json(text, path)


def _begins_with_object(path: Path) -> bool:
    with opened(path) as stream:
        first = stream.readline(MAX_DOCUMENT).removeprefix(_BOM).strip()
    if not (first.startswith(b"{") and first.endswith(b"}")):
        return False
    try:
        return isinstance(json.loads(first), dict)
    except (ValueError, RecursionError):
        return False


@contextmanager
def replacing(path: Path) -> Iterator[TextIO]:
    """A text file that takes the place of ``path`` when the block ends well."""
    with replacing_path(path) as part, part.open("w", encoding="utf-8", newline="\n") as file:
        yield file


@contextmanager
def replacing_path(path: Path) -> Iterator[Path]:
    """The name of a file beside ``path`` that takes its place when the block ends well."""
    if path.is_dir():
        raise at(path, None, "is a folder", "name a file")
    with beside(path) as part:
        yield part


@contextmanager
def replacing_folder(path: Path) -> Iterator[Path]:
    """A folder that becomes ``path``, absent or empty till then, when the block ends well."""
    if path.is_dir() and any(path.iterdir()):
        raise _taken(path)
    if path.exists() and not path.is_dir():
        raise at(path, None, "is a file", "name a folder")
    with beside(path, _put_new) as folder:
        folder.mkdir()
        yield folder


def _put_new(folder: Path, path: Path) -> None:
    """Put a folder in a place where there is none, or an empty one."""
    try:
        folder.replace(path)
    except OSError as error:
        if error.errno not in (errno.ENOTEMPTY, errno.EEXIST):
            raise
        raise _taken(path) from None  # another process was quicker


def _taken(path: Path) -> UserError:
    return at(path, None, "holds files already", "name a new or an empty folder")


def absent(path: Path) -> UserError:
    """The error for a path that is not there."""
    return at(path, None, "there is no such file or folder", "check the path")
