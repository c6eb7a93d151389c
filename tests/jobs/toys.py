"""Setups for the tests of runners."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from torch import Tensor

from fewshot_metalstm.errors import UserError

CRASH, RAISE, MENDABLE = 2, 3, 4


@dataclass(frozen=True)
class Squares:
    """Squares; ``log`` gets a line a setup and a job."""

    log: Path | None = None

    def __call__(self) -> Callable[[int], int]:
        self._note("setup")

        def work(job: int) -> int:
            self._note(f"job {job}")
            return job * job

        return work

    def _note(self, line: str) -> None:
        if self.log is not None:
            with self.log.open("a") as file:
                file.write(line + "\n")


@dataclass(frozen=True)
class Sums:
    """A job is the number of a tensor, whose sum is its result."""

    tensors: tuple[Tensor, ...]

    def __call__(self) -> Callable[[int], int]:
        return lambda job: int(self.tensors[job].sum())


@dataclass(frozen=True)
class Poison:
    """Squares, but job 2 kills its process, 3 raises, 4 cannot be done."""

    def __call__(self) -> Callable[[int], int]:
        def work(job: int) -> int:
            if job == CRASH:
                os._exit(7)
            if job == RAISE:
                raise RuntimeError("a bad\nday")
            if job == MENDABLE:
                raise UserError("mend it")
            return job * job

        return work


@dataclass(frozen=True)
class OnceOnly:
    """Every job raises the first time and is done the second; ``folder`` remembers."""

    folder: Path

    def __call__(self) -> Callable[[int], int]:
        def work(job: int) -> int:
            mark = self.folder / str(job)
            if not mark.exists():
                mark.touch()
                raise RuntimeError("not yet")
            return job

        return work


@dataclass(frozen=True)
class Unloadable:
    """A setup that fails."""

    def __call__(self) -> Callable[[int], int]:
        raise RuntimeError("no model")
