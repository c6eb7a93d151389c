"""Jobs that do not depend on each other, and what came of each; used by sweeps and bulk tagging.

A *setup* is called once in every worker and loads what all jobs need; it returns the function
that does one job. Setup, jobs and results must be picklable. A job that fails has a
:class:`Failure`; it never ends the others.
"""

from __future__ import annotations

import traceback
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Any, Generic, Protocol, TypeVar

from fewshot_metalstm.errors import UserError

Job = TypeVar("Job")
Result = TypeVar("Result")
Setup = Callable[[], Callable[[Job], Result]]


@dataclass(frozen=True)
class Failure:
    """Why a job failed: one line, the traceback if there was one, and whether to try again."""

    reason: str
    detail: str = ""
    final: bool = False  # the next attempt would fail in the same way
    attempts: int = 1


@dataclass(frozen=True)
class Outcome(Generic[Result]):
    """What came of job ``number``: a result or a failure, and the other is None."""

    number: int
    result: Result | None
    failure: Failure | None = None


class Runner(Protocol):
    """A way to run jobs: in this process, on a pool of processes, on Ray."""

    def run(self, setup: Setup[Job, Result], jobs: Sequence[Job]) -> Iterator[Outcome[Result]]:
        """The outcome of every job, as they end; each job is tried once."""
        ...


class Worker(Generic[Job, Result]):
    """Does jobs one after another; the setup is called before the first."""

    def __init__(self, setup: Setup[Job, Result]) -> None:
        self._setup = setup
        self._work: Callable[[Job], Result] | None = None

    def attempt(self, number: int, job: Job) -> Outcome[Result]:
        """Try a job once. Whatever it raises, or the setup does, becomes its failure."""
        try:
            if self._work is None:
                self._work = self._setup()
            return Outcome(number, self._work(job))
        except Exception as problem:
            reason = " ".join(str(problem).split())
            if isinstance(problem, UserError):
                return Outcome(number, None, Failure(reason, final=True))
            named = f"{type(problem).__name__}: {reason}" if reason else type(problem).__name__
            return Outcome(number, None, Failure(named, traceback.format_exc()))


def with_retries(
    runner: Runner,
    setup: Setup[Job, Result],
    jobs: Sequence[Job],
    retries: int,
    on_retry: Callable[[int, Failure], Any] | None = None,
) -> Iterator[Outcome[Result]]:
    """The last outcome of every job: those that failed are tried again when the others are done.

    ``on_retry`` is called with the number and the failure of a job that will be tried again.
    """
    numbers = list(range(len(jobs)))
    for attempt in range(1, retries + 2):
        again: list[int] = []
        for outcome in runner.run(setup, [jobs[n] for n in numbers]):
            number, failure = numbers[outcome.number], outcome.failure
            if failure is not None and not failure.final and attempt <= retries:
                again.append(number)
                if on_retry is not None:
                    on_retry(number, failure)
                continue
            counted = failure and replace(failure, attempts=attempt)
            yield Outcome(number, outcome.result, counted)
        numbers = sorted(again)
        if not numbers:
            return
