"""Peers in processes of their own, with the interpreter of their own environment."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import Any

ROOT = Path(__file__).parent.parent
VARIABLE = "FEWSHOT_METALSTM_PEERS"
ABSENT = "the peers are not installed (`make peers` makes .venv-peers); going on without them"
ONE_THREAD = dict.fromkeys(
    ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS", "BLIS_NUM_THREADS"), "1"
)


def interpreter() -> Path | None:
    """The Python of the peers' environment, or None where there is none."""
    chosen = os.environ.get(VARIABLE)
    path = Path(chosen) if chosen else ROOT / ".venv-peers" / "bin" / "python"
    return path if path.is_file() else None


def environment(*, one_thread: bool = True) -> dict[str, str]:
    """The environment's variables with this project's code, and one thread for every library."""
    return {**os.environ, **(ONE_THREAD if one_thread else {}), "PYTHONPATH": str(ROOT)}


class Server:
    """A process that works on request; to be left with ``with``.

    Args:
        python: its interpreter.
        arguments: script and arguments, or ``-m`` and a module.
        log: where its standard error goes.
    """

    def __init__(self, python: Path | str, arguments: Sequence[str], log: Path) -> None:
        self._log = log
        with log.open("w") as errors:
            self._process = subprocess.Popen(
                [str(python), *arguments], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                stderr=errors, text=True, env=environment(),
            )  # fmt: skip

    def ask(self, do: str, **request: Any) -> dict[str, Any]:
        """Send a request and wait for its answer; :class:`RuntimeError` if the process ended."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        try:
            self._process.stdin.write(json.dumps({"do": do, **request}) + "\n")
            self._process.stdin.flush()
            line = self._process.stdout.readline()
        except BrokenPipeError:
            line = ""
        if not line:
            last = self._log.read_text(errors="replace").strip().splitlines()[-5:]
            raise RuntimeError("a peer's process ended: " + " / ".join(last))
        answer: dict[str, Any] = json.loads(line)
        return answer

    def __enter__(self) -> Server:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        with suppress(BrokenPipeError):
            self._process.stdin.close()
        try:
            self._process.wait(timeout=30)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._process.stdout.close()
