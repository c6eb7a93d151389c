"""Episodes of one outer step on several processes, with the same result on any number of them.

Every process computes in one thread and writes each episode's gradient to a slot of its own; the
caller sums the slots in the order of the episodes. Parameters and gradients travel through shared
memory, everything else (a few numbers) through a pipe.
"""

from __future__ import annotations

import signal
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from multiprocessing.connection import Connection
from multiprocessing.process import BaseProcess
from typing import Any, Protocol

import torch
from torch import Tensor
from torch import multiprocessing as mp
from torch.nn.utils import parameters_to_vector, vector_to_parameters

from fewshot_metalstm.meta.algorithm import Algorithm
from fewshot_metalstm.meta.learner import Episode, Learner
from fewshot_metalstm.seeds import torch_generator


class EpisodeSource(Protocol):
    """Where episodes come from. Pure: the same arguments give the same episode anywhere."""

    def episode(self, step: int, index: int) -> Episode:
        """Episode ``index`` of outer step ``step``."""
        ...


class Validator(Protocol):
    """Meta-validation: scores a learner on held-out episodes, one at a time."""

    def __len__(self) -> int:
        """How many episodes there are."""
        ...

    def score(self, learner: Learner, algorithm: Algorithm, index: int) -> tuple[float, ...]:
        """Adapt to held-out episode ``index``; the counts or sums that :meth:`combine` takes."""
        ...

    def combine(self, scores: Sequence[tuple[float, ...]]) -> float:
        """One figure for all episodes; higher is better."""
        ...


@dataclass(frozen=True)
class Report:
    """An :class:`~fewshot_metalstm.meta.algorithm.Outcome` without its gradient, and its name."""

    name: str
    support_loss: float
    query_loss_before: float
    query_loss: float
    inner_norm: float
    seconds: float
    finite: bool
    figure: float  # the learner's figure on the query after adaptation; NaN but for episode 0


@dataclass(frozen=True)
class _Work:
    """What every process holds."""

    learner: Learner
    algorithm: Algorithm
    source: EpisodeSource
    validator: Validator | None
    seed: int

    def episode(self, step: int, index: int, slot: Tensor) -> Report:
        from time import perf_counter

        start = perf_counter()
        episode = self.source.episode(step, index)
        noise = torch_generator(self.seed, "episode-noise", step, index)
        outcome = self.algorithm.outcome(self.learner, episode, noise)
        torch.cat([g.reshape(-1) for g in outcome.gradient], out=slot)
        finite = bool(torch.isfinite(slot).all()) and outcome.query_loss == outcome.query_loss
        # Of the first episode only: decoding all of them would take a few percent of a step.
        figure = float("nan")
        if index == 0 and finite:
            figure = self.learner.figure(outcome.adapted, episode.query)
        return Report(
            episode.name, outcome.support_loss, outcome.query_loss_before, outcome.query_loss,
            outcome.inner_norm, perf_counter() - start, finite, figure,
        )  # fmt: skip

    def score(self, index: int) -> tuple[float, ...]:
        assert self.validator is not None
        return self.validator.score(self.learner, self.algorithm, index)


class EpisodePool:
    """Runs episodes and validation on ``workers`` processes (1: in this one).

    Use it as a context manager; leaving it ends the processes.
    """

    def __init__(
        self, learner: Learner, algorithm: Algorithm, source: EpisodeSource,
        validator: Validator | None, *, meta_batch: int, workers: int, seed: int,
    ) -> None:  # fmt: skip
        self.learner = learner
        self.inner_lr = algorithm.inner.lr
        self._parameters = list(learner.parameters())
        vector = parameters_to_vector(self._parameters).detach()
        self._work = _Work(learner, algorithm, source, validator, seed)
        self._slots = torch.zeros(meta_batch, len(vector), dtype=vector.dtype)
        self._vector = vector.clone()
        self._pipes: list[Connection[Any, Any]] = []
        self._processes: list[BaseProcess] = []
        self._threads = torch.get_num_threads()
        if workers > 1:
            self._slots.share_memory_()  # type: ignore[no-untyped-call]
            self._vector.share_memory_()  # type: ignore[no-untyped-call]
            context = mp.get_context("spawn")
            for _ in range(workers):
                ours, theirs = context.Pipe()
                process = context.Process(
                    target=_serve, args=(theirs, self._work, self._vector, self._slots), daemon=True
                )
                process.start()
                theirs.close()
                self._pipes.append(ours)
                self._processes.append(process)

    def __enter__(self) -> EpisodePool:
        torch.set_num_threads(1)  # so that sums are taken in one order on every machine
        return self

    def __exit__(self, *_: object) -> None:
        torch.set_num_threads(self._threads)
        for pipe in self._pipes:
            with suppress(OSError):
                pipe.send(None)
            pipe.close()
        for process in self._processes:
            process.join(timeout=5)
            if process.is_alive():
                process.kill()  # it heeds no other signal
                process.join()

    def step(self, step: int) -> tuple[list[Report], Tensor]:
        """The episodes of outer step ``step``.

        Returns:
            a report of each, and their gradients, (meta_batch, P), as flat vectors in the order
            of the learner's parameters; the rows are overwritten by the next call.
        """
        reports = self._run([("episode", (step, i)) for i in range(len(self._slots))])
        return reports, self._slots

    def validate(self) -> float:
        """The validator's figure for the learner as it is now."""
        validator = self._work.validator
        if validator is None:
            raise ValueError("the pool has no validator")
        return validator.combine(self._run([("score", (i,)) for i in range(len(validator))]))

    def _run(self, jobs: list[tuple[str, tuple[int, ...]]]) -> list[Any]:
        if not self._pipes:
            return [_do(self._work, self._slots, job) for job in jobs]
        self._vector.copy_(parameters_to_vector(self._parameters).detach())
        results: list[Any] = [None] * len(jobs)
        waiting = list(enumerate(jobs))[::-1]
        busy: dict[Any, int] = {}
        for pipe in self._pipes:
            if waiting:
                number, job = waiting.pop()
                pipe.send(job)
                busy[pipe] = number
        from multiprocessing.connection import wait

        while busy:
            ready: list[Any] = wait(list(busy))
            for answering in ready:
                try:
                    result = answering.recv()
                except EOFError as end:
                    raise RuntimeError("a worker process ended unexpectedly") from end
                if isinstance(result, BaseException):
                    raise result
                results[busy.pop(answering)] = result
                if waiting:
                    number, job = waiting.pop()
                    answering.send(job)
                    busy[answering] = number
        return results


def _do(work: _Work, slots: Tensor, job: tuple[str, tuple[int, ...]]) -> Any:
    kind, arguments = job
    if kind == "episode":
        step, index = arguments
        return work.episode(step, index, slots[index])
    return work.score(*arguments)


def _serve(pipe: Connection[Any, Any], work: _Work, vector: Tensor, slots: Tensor) -> None:
    # Ctrl-C, and what a job scheduler sends, reach the whole group; the parent decides when to
    # stop, and ends this process by closing the pipe.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    torch.set_num_threads(1)
    parameters = list(work.learner.parameters())
    while True:
        try:
            job = pipe.recv()
        except EOFError:
            return
        if job is None:
            return
        with torch.no_grad():
            vector_to_parameters(vector.clone(), parameters)
        result: Any
        try:
            result = _do(work, slots, job)
        except Exception as problem:  # handed to the parent, which raises it
            result = problem
        try:
            pipe.send(result)
        except BrokenPipeError:  # the parent is gone
            return
