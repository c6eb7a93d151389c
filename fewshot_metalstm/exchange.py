"""Two paths that change places in one step, so that neither is ever missing."""

from __future__ import annotations

import ctypes
import os
import shutil
import tempfile
from pathlib import Path

from fewshot_metalstm.errors import UserError

_CURRENT = -100  # AT_FDCWD: paths are relative to the current folder
_EXCHANGE = 2  # RENAME_EXCHANGE


def exchanged(one: Path, other: Path) -> bool:
    """Let two paths of one file system change places, whatever they are.

    Python can rename over a file, but not over a folder that holds anything. False where the
    system or the file system cannot exchange (it is Linux's ``renameat2``): nothing has happened
    then. Raises ``OSError`` for what is wrong with the paths themselves.
    """
    try:
        call = ctypes.CDLL(None, use_errno=True).renameat2
    except (OSError, AttributeError, TypeError):  # another system, or an old C library
        return False
    if call(_CURRENT, os.fsencode(one), _CURRENT, os.fsencode(other), _EXCHANGE) == 0:
        return True
    number = ctypes.get_errno()
    for path in (one, other):
        path.stat()  # says which one is not there
    if number in (1, 13):  # EPERM, EACCES
        raise PermissionError(number, os.strerror(number), str(one), None, str(other))
    return False


def put_in_place(new: Path, folder: Path) -> None:
    """Put folder ``new`` in the place of ``folder``, where an older model may be.

    Raises :class:`UserError` if other files are there.
    """
    if folder.is_dir():
        if any(folder.iterdir()) and not (folder / "config.json").is_file():
            raise UserError(f"{folder}: holds other files; give an empty or a new folder")
        if exchanged(new, folder):  # what is in `new` now is the caller's to remove
            return
        old = Path(tempfile.mkdtemp(prefix=f".{folder.name}-old-", dir=folder.parent))
        folder.rename(old / "model")
        new.rename(folder)
        shutil.rmtree(old, ignore_errors=True)
        return
    try:
        new.rename(folder)
    except OSError:
        if not folder.is_dir():
            raise
        put_in_place(new, folder)  # another process was quicker
