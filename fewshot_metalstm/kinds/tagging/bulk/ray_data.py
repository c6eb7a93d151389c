"""Files on Ray Data: a data set of files, mapped by a pool of actors that load the tagger once."""

from __future__ import annotations

import logging
import pickle
import warnings
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from importlib import import_module
from typing import Any

from fewshot_metalstm.jobs.outcome import Failure, Job, Outcome, Result, Setup, Worker
from fewshot_metalstm.jobs.ray_actors import ray_session


class _FileMapper:
    """The actor: a row with a job in, a row with its outcome out, both pickled."""

    def __init__(self, setup: Setup[Any, Any]) -> None:
        self._worker = Worker(setup)

    def __call__(self, row: dict[str, Any]) -> dict[str, Any]:
        number = int(row["number"])
        return {"outcome": pickle.dumps(self._worker.attempt(number, pickle.loads(row["job"])))}


def _remote_args() -> dict[str, int]:
    # Ray Data would begin a file anew for ever, and a file may be what its worker dies of.
    return {"max_restarts": 3, "max_task_retries": 1}


@dataclass(frozen=True)
class RayDataRunner:
    """Runs jobs as rows of a Ray data set on ``workers`` actors (0: one a core)."""

    workers: int

    def run(self, setup: Setup[Job, Result], jobs: Sequence[Job]) -> Iterator[Outcome[Result]]:
        """The outcome of every job, as they end; a job whose actor died has failed."""
        if not jobs:
            return
        with ray_session(self.workers) as (ray, workers):
            data: Any = import_module("ray.data")
            logging.getLogger("ray.data").setLevel(logging.CRITICAL)  # failures are reported below
            context = data.DataContext.get_current()
            context.enable_progress_bars = False
            context.print_on_execution_start = False
            context.max_errored_blocks = -1  # a row a block: only the job itself is lost
            rows = [{"number": n, "job": pickle.dumps(job)} for n, job in enumerate(jobs)]
            with warnings.catch_warnings():
                # Ray 2.60 says that it will take these arguments no more from 2.64 on, and has
                # no others for them yet.
                warnings.simplefilter("ignore")
                mapped = data.from_items(rows, override_num_blocks=len(rows)).map(
                    _FileMapper,
                    fn_constructor_args=(setup,),
                    compute=data.ActorPoolStrategy(size=min(workers, len(rows))),
                    num_cpus=1,
                    ray_remote_args_fn=_remote_args,
                )
            missing = set(range(len(jobs)))
            failure = Failure("its actor died, more than once")
            try:
                for row in mapped.iter_rows():
                    outcome: Outcome[Result] = pickle.loads(row["outcome"])
                    missing.discard(outcome.number)
                    yield outcome
            except ray.exceptions.RayError as problem:
                failure = Failure(f"Ray gave up ({type(problem).__name__})", str(problem))
            for number in sorted(missing):
                yield Outcome(number, None, failure)
