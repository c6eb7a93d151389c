"""One process at a time in a folder: a lock that ends with its process, however it ends.

The lock is the system's own (``flock``) on a small file in the folder, which says who holds it. It
is gone with the process, also after ``kill -9`` or a crash of the machine: a file that is left
behind locks nothing. On network file systems it holds between machines only where the server
supports locks (NFS version 4, or 3 with its lock daemon); where there are no locks at all, the
work goes on without one and a warning is logged.
"""

from __future__ import annotations

import errno
import fcntl
import json
import logging
import os
import socket
import stat
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO

from fewshot_metalstm.errors import UserError, at
from fewshot_metalstm.writing import writing

LOCK = ".fewshot-metalstm-lock"
_NO_LOCKS = (errno.ENOLCK, errno.ENOSYS, errno.ENOTSUP, errno.EOPNOTSUPP)
_NO_LINKS = os.O_NOFOLLOW | os.O_NONBLOCK  # and no waiting for the other end of a pipe
_log = logging.getLogger(__name__)


class Busy(UserError):
    """Another process holds the folder."""


@contextmanager
def locked(folder: Path, what: str, *, keep: bool = False) -> Iterator[None]:
    """Hold ``folder`` for this process within the block; it is made if it is not there.

    Args:
        what: what is written there, for the message to others.
        keep: leave the lock's file there afterwards, as a mark of who works in the folder.

    Raises:
        Busy: another process is at work there.
        UserError: the folder cannot be written to, or its disk is full, before or in the block.
    """
    if folder.is_file():
        raise UserError(f"{folder}: is a file; name a folder for {what}")
    if purpose(folder) not in (None, what) and not holds_nothing(folder):
        raise UserError(f"{folder}: holds other files; name another folder for {what}")
    new = not folder.exists()
    handle = _open(folder, what)
    try:
        with writing(folder):
            yield
    finally:
        # Removed while it is held, so that nobody else's file is.
        with suppress(OSError):
            if not keep:
                (folder / LOCK).unlink()
            if new:
                folder.rmdir()  # which a folder with anything in it refuses
        handle.close()


def holds_nothing(folder: Path) -> bool:
    """Whether ``folder`` is absent or has nothing in it but a lock's file, held or not."""
    if not folder.exists():
        return True
    return folder.is_dir() and all(each.name == LOCK for each in folder.iterdir())


def purpose(folder: Path) -> str | None:
    """What the last holder of the folder wrote there; None where it did not say."""
    return _read(folder / LOCK).get("what")


def _open(folder: Path, what: str) -> IO[str]:
    """The lock's file, open and locked."""
    path = folder / LOCK
    while True:
        try:
            folder.mkdir(parents=True, exist_ok=True)
            handle = os.fdopen(_file(path), "r+", encoding="utf-8")
        except OSError as problem:
            raise _unwritable(folder, problem, what) from None
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
            if not _is_at(handle, path):  # removed by its holder since it was opened
                handle.close()
                continue
            _sign(handle, what)
        except BlockingIOError:
            handle.close()
            raise _busy(folder, what) from None
        except OSError as problem:
            if problem.errno in _NO_LOCKS:
                _log.warning("%s: this file system has no locks; see that nothing else "
                             "writes there", folder)  # fmt: skip
                return handle
            with suppress(OSError):  # which writes again what was not written
                handle.close()
            raise _unwritable(folder, problem, what) from None
        return handle


def _file(path: Path) -> int:
    """The descriptor of the lock's file, which is made if it is not there.

    Raises:
        UserError: it is a link or a device, which somebody may have put there to have something
            else written over.
    """
    try:
        found = os.open(path, os.O_RDWR | os.O_CREAT | _NO_LINKS, 0o666)
    except OSError as problem:
        if problem.errno not in (errno.ELOOP, errno.ENXIO):
            raise
    else:
        if stat.S_ISREG(os.fstat(found).st_mode):
            return found
        os.close(found)
    raise at(path, None, "is a link or a device, where a lock should be", "remove it")


def _is_at(handle: IO[str], path: Path) -> bool:
    try:
        return os.path.samestat(os.fstat(handle.fileno()), path.lstat())
    except FileNotFoundError:
        return False


def _sign(handle: IO[str], what: str) -> None:
    handle.seek(0)
    handle.truncate()
    json.dump({"what": what, "process": os.getpid(), "machine": socket.gethostname()}, handle)
    handle.flush()


def _read(path: Path) -> dict[str, str]:
    try:
        with os.fdopen(os.open(path, os.O_RDONLY | _NO_LINKS), encoding="utf-8") as file:
            if not stat.S_ISREG(os.fstat(file.fileno()).st_mode):
                return {}
            found = json.loads(file.read())
    except (OSError, ValueError):  # another version's, or written this moment
        return {}
    return {k: str(v) for k, v in found.items()} if isinstance(found, dict) else {}


def _busy(folder: Path, what: str) -> Busy:
    holder = _read(folder / LOCK)
    who = ""
    if "process" in holder:
        who = f" (process {holder['process']} on {holder.get('machine')})"
    return Busy(
        f"{folder}: another process is writing {holder.get('what', what)} there{who}; "
        "wait for it, or name another folder"
    )


def _unwritable(folder: Path, problem: OSError, what: str) -> UserError:
    reason = (problem.strerror or type(problem).__name__).lower()
    full = problem.errno in (errno.ENOSPC, errno.EDQUOT)
    cure = "free some space or name" if full else "name"
    return at(folder, None, f"cannot be written ({reason})", f"{cure} another folder for {what}")
