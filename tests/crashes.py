"""Commands that are killed at their n-th change of a file: a process that forks one for each trial.

The process imports what the commands need once, so that a trial takes as long as its work. A
trial's command runs under an audit hook that counts what Python does to files below a folder
(opening for writing, renaming, removing, making folders), and sends itself SIGKILL at one of them;
or it ends as suddenly after some time. It may also run with a bound on the size of files, which
fails a write as a full disk does, and without root's power to write everywhere.
"""

from __future__ import annotations

import ctypes
import importlib
import io
import json
import os
import resource
import signal
import subprocess
import sys
import traceback
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, redirect_stderr, redirect_stdout
from dataclasses import dataclass
from pathlib import Path
from typing import Any

EVENTS = {"os.rename", "os.remove", "os.mkdir", "os.rmdir"}


@dataclass(frozen=True)
class Ended:
    """How a trial ended: exit code (minus a signal's number), changes counted, and its words."""

    code: int
    changes: int
    err: str


class Crashing:
    """The process that trials are forked from."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self._process = process

    def run(
        self, arguments: Sequence[str], folder: Path, kill_at: int = 0, **conditions: float
    ) -> Ended:
        """Run a command; with ``kill_at`` it is killed at that change (from 1) below ``folder``.

        Args:
            conditions: ``seconds`` after which it ends suddenly, with code -14; ``file_size``, the
                largest that a file may become, in bytes; ``powerless``: modes bind it, root or not.
        """
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        trial = {
            "arguments": list(arguments), "folder": str(folder), "kill_at": kill_at, **conditions,
        }  # fmt: skip
        self._process.stdin.write(json.dumps(trial) + "\n")
        self._process.stdin.flush()
        answer = self._process.stdout.readline()
        assert answer, "the process that forks has died"
        return Ended(**json.loads(answer))

    def warm(self, arguments: Sequence[str], folder: Path) -> None:
        """Do a command in the process itself, so that no trial has to import or compile for it."""
        ended = self.run(arguments, folder, here=True)
        assert ended.code == 0, ended.err


@contextmanager
def crashing(environment: dict[str, str], *modules: str) -> Iterator[Crashing]:
    """A process to fork trials from, ended afterwards; it imports ``modules`` once."""
    process = subprocess.Popen(
        [sys.executable, "-m", "tests.crashes", *modules],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
        cwd=Path(__file__).resolve().parents[1],
        env={**os.environ, "OMP_NUM_THREADS": "1", **environment},
    )  # fmt: skip
    try:
        yield Crashing(process)
    finally:
        assert process.stdin is not None
        process.stdin.close()
        process.wait(timeout=300)
        if process.stdout is not None:
            process.stdout.close()


def give_up_power() -> None:
    """Give up root's capabilities, such as writing where a mode forbids it, for good."""
    header = (ctypes.c_uint32 * 2)(0x20080522, 0)  # the third version; this process
    nothing = (ctypes.c_uint32 * 6)()
    if ctypes.CDLL(None, use_errno=True).capset(header, nothing) != 0:
        raise OSError(ctypes.get_errno(), "capset")


def _serve() -> None:
    for name in sys.argv[1:]:
        importlib.import_module(name)
    from fewshot_metalstm.data.catalogue import Catalogue
    from tests.kinds.tagging.corpora.builders import catalogue

    if "matplotlib" in sys.modules:
        from matplotlib.figure import Figure

        # Drawing takes longer than all else; what matters here is that a file is written.
        setattr(Figure, "savefig", lambda self, path, **_: Path(path).write_bytes(bytes(4096)))  # noqa: B010
    if "fewshot_metalstm.meta.driver" in sys.modules:
        from fewshot_metalstm.meta import driver

        driver.SAVE_SECONDS = 0.0  # a state after every step, as after a minute of each
    if os.environ.get("FEWSHOT_METALSTM_MIRROR"):
        Catalogue.load = classmethod(lambda cls, path=None, **_: catalogue())  # type: ignore[method-assign, assignment]
    for line in sys.stdin:
        trial = json.loads(line)
        printed = Path(trial["folder"]).parent / ".printed"
        printed.parent.mkdir(parents=True, exist_ok=True)
        if trial.get("here"):
            print(json.dumps(_here(trial["arguments"])), flush=True)
            continue
        reading, writing = os.pipe()
        child = os.fork()
        if child == 0:
            os.close(reading)
            _trial(trial, printed, writing)
        os.close(writing)
        with os.fdopen(reading) as pipe:
            changes = pipe.read().count("\n")
        _, status = os.waitpid(child, 0)
        code = os.waitstatus_to_exitcode(status)
        answer = {"code": code, "changes": changes, "err": printed.read_text(errors="replace")}
        print(json.dumps(answer), flush=True)


def _here(arguments: list[str]) -> dict[str, Any]:
    """Do a command in this process; its answer. What it prints goes to nobody."""
    from fewshot_metalstm.cli.main import main

    with io.StringIO() as printed, redirect_stdout(printed), redirect_stderr(printed):
        return {"code": main(arguments), "changes": 0, "err": printed.getvalue()}


def _trial(trial: dict[str, Any], printed: Path, pipe: int) -> None:
    """The command, in the forked process; it does not return."""
    from fewshot_metalstm.cli.main import main

    out = os.open(printed, os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
    os.dup2(out, 1)
    os.dup2(out, 2)
    folder, left = trial["folder"], [trial["kill_at"]]

    def hook(event: str, given: tuple[Any, ...]) -> None:
        if event == "open":
            path, _, flags = given
            counted = isinstance(flags, int) and flags & (os.O_WRONLY | os.O_RDWR | os.O_CREAT)
        else:
            path, counted = given[0] if given else None, event in EVENTS
        if counted and isinstance(path, str | os.PathLike) and str(path).startswith(folder):
            os.write(pipe, b"\n")
            left[0] -= 1
            if left[0] == 0:
                os.kill(os.getpid(), signal.SIGKILL)

    if trial.get("powerless"):
        give_up_power()
    if size := int(trial.get("file_size", 0)):
        resource.setrlimit(resource.RLIMIT_FSIZE, (size, size))
    sys.addaudithook(hook)
    if seconds := trial.get("seconds"):
        signal.setitimer(signal.ITIMER_REAL, seconds)  # SIGALRM, which nothing handles, ends it
    code = 70
    try:
        code = main(trial["arguments"])
    except BaseException:
        traceback.print_exc()
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(code)


if __name__ == "__main__":
    _serve()
