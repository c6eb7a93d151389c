"""Runs of the command line that take a second: tiny sizes for the embedded suite."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import pytest

from fewshot_metalstm.cli.main import main

TINY = [
    "vectors.size=8", "vectors.epochs=1", "vectors.buckets=50", "tagger.filters=4",
    "tagger.lstm.hidden=6", "tagger.lstm.meta=4", "tagger.lstm.z=4", "joint.steps=3",
    "joint.batch=4", "outer.steps=3", "outer.meta_batch=2", "outer.validate_every=2",
    "inner.steps=1", "episodes.shots_low=1", "episodes.shots_high=2", "episodes.query=4",
    "validation.episodes=2", "validation.shots=2", "validation.query=4",
]  # fmt: skip
QUICK = ["adapt.epochs=1", "adapt.min_steps=4", "scratch.epochs=1", "scratch.min_steps=4"]


def settings(values: list[str]) -> list[str]:
    """As ``--set`` options."""
    return [part for value in values for part in ("--set", value)]


def meta_train(output: Path, *more: str) -> list[str]:
    """A tiny ``meta-train`` on the embedded suite."""
    return ["meta-train", "--tasks", "demo", "--output", str(output), "--no-tracking",
            "--workers", "1", *settings(TINY), *more]  # fmt: skip


def adapt(output: Path, *more: str) -> list[str]:
    """A tiny ``adapt`` to the embedded target."""
    return ["adapt", "--target", "demo-species", "--shots", "5", "--output", str(output),
            "--no-tracking", "--workers", "1", *settings(QUICK), *more]  # fmt: skip


def run_json(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> dict[str, Any]:
    """Run a command with ``--json``: it must succeed and print one object and nothing else."""
    capsys.readouterr()
    quiet = [] if arguments[0] == "pack" else ["--quiet"]
    assert main([*arguments, "--json", *quiet]) == 0
    printed = capsys.readouterr()
    assert printed.err == ""
    assert printed.out.count("\n") == 1
    value = json.loads(printed.out)
    assert isinstance(value, dict)
    return value


def refused(arguments: list[str], capsys: pytest.CaptureFixture[str], *, quiet: bool = True) -> str:
    """Run a command that must exit with 2 and one line on standard error; the line.

    ``quiet`` is whether it has such an option.
    """
    capsys.readouterr()
    assert main([*arguments, *(["--quiet"] if quiet else [])]) == 2
    printed = capsys.readouterr()
    assert printed.out == ""
    assert printed.err.startswith("error: ")
    assert printed.err.count("\n") == 1
    return printed.err


@contextmanager
def start(arguments: list[str], folder: Path) -> Iterator[subprocess.Popen[str]]:
    """A command in a process of its own, in a process group of its own that ends with the block."""
    with subprocess.Popen(
        [sys.executable, "-m", "fewshot_metalstm", *arguments],
        cwd=folder, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        start_new_session=True, env={**os.environ, "OMP_NUM_THREADS": "1"},
    ) as process:  # fmt: skip
        try:
            yield process
        finally:
            with suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
