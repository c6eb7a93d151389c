"""What a failed command says: one line for what the user can mend, nothing else hidden.

The exit codes are :data:`EXIT_CODES`; from 128 on they are 128 and a signal's number, as shells
count.
"""

from __future__ import annotations

import os

import click

from fewshot_metalstm.errors import CURES, UserError
from fewshot_metalstm.printable import printable

PARTLY = 1
MENDABLE = 2
INTERRUPTED = 130
BROKEN_PIPE = 141
EXIT_CODES = """\
Exit codes: 0 done; 1 done, and something was found or has failed (errors of `check`, cells of
`sweep`, files of `tag-corpus`, draws that differ), or a fault of this program, with its traceback;
2 nothing done, the line on standard error says why and what to do; 130 Ctrl-C, 143 SIGTERM; 141 the
reader of standard output went away.
"""
"""As ``--help`` says them."""


def describe(error: Exception, program: str) -> str | None:
    """Return the line that tells the user about ``error``, or None for a fault of our own."""
    if isinstance(error, click.UsageError):
        command = error.ctx.command_path if error.ctx is not None else program
        problem = one_line(error.format_message()).rstrip(".")
        return f"{problem}; see `{command} --help`"
    if isinstance(error, click.ClickException):
        return one_line(error.format_message())
    if isinstance(error, UserError):
        return one_line(str(error))
    if isinstance(error, OSError):
        return _describe_os_error(error)
    return None


def _describe_os_error(error: OSError) -> str | None:
    cure = CURES.get(error.errno) if error.errno is not None else None
    if cure is None or error.errno is None:
        return None
    reason = os.strerror(error.errno).lower()
    given = (error.filename, error.filename2)
    names = [os.fsdecode(name) for name in given if isinstance(name, str | bytes | os.PathLike)]
    place = f"{' -> '.join(names)}: " if names else ""
    return one_line(f"{place}{reason}; {cure}")


def one_line(text: str) -> str:
    """Return ``text`` with every run of white space made one space, and nothing to obey in it."""
    return printable(" ".join(text.split()))
