"""Standard output: as a place to write a file to, and when it can no longer be written to."""

from __future__ import annotations

import os
import select
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from fewshot_metalstm.errors import UserError

STANDARD_OUTPUT = Path("-")
"""What stands for standard output where a file to write is named."""


@contextmanager
def place_of(output: Path, *, as_json: bool = False) -> Iterator[Path]:
    """Where to make what shall be ``output``; for ``-`` a file that then goes to standard output.

    Raises:
        UserError: a folder was made for standard output, or ``as_json`` goes there already.
    """
    if output != STANDARD_OUTPUT:
        yield output
        return
    import shutil
    import tempfile

    if as_json:
        raise UserError("--json and - both take standard output; name a file, or leave out --json")
    with tempfile.TemporaryDirectory() as folder:
        place = Path(folder) / "output"
        try:
            yield place
        except UserError as error:  # says what the user typed
            raise UserError(str(error).replace(str(place), str(output))) from error
        if place.is_dir():
            raise UserError("-: this format is a folder, which standard output is not; name one")
        with place.open("rb") as stream:
            sys.stdout.flush()
            shutil.copyfileobj(stream, sys.stdout.buffer)
            sys.stdout.flush()


def reader_is_gone() -> bool:
    """Whether standard output is a pipe or socket that nobody reads any more.

    Asked when a write has raised BrokenPipeError, which does not say whose pipe it was: that of
    a worker process would be a fault, and must not pass for `| head`.
    """
    try:
        sys.stdout.flush()
        descriptor = sys.stdout.fileno()
    except BrokenPipeError:
        return True
    except (OSError, ValueError):  # not a file of the system, or closed
        return False
    if not hasattr(select, "poll"):  # Windows
        return False
    # An unbuffered stream leaves nothing to flush; the system still knows.
    poll = select.poll()
    poll.register(descriptor, 0)
    return any(event & (select.POLLERR | select.POLLHUP) for _, event in poll.poll(0))


def abandon_output() -> None:
    """Send what standard output still holds, and all that follows, to nowhere.

    Else the interpreter would write it while it ends, past every handler, say so on standard
    error, and change the exit code.
    """
    try:
        descriptor = sys.stdout.fileno()
    except (OSError, ValueError):
        return
    sink = os.open(os.devnull, os.O_WRONLY)
    try:
        os.dup2(sink, descriptor)
    finally:
        os.close(sink)
