"""Jobs on Ray: a pool of actors, on this machine or on the cluster that Ray finds.

Ray is imported here, inside functions, and only when it is chosen.
"""

from __future__ import annotations

import os
import sys
from collections import deque
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, redirect_stdout
from dataclasses import dataclass
from importlib import import_module
from typing import Any

from fewshot_metalstm.jobs.outcome import Failure, Job, Outcome, Result, Setup, Worker

# Ray reads these when it is imported or begun: no reports of use sent out, no warning about GPUs
# of actors that need none, no log lines where an exception follows anyway.
_QUIET = {
    "RAY_USAGE_STATS_ENABLED": "0",
    "RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO": "0",
    "RAY_BACKEND_LOG_LEVEL": "fatal",
}


@contextmanager
def ray_session(workers: int) -> Iterator[tuple[Any, int]]:
    """Ray, and how many actors of one core to use.

    A cluster is joined where the environment names one (``RAY_ADDRESS``); otherwise a local Ray
    of ``workers`` cores is begun and ended with the block. Without a limit of the caller's
    (``workers`` 0) a cluster gives all its cores.
    """
    for name, value in _QUIET.items():
        os.environ.setdefault(name, value)
    ray: Any = import_module("ray")
    began = not ray.is_initialized()
    # Standard output is for results; what Ray prints on it, to its end, goes beside them.
    with redirect_stdout(sys.stderr):
        if began:
            options: dict[str, Any] = {"log_to_driver": False, "logging_level": "ERROR"}
            if not os.environ.get("RAY_ADDRESS"):
                from fewshot_metalstm.machine import cores

                options |= {"num_cpus": workers or cores(), "include_dashboard": False}
            ray.init(**options)
        try:
            yield ray, workers or max(1, int(ray.cluster_resources().get("CPU", 1)))
        finally:
            if began:
                ray.shutdown()


@dataclass(frozen=True)
class RayRunner:
    """Runs jobs on ``workers`` actors (0: one a core of the cluster)."""

    workers: int

    def run(self, setup: Setup[Job, Result], jobs: Sequence[Job]) -> Iterator[Outcome[Result]]:
        """The outcome of every job, as they end. A dead actor fails its job and is replaced."""
        with ray_session(self.workers) as (ray, workers):
            # Restarting is left to this loop, which knows what an attempt is.
            actor = ray.remote(num_cpus=1, max_restarts=0, max_task_retries=0)(Worker)
            shared = ray.put(setup)
            waiting = deque(enumerate(jobs))
            idle: list[Any] = []
            busy: dict[Any, tuple[Any, int]] = {}
            while waiting or busy:
                while waiting and len(busy) < workers:
                    handle = idle.pop() if idle else actor.remote(shared)
                    number, job = waiting.popleft()
                    busy[handle.attempt.remote(number, job)] = (handle, number)
                ready, _ = ray.wait(list(busy), num_returns=1)
                handle, number = busy.pop(ready[0])
                try:
                    outcome: Outcome[Result] = ray.get(ready[0])
                except ray.exceptions.RayError as problem:
                    reason = f"its actor died ({type(problem).__name__})"
                    yield Outcome(number, None, Failure(reason, str(problem)))
                else:
                    idle.append(handle)
                    yield outcome
