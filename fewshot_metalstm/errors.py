"""The one exception that a user is meant to read, and what to do about the system's own."""

from __future__ import annotations

import errno
from collections.abc import Mapping
from pathlib import Path

# Only what a user's files, folders and disk can cause. An OSError of another kind (a socket's,
# or one without a number) is a fault that the code nearer to it should have turned into words.
CURES: Mapping[int, str] = {
    errno.EACCES: "change its permissions or choose another place",
    errno.EPERM: "change its permissions or choose another place",
    errno.EROFS: "choose a place that can be written to",
    errno.ENOSPC: "free some space or choose another place",
    errno.EDQUOT: "free some space or choose another place",
    errno.EFBIG: "raise the limit on the size of files (ulimit -f) or choose another place",
    errno.ENOENT: "check the path",
    errno.ENOTDIR: "check the path: a part of it is a file",
    errno.EISDIR: "name a file, not a folder",
    errno.EEXIST: "remove it or choose another place",
    errno.ENOTEMPTY: "remove it or choose another place",
    errno.ENAMETOOLONG: "choose a shorter name",
    errno.ELOOP: "check the links in the path",
    errno.EMFILE: "raise the limit on open files (ulimit -n)",
    errno.EIO: "check the disk",
}


class UserError(Exception):
    """Something that the user can mend: one line that names the place and the cure.

    The command line prints it without a traceback and exits with code 2; a caller of the
    Python API catches it like any exception. Raise it for bad input, absent files and
    impossible settings, never for a fault of our own.
    """

    parts: tuple[Path | str, int | None, str, str] | None = None
    """File, line, problem and cure, of an error that :func:`at` built."""


def at(path: Path | str, line: int | None, problem: str, cure: str) -> UserError:
    """Build a :class:`UserError` that names file, line (1-based), problem and cure."""
    place = f"{path}:{line}" if line is not None else f"{path}"
    error = UserError(f"{place}: {problem}; {cure}")
    error.parts = (path, line, problem, cure)
    return error
