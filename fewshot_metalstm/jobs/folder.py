"""The folder that a resumable command works in: claimed by one process at a time."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from fewshot_metalstm.errors import UserError
from fewshot_metalstm.lock import LOCK, locked, purpose
from fewshot_metalstm.writing import remove_left_within


@contextmanager
def claimed(folder: Path, what: str) -> Iterator[None]:
    """Make ``folder`` if it is not there and hold it for this process within the block.

    The file of the lock stays there, so that the next call knows the folder for its own. What a
    process that was killed has left half-written there, or one folder deeper, is removed.

    Args:
        what: what is written there, for the message.

    Raises:
        UserError: another process is at work there, or it holds something else.
    """
    if folder.is_dir() and any(folder.iterdir()):
        known = (folder / LOCK).exists()
        if not known or purpose(folder) not in (None, what):
            raise UserError(f"{folder}: holds other files; name another folder for {what}")
    with locked(folder, what, keep=True):
        for place in (folder, *(each for each in folder.iterdir() if each.is_dir())):
            if place == folder or place.name[0] != ".":
                remove_left_within(place)
        yield
