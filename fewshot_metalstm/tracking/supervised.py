"""A server that ends with the process that started it, however that ends.

The server gets a process group of its own, as it has workers. A small process beside it holds one
end of a pipe, of which this process holds the other: when this one is gone, killed or not, the
pipe ends, and the group is ended.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Mapping, Sequence
from contextlib import suppress

_GRACE = 5.0  # seconds to end in, before it is killed
_WATCH = """
import os, signal, sys, time
group = int(sys.argv[1])
sys.stdin.buffer.read()
for number, seconds in ((signal.SIGTERM, float(sys.argv[2])), (signal.SIGKILL, 0)):
    try:
        os.killpg(group, number)
        until = time.monotonic() + seconds
        while time.monotonic() < until:
            os.killpg(group, 0)
            time.sleep(0.05)
    except ProcessLookupError:
        break
"""


def serve(command: Sequence[str], environment: Mapping[str, str]) -> int:
    """Run a server until it ends, or this process is told to; its exit code."""
    before = signal.signal(signal.SIGTERM, _leave)
    server = subprocess.Popen(command, env=environment, start_new_session=True)
    try:
        watch = subprocess.Popen(
            [sys.executable, "-c", _WATCH, str(server.pid), str(_GRACE)],
            stdin=subprocess.PIPE, start_new_session=True,
        )  # fmt: skip
        try:
            return server.wait()
        finally:
            assert watch.stdin is not None
            watch.stdin.close()  # which ends the group
            watch.wait()
    finally:
        with suppress(ProcessLookupError):
            os.killpg(server.pid, signal.SIGKILL)
        server.wait()
        signal.signal(signal.SIGTERM, before)


def _leave(number: int, _: object) -> None:
    raise SystemExit(128 + number)
