"""The ranks of a run on toys, each a process of its own.

Which rank it is stands in the environment, as ``torchrun`` puts it there. Rank 0 writes what came
of the run to a file; every rank ends as the command line would end it.
"""

from __future__ import annotations

import multiprocessing
import os
import signal
import socket
import sys
import warnings
from dataclasses import dataclass
from multiprocessing.process import BaseProcess
from pathlib import Path

import torch
from torch import Tensor

from fewshot_metalstm.compat.torch_compiler import defer_compiler
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
class Rank:
    """A process, and the file that has its standard error."""

    process: BaseProcess
    errors: Path


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


def launch(size: int, file: Path, what: str, workers: int) -> list[Rank]:
    """Start the ranks of a run of ``size``, each a process; torch is imported once for all."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    shared = {
        "MASTER_ADDR": "127.0.0.1", "MASTER_PORT": str(port), "WORLD_SIZE": str(size),
        "LOCAL_WORLD_SIZE": str(size), "OMP_NUM_THREADS": "1",
    }  # fmt: skip
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload([__name__])
    ranks = []
    for rank in range(size):
        environment = {**os.environ, **shared, "RANK": str(rank), "LOCAL_RANK": str(rank)}
        errors = file.with_name(f"errors-{rank}")
        process = context.Process(target=_run, args=(environment, errors, file, what, workers))
        process.start()
        ranks.append(Rank(process, errors))
    return ranks


def finish(ranks: list[Rank]) -> tuple[list[int], list[str]]:
    """Exit code and standard error of each process."""
    try:
        for rank in ranks:
            rank.process.join(timeout=300)
    finally:
        for rank in ranks:
            rank.process.kill()
            rank.process.join()
    codes = [rank.process.exitcode for rank in ranks]
    assert None not in codes
    return [code or 0 for code in codes], [rank.errors.read_text() for rank in ranks]


def _run(
    environment: dict[str, str], errors: Path, file: Path, what: str, workers: int
) -> None:  # fmt: skip
    """Join the ranks and do what the arguments say."""
    os.environ.update(environment)
    os.dup2(os.open(errors, os.O_WRONLY | os.O_CREAT), 2)  # torch writes there too
    warnings.simplefilter("error")
    # torch 2.6 leaves a folder of its own to the end of the process.
    warnings.filterwarnings("ignore", "Implicitly cleaning up", ResourceWarning)
    defer_compiler()
    with joined() as ranks:
        try:
            if what == "differs":
                ranks.same({"alpha/train": "same", "beta/train": f"digest {ranks.rank}"})
            result = train(ranks, workers, what)
        except EndedElsewhere as end:
            sys.exit(end.code)
        except UserError as problem:
            print(f"error: {problem}", file=sys.stderr, flush=True)
            sys.exit(2)
        torch.save(result, file)
