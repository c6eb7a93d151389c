"""A server ends with the process that started it, and so do the server's own."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time

import pytest

from fewshot_metalstm.tracking.supervised import serve

# A server with a worker; both do nothing for a long time. It says their numbers.
SERVER = """
import os, sys, time
worker = os.fork()
if worker:
    print(os.getpid(), worker, flush=True)
time.sleep(600)
"""
STARTER = f"""
import os, sys
from fewshot_metalstm.tracking.supervised import serve
sys.exit(serve([sys.executable, "-c", {SERVER!r}], os.environ))
"""


def alive(number: int) -> bool:
    try:
        os.kill(number, 0)
    except ProcessLookupError:
        return False
    with open(f"/proc/{number}/stat", encoding="utf-8") as file:  # noqa: PTH123
        return file.read().rpartition(")")[2].split()[0] != "Z"


@pytest.mark.skipif(not os.path.isdir("/proc/self"), reason="needs /proc")  # noqa: PTH112
@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM, signal.SIGINT])
def test_it_ends_with_whoever_started_it(number: signal.Signals) -> None:
    starter = subprocess.Popen(
        [sys.executable, "-c", STARTER], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
        text=True,
    )  # fmt: skip
    assert starter.stdout is not None
    numbers = [int(word) for word in starter.stdout.readline().split()]
    assert len(numbers) == 2
    assert all(map(alive, numbers))
    starter.send_signal(number)
    assert starter.wait(60) == (143 if number == signal.SIGTERM else -number)
    starter.stdout.close()
    for _ in range(1200):
        if not any(map(alive, numbers)):
            return
        time.sleep(0.05)
    raise AssertionError("the server outlived it")


def test_the_exit_code_of_the_server() -> None:
    assert serve([sys.executable, "-c", "raise SystemExit(3)"], os.environ) == 3
