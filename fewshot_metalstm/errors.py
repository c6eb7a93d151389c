"""The one exception that a user is meant to read."""

from __future__ import annotations

from pathlib import Path


class UserError(Exception):
    """Something that the user can mend: one line that names the place and the cure.

    The command line prints it without a traceback and exits with code 2; a caller of the
    Python API catches it like any exception. Raise it for bad input, absent files and
    impossible settings, never for a fault of our own.
    """


def at(path: Path | str, line: int | None, problem: str, cure: str) -> UserError:
    """Build a :class:`UserError` that names file, line (1-based), problem and cure."""
    place = f"{path}:{line}" if line is not None else f"{path}"
    return UserError(f"{place}: {problem}; {cure}")
