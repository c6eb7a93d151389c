"""The folder that a resumable command works in: claimed by one process at a time."""

from __future__ import annotations

import fcntl
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from fewshot_metalstm.errors import UserError

_LOCK = ".fewshot-metalstm-lock"


@contextmanager
def claimed(folder: Path, what: str) -> Iterator[None]:
    """Make ``folder`` if it is not there and hold it for this process within the block.

    The claim is the system's lock on a file, which ends with the process, however it ends.

    Args:
        what: what is written there, for the message.

    Raises:
        UserError: another process is at work there, or it holds something else.
    """
    if folder.is_file():
        raise UserError(f"{folder}: is a file; name a folder for {what}")
    lock = folder / _LOCK
    if folder.is_dir() and any(folder.iterdir()) and not lock.exists():
        raise UserError(f"{folder}: holds other files; name another folder for {what}")
    folder.mkdir(parents=True, exist_ok=True)
    with lock.open("w") as held:
        try:
            fcntl.flock(held, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise UserError(
                f"{folder}: another process is writing {what} there; wait for it, or name "
                "another folder"
            ) from None
        yield
