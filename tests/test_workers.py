"""Worker processes: what they know of this one, and what does not reach them."""

from __future__ import annotations

import importlib
import os
import signal
import subprocess
import sys
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


def _modules(pipe: Connection[Any, Any]) -> None:
    pipe.send(sorted(sys.modules))


def test_what_serves_models_is_not_imported_for_workers() -> None:
    """In a process of its own: a server imports once, for all tests of this one."""
    done = subprocess.run(
        [sys.executable, "-m", "tests.test_workers"], capture_output=True, text=True,
        cwd=Path(__file__).parents[1],
    )  # fmt: skip
    assert (done.returncode, done.stderr) == (0, "")


if __name__ == "__main__":
    for name in ("kinds.tagging.kind", "tracking.tracker"):
        importlib.import_module(f"fewshot_metalstm.{name}")
    from tests.test_workers import _modules as modules

    pipe, process = start_worker(modules)
    found = pipe.recv()
    process.join()
    assert "fewshot_metalstm.kinds.tagging.kind" in found
    assert "fewshot_metalstm.tracking.tracker" not in found
