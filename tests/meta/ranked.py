"""One rank of a run on toys, as a process of its own: ``python -m tests.meta.ranked``.

Which rank it is stands in the environment, as ``torchrun`` puts it there. Rank 0 writes what came
of the run to a file; every rank ends as the command line would end it.
"""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor

from fewshot_metalstm.errors import UserError
from fewshot_metalstm.meta.algorithm import InnerConfig
from fewshot_metalstm.meta.fomaml import FirstOrderMAML
from fewshot_metalstm.meta.join import joined
from fewshot_metalstm.meta.learner import Episode
from fewshot_metalstm.meta.outer import OuterConfig, OuterLoop
from fewshot_metalstm.meta.pool import EpisodePool
from fewshot_metalstm.meta.ranks import EndedElsewhere, Ranks
from tests.meta.toys import HeldOut, Regressor, Sines, flat_parameters

CONFIG = OuterConfig(steps=4, meta_batch=3, lr=0.05)
BROKEN = frozenset({(1, 2), (2, 0), (2, 1), (2, 2)})


@dataclass(frozen=True)
class Trouble:
    """Sines; at step 2 something happens to the rank that draws episode 1, or 0."""

    what: str = ""

    def episode(self, step: int, index: int) -> Episode:
        if (self.what, step, index) == ("leader killed", 2, 0):
            os.kill(os.getpid(), signal.SIGKILL)
        if (step, index) == (2, 1):
            if self.what == "killed":
                os.kill(os.getpid(), signal.SIGKILL)
            if self.what == "refused":
                raise UserError("corpus X: not here; fetch it")
            if self.what == "fault":
                raise ArithmeticError("a fault of our own")
        broken = BROKEN if not self.what else frozenset()
        return Sines(broken=broken).episode(step, index)


def train(ranks: Ranks, workers: int = 1, what: str = "") -> tuple[Tensor, str, list[float]]:
    """Parameters, records and validation figures of a few steps; only rank 0 gets there."""
    learner = Regressor()
    algorithm = FirstOrderMAML(InnerConfig(steps=2, lr=0.05))
    with EpisodePool(
        learner, algorithm, Trouble(what), HeldOut(5), meta_batch=CONFIG.meta_batch,
        workers=workers, seed=4, ranks=ranks,
    ) as pool:  # fmt: skip
        loop = OuterLoop(learner, CONFIG)
        if not ranks.first:
            loop.follow(pool)
        figures = [pool.validate()]
        records = []
        for record in loop.run(pool):
            records.append(record)
            figures.append(pool.validate())
    return flat_parameters(learner), repr(records), figures


# torch 2.6 leaves a folder of its own to the end of the process.
WARNINGS = ("-W", "error", "-W", "ignore:Implicitly cleaning up:ResourceWarning")


def launch(size: int, *arguments: str) -> list[subprocess.Popen[str]]:
    """Start this module as the ranks of a run of ``size``."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    shared = {
        **os.environ, "MASTER_ADDR": "127.0.0.1", "MASTER_PORT": str(port),
        "WORLD_SIZE": str(size), "LOCAL_WORLD_SIZE": str(size), "OMP_NUM_THREADS": "1",
    }  # fmt: skip
    return [
        subprocess.Popen(
            [sys.executable, *WARNINGS, "-m", "tests.meta.ranked", *arguments],
            env={**shared, "RANK": str(rank), "LOCAL_RANK": str(rank)},
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
            cwd=Path(__file__).parents[2],
        )
        for rank in range(size)
    ]  # fmt: skip


def finish(processes: list[subprocess.Popen[str]]) -> tuple[list[int], list[str]]:
    """Exit code and standard error of each process."""
    try:
        errors = [process.communicate(timeout=300)[1] for process in processes]
    finally:
        for process in processes:
            process.kill()
    return [process.returncode for process in processes], errors


def main() -> None:
    """Join the ranks and do what the arguments say."""
    file, what, workers = sys.argv[1:]
    with joined() as ranks:
        try:
            if what == "differs":
                ranks.same({"alpha/train": "same", "beta/train": f"digest {ranks.rank}"})
            result = train(ranks, int(workers), what)
        except EndedElsewhere as end:
            sys.exit(end.code)
        except UserError as problem:
            print(f"error: {problem}", file=sys.stderr, flush=True)
            sys.exit(2)
        torch.save(result, file)


if __name__ == "__main__":
    main()
