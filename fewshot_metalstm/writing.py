"""Files and folders that are there when they are whole: made beside their place, then put there.

What is made goes into a hidden folder beside the place, ``.NAME.xxxxxxxx.part``, on which its
process holds a lock (``flock``). After ``kill -9`` the folder is left and the lock is not: the
next process that writes to the same place removes it. Where a file system has no locks nothing is
removed, since nobody can tell what is still being written.

A disk that is full, and a place that cannot be written to, become a line that names the place.
"""

from __future__ import annotations

import csv
import errno
import fcntl
import io
import os
import re
import shutil
import stat
import tempfile
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path

from fewshot_metalstm.errors import CURES, UserError, at

_FULL = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
_NAMED = (errno.EACCES, errno.EPERM, errno.EROFS, errno.EIO, errno.EISDIR, errno.ENAMETOOLONG)
# By the suffix of a table; standard output has none.
DELIMITERS = {"": ",", ".csv": ",", ".tsv": "\t"}
_TEXTS = (".txt", ".ann", ".a1", ".a2")
_NEW = "new"  # in the hidden folder: no name that anything looks for
_RUST_ERROR = re.compile(r"\((?:os error|Os \{ code:) (\d+)")  # as new safetensors say, and old


@contextmanager
def beside(path: Path, put: Callable[[Path, Path], object] = os.replace) -> Iterator[Path]:
    """A path to make a file or a folder at, which takes the place of ``path`` if all goes well.

    Args:
        path: where it shall be; the folder above is made.
        put: puts the first path in the place of the second, where it may leave what was there
            at the first, to be removed.

    Raises:
        UserError: the disk is full, the place cannot be written to, or a device or pipe is there,
            which is nothing to replace.
    """
    with writing(path):
        _refuse_special(path)
        path.parent.mkdir(parents=True, exist_ok=True)
        remove_left(path)
        hidden, descriptor = _hidden(path)
        try:
            yield hidden / _NEW
            put(hidden / _NEW, path)
        finally:
            shutil.rmtree(hidden, ignore_errors=True)
            os.close(descriptor)


def refuse_inputs(
    path: Path, inputs: Iterable[Path], *,
    why: str = "is what is read; name another place to write to",
) -> None:  # fmt: skip
    """Refuse to write over what is read: a :class:`UserError`.

    Args:
        path: that shall be written.
        inputs: files, and folders, of which texts and annotations are read.
    """
    with suppress(OSError):  # one that is not there is refused where it is read
        if any(path.samefile(each) or _is_text_of(each, path) for each in inputs if each.exists()):
            raise UserError(f"{path}: {why}")


def _is_text_of(folder: Path, path: Path) -> bool:
    """Whether a file is a text or an annotation in a folder or below it."""
    inside = folder.is_dir() and path.resolve().is_relative_to(folder.resolve())
    return inside and path.is_file() and path.suffix in _TEXTS


def _refuse_special(path: Path) -> None:
    with suppress(OSError):  # not there, or said below
        mode = path.stat().st_mode
        if not (stat.S_ISREG(mode) or stat.S_ISDIR(mode)):
            raise at(path, None, "is a device or a pipe, which is not replaced", "name a file")


def write_text(text: str, path: Path) -> None:
    """Write a text file, whole or not at all; errors as of :func:`beside`."""
    with beside(path) as part:
        part.write_text(text, encoding="utf-8")


def delimiter_of(path: Path, what: str) -> str:
    """What stands between the cells of a table of this name.

    Args:
        what: it is, for the message: ``the table``.

    Raises:
        UserError: the name is of another form.
    """
    found = DELIMITERS.get(path.suffix.lower())
    if found is None:
        known = " or ".join(filter(None, DELIMITERS))
        raise UserError(f"{path}: {what} is written as {known}; name the file so")
    return found


def table_text(rows: Iterable[Sequence[object]], delimiter: str) -> str:
    """Rows as a table, an end of line (LF) behind each.

    A cell that holds an end of line of any form, a CR alone among them, stands in quotation marks.
    """
    return "".join(_row_text(row, delimiter) for row in rows)


def _row_text(row: Sequence[object], delimiter: str) -> str:
    text = io.StringIO(newline="")
    ends = "\r\n"  # only cells that hold a character of it are quoted for their ends of line
    csv.writer(text, delimiter=delimiter, lineterminator=ends).writerow(row)
    return f"{text.getvalue().removesuffix(ends)}\n"


@contextmanager
def writing(place: Path) -> Iterator[None]:
    """Turn what goes wrong with writing to ``place``, a file or a folder, into a line for the user.

    Errors of other places pass, and so do those that writing does not give. A full disk names no
    place: it is taken for that of this one.

    Raises:
        UserError: the disk is full, or the place cannot be written to.
    """
    try:
        yield
    except UserError:
        raise
    except Exception as error:
        number = _number(error)
        if number not in (*_FULL, *_NAMED) or not _concerns(error, number, place):
            raise
        problem = f"cannot be written ({os.strerror(number).lower()})"
        raise at(place, None, problem, CURES[number]) from error


def remove_left(path: Path) -> None:
    """Remove what processes that are gone have left of their writing to ``path``."""
    _remove_like(re.escape(path.name), path.parent)


def remove_left_within(folder: Path) -> None:
    """Remove what processes that are gone have left of their writing to any file of a folder."""
    _remove_like(".+", folder)


def _remove_like(name: str, folder: Path) -> None:
    left = re.compile(rf"\.{name}\.[a-z0-9_]{{8}}\.part")
    with suppress(OSError):
        for entry in list(os.scandir(folder)):
            if left.fullmatch(entry.name) and entry.is_dir(follow_symlinks=False):
                _remove(Path(entry.path))


def _remove(left: Path) -> None:
    """Remove a hidden folder, unless a process holds it or nobody can say."""
    with suppress(OSError):
        descriptor = os.open(left, os.O_RDONLY | os.O_DIRECTORY)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            shutil.rmtree(left, ignore_errors=True)
        finally:
            os.close(descriptor)


def _hidden(path: Path) -> tuple[Path, int]:
    """A new hidden folder for ``path`` and its descriptor, which holds the lock."""
    while True:
        hidden = Path(tempfile.mkdtemp(prefix=f".{path.name}.", suffix=".part", dir=path.parent))
        try:
            descriptor = os.open(hidden, os.O_RDONLY | os.O_DIRECTORY)
        except FileNotFoundError:  # taken for one that was left, before the lock was there
            continue
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:  # is being taken for one, this moment
            os.close(descriptor)
            continue
        except OSError:  # no locks here, and so nobody removes it
            return hidden, descriptor
        if hidden.is_dir():
            return hidden, descriptor
        os.close(descriptor)


def _number(error: Exception) -> int:
    """The system's number of an error; 0 where there is none."""
    if isinstance(error, OSError):
        return error.errno or 0
    if type(error).__module__.startswith("safetensors"):  # keeps it in its words
        found = _RUST_ERROR.search(str(error))
        return int(found[1]) if found else 0
    return 0


def _concerns(error: Exception, number: int, place: Path) -> bool:
    """Whether an error is one of writing to ``place``: to it, below it, or to a folder above."""
    given = getattr(error, "filename2", None) or getattr(error, "filename", None)
    if not isinstance(given, str | bytes | os.PathLike):
        return number in _FULL
    named, whole = Path(os.fsdecode(given)).absolute(), place.absolute()
    hidden = named.is_relative_to(whole.parent) and f".{place.name}." in str(named)
    return hidden or named.is_relative_to(whole) or whole.is_relative_to(named)
