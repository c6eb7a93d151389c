"""Worker processes: what they know of this one, and what does not reach them."""

from __future__ import annotations

import os
import signal
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

import pytest

from fewshot_metalstm.workers import start_worker


def _answer(pipe: Connection[Any, Any], number: int) -> None:
    os.kill(os.getpid(), signal.SIGINT)
    pipe.send((number, os.environ.get("OF_THE_TEST"), str(Path.cwd()), os.getpid()))


def test_a_worker_has_this_environment_and_never_hears_of_ctrl_c(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Also the second one, which the server has forked after the variable was changed."""
    monkeypatch.chdir(tmp_path)
    for number in range(2):
        monkeypatch.setenv("OF_THE_TEST", f"value {number}")
        pipe, process = start_worker(_answer, number)
        assert pipe.recv() == (number, f"value {number}", str(tmp_path), process.pid)
        process.join(timeout=60)
        assert process.exitcode == 0


def _die(pipe: Connection[Any, Any]) -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def test_how_a_worker_ended_is_known() -> None:
    pipe, process = start_worker(_die)
    with pytest.raises(EOFError):
        pipe.recv()
    process.join(timeout=60)
    assert process.exitcode == -signal.SIGKILL
