"""Ctrl-C where a command has processes of its own: the command alone is told of it.

A terminal sends it to all of them. A worker that heeded it would print a traceback of its own, and
one that ignores it from its first line on may be told while it still imports.
"""

from __future__ import annotations

import signal
from collections.abc import Iterator
from contextlib import contextmanager
from multiprocessing import resource_tracker


@contextmanager
def held_back() -> Iterator[None]:
    """Within the block Ctrl-C waits; a process that is started there is never told of it."""
    resource_tracker.ensure_running()  # the start of which would let Ctrl-C through again
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)
