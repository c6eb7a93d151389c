"""Standard output that can no longer be written to: a closed pipe, a full disk."""

from __future__ import annotations

import os
import select
import sys


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
