"""One run of a study: the command that a user would type, and why it came to nothing."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Protocol, TypeVar

from fewshot_metalstm.errors import UserError
from fewshot_metalstm.writing import write_text


class Called(Protocol):
    """A run of a study."""

    @property
    def called(self) -> str:
        """What it is, in a few words."""


R = TypeVar("R", bound=Called)
_FAILED = "failed.txt"
_PROGRAM = (sys.executable, "-m", "fewshot_metalstm")


def command(arguments: Sequence[str], folder: Path) -> None:
    """Run ``fewshot-metalstm`` with an output folder, on one thread.

    What the command refuses, such as a loss that is not finite, is kept beside the folder.

    Raises:
        UserError: it ended in another way.
    """
    whole = [*_PROGRAM, *arguments, "--output", str(folder), "--quiet"]
    environment = {"OMP_NUM_THREADS": "1", **os.environ}
    done = subprocess.run(
        whole, env=environment, check=False, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE,
        text=True,
    )  # fmt: skip
    if done.returncode == 2:  # what the command refuses
        last = (done.stderr.strip().splitlines() or ["no word why"])[-1]
        _place(folder).parent.mkdir(parents=True, exist_ok=True)
        write_text(last + "\n", _place(folder))
    elif done.returncode:
        raise UserError(f"{' '.join(whole[2:])} ended with {done.returncode}; see its words:"
                        f" {done.stderr.strip()[-300:]}")  # fmt: skip


def resumed(folder: Path) -> list[str]:
    """What a command that trains is told where its folder is there.

    A run that was ended before it had written its settings has nothing to go on from: its folder is
    removed.
    """
    if (folder / "config.yaml").is_file():
        return ["--resume"]
    if folder.is_dir():
        shutil.rmtree(folder)
    return []


def in_time(name: str, missing: Sequence[R], end: float) -> Iterator[R]:
    """The runs of a study, one after the other, each said; none is begun after ``end``.

    Args:
        end: on the clock of :func:`time.monotonic`.
    """
    for number, run in enumerate(missing, 1):
        if time.monotonic() > end:
            print(f"{name}: {len(missing) - number + 1} runs are left for another time")
            return
        print(f"{name} {number}/{len(missing)}: {run.called}", flush=True)
        yield run


def failure(folder: Path) -> str | None:
    """Why the run of a folder came to nothing; None where it did not, or was not run."""
    place = _place(folder)
    return place.read_text(encoding="utf-8").strip() if place.is_file() else None


def _place(folder: Path) -> Path:
    return folder.with_name(f"{folder.name}.{_FAILED}")
