"""Two paths that change places in one step, so that neither is ever missing."""

from __future__ import annotations

import ctypes
import os
from pathlib import Path

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
