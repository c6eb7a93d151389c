"""Jobs on processes of this machine.

The processes are looked after one by one, and not by ``concurrent.futures``, whose pool breaks as
a whole when one process dies: here the death of a process (out of memory, say) fails its own job
and nothing else, and another process takes its place.
"""

from __future__ import annotations

import multiprocessing
import os
import pickle
import signal
import threading
from collections import deque
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from multiprocessing.connection import Connection, wait
from typing import Any

from fewshot_metalstm.jobs.outcome import Failure, Job, Outcome, Result, Setup, Worker
from fewshot_metalstm.workers import start_worker


@dataclass(frozen=True)
class PoolRunner:
    """Runs jobs on at most ``workers`` processes; with one, or one job, in this process."""

    workers: int

    def run(self, setup: Setup[Job, Result], jobs: Sequence[Job]) -> Iterator[Outcome[Result]]:
        """The outcome of every job, as they end."""
        if min(self.workers, len(jobs)) <= 1:
            worker = Worker(setup)
            return (worker.attempt(number, job) for number, job in enumerate(jobs))
        return self._spread(setup, jobs)

    def _spread(self, setup: Setup[Job, Result], jobs: Sequence[Job]) -> Iterator[Outcome[Result]]:
        # By value: a started process can be given some 250 open files at most, and torch would
        # share every tensor, of which a checkpoint with many source heads has more, through one.
        sent = pickle.dumps(setup)
        waiting = deque(enumerate(jobs))
        idle: list[_Process] = []
        busy: dict[Any, tuple[_Process, int]] = {}
        try:
            while waiting or busy:
                while waiting and len(busy) < self.workers:
                    process = idle.pop() if idle else _Process(sent)
                    number, job = waiting.popleft()
                    busy[process.pipe] = (process, number)
                    process.send(number, job)
                for pipe in wait(list(busy)):
                    process, number = busy.pop(pipe)
                    outcome: Outcome[Result] | None = process.receive()
                    if outcome is None:
                        yield Outcome(number, None, Failure(process.death()))
                    else:
                        idle.append(process)
                        yield outcome
        finally:
            for process in [*idle, *(p for p, _ in busy.values())]:
                process.end()


class _Process:
    """One worker process and the pipe to it; ``setup`` is pickled."""

    def __init__(self, setup: bytes) -> None:
        self.pipe, self._process = start_worker(_serve, setup)

    def send(self, number: int, job: object) -> None:
        """Give it a job. A process that is dead already is found so by :meth:`receive`."""
        try:
            self.pipe.send((number, job))
        except BrokenPipeError:
            return

    def receive(self) -> Any:
        """The outcome of its job, or None if it died over it."""
        try:
            return self.pipe.recv()
        except (EOFError, ConnectionResetError):
            return None

    def death(self) -> str:
        """How it died, in words."""
        self.end()
        code = self._process.exitcode or 0
        if code < 0:
            hint = " (out of memory?)" if -code == signal.SIGKILL else ""
            return f"its process was ended by {signal.Signals(-code).name}{hint}"
        return f"its process ended with exit code {code}"

    def end(self) -> None:
        """End it, whatever it does."""
        self.pipe.close()
        self._process.join(timeout=0.2)
        self._process.kill()
        self._process.join()


def _serve(pipe: Connection[Any, Any], setup: bytes) -> None:
    # If the parent is killed there is nobody to work for.
    threading.Thread(target=_end_with_parent, daemon=True).start()
    worker = Worker(pickle.loads(setup))
    while True:
        try:
            number, job = pipe.recv()
            pipe.send(worker.attempt(number, job))
        except (EOFError, BrokenPipeError, ConnectionResetError):
            return


def _end_with_parent() -> None:
    parent = multiprocessing.parent_process()
    assert parent is not None
    parent.join()
    os._exit(1)
