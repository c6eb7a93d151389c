"""Episodes of one outer step on several processes, with the same result on any number of them.

Every process computes in one thread and writes each episode's gradient to a slot of its own;
their mean is taken in the order of the episodes. Parameters and gradients travel through shared
memory, everything else (a few numbers) through a pipe.

A run on several ranks (:mod:`fewshot_metalstm.meta.ranks`) has a pool on each. Rank ``r`` of ``n``
runs the episodes ``r``, ``r + n``, ``r + 2n`` and so on, of steps and of validation alike.
"""

from __future__ import annotations

import signal
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from multiprocessing.connection import Connection
from multiprocessing.process import BaseProcess
from time import perf_counter
from typing import Any, Protocol

import torch
from torch import Tensor
from torch.nn.utils import parameters_to_vector, vector_to_parameters

from fewshot_metalstm.machine import keep_freed_memory
from fewshot_metalstm.meta.algorithm import Algorithm, Outcome
from fewshot_metalstm.meta.learner import Episode, Learner
from fewshot_metalstm.meta.ranks import Order, Ranks
from fewshot_metalstm.seeds import torch_generator
from fewshot_metalstm.workers import start_worker


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
        """The kind's figure for all episodes."""
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
    steps: int  # of the outer loop; 0 where nothing depends on how far it is

    def episodes(self, step: int, indices: Sequence[int], slots: Tensor) -> list[Report]:
        start = perf_counter()
        episodes = [self.source.episode(step, index) for index in indices]
        noise = [torch_generator(self.seed, "episode-noise", step, index) for index in indices]
        now = self.algorithm.scheduled(step / self.steps if self.steps else 0.0)
        outcomes = now.outcomes(self.learner, episodes, noise)
        seconds = (perf_counter() - start) / len(episodes)
        return [
            self._report(index, episode, outcome, slot, seconds)
            for index, episode, outcome, slot in zip(
                indices, episodes, outcomes, slots, strict=True
            )
        ]

    def _report(
        self, index: int, episode: Episode, outcome: Outcome, slot: Tensor, seconds: float
    ) -> Report:
        torch.cat([g.detach().reshape(-1) for g in outcome.gradient], out=slot)
        finite = bool(torch.isfinite(slot).all()) and outcome.query_loss == outcome.query_loss
        # Of the first episode only: decoding all of them would take a few percent of a step.
        figure = float("nan")
        if index == 0 and finite:
            figure = self.learner.figure(outcome.adapted, episode.query)
        return Report(
            episode.name, outcome.support_loss, outcome.query_loss_before, outcome.query_loss,
            outcome.inner_norm, seconds, finite, figure,
        )  # fmt: skip

    def score(self, index: int) -> tuple[float, ...]:
        assert self.validator is not None
        return self.validator.score(self.learner, self.algorithm, index)


class EpisodePool:
    """Runs this rank's episodes and validation on ``workers`` processes (1: in this one).

    Use it as a context manager; leaving it ends the processes. On several ranks, what rank 0
    calls has to be called by the others too, at the order that it gives them.

    Args:
        learner: prepared by the algorithm
            (:meth:`~fewshot_metalstm.meta.algorithm.Algorithm.prepare`).
        steps: of the outer loop, from which the algorithm learns how far it is.
    """

    def __init__(
        self, learner: Learner, algorithm: Algorithm, source: EpisodeSource,
        validator: Validator | None, *, meta_batch: int, workers: int, seed: int,
        ranks: Ranks | None = None, steps: int = 0,
    ) -> None:  # fmt: skip
        self.learner = learner
        self.ranks = ranks or Ranks()
        self._meta_batch = meta_batch
        self._parameters = list(learner.parameters())
        vector = parameters_to_vector(self._parameters).detach()
        self._work = _Work(learner, algorithm, source, validator, seed, steps)
        slots = -(-meta_batch // self.ranks.size)  # the same on every rank
        self._slots = vector.new_zeros(slots, len(vector))
        self._vector = vector.clone()
        self._pipes: list[Connection[Any, Any]] = []
        self._processes: list[BaseProcess] = []
        self._threads = torch.get_num_threads()
        self.processes = workers
        if workers > 1:
            self._slots.share_memory_()  # type: ignore[no-untyped-call]
            self._vector.share_memory_()  # type: ignore[no-untyped-call]
            for _ in range(workers):
                pipe, process = start_worker(_serve, self._work, self._vector, self._slots)
                self._pipes.append(pipe)
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

    @property
    def numbers(self) -> tuple[int, ...]:
        """The system's numbers of the processes besides this one."""
        return tuple(process.pid for process in self._processes if process.pid is not None)

    @property
    def validates(self) -> bool:
        """Whether there is anything to validate on."""
        return self._work.validator is not None

    @property
    def inner_lr(self) -> float:
        """The rate of the inner loop; the mean where rates are learned."""
        algorithm = self._work.algorithm
        return algorithm.metrics(self.learner).get("inner_lr", algorithm.inner.lr)

    def step(self, step: int) -> tuple[list[Report], Tensor]:
        """The episodes of outer step ``step``.

        Returns:
            a report of every episode on any rank, and the gradients of this rank's, (slots, P), as
            flat vectors in the order of the learner's parameters; the rows are overwritten by the
            next call.
        """
        self.ranks.order(Order.STEP)
        own = self._own(self._meta_batch)
        # As many at once as the algorithm likes, and not as there are workers: on the number of
        # workers nothing depends.
        size = self._work.algorithm.tasks
        parts = range(0, len(own), size)
        jobs = [("episodes", (step, slot, *own[slot : slot + size])) for slot in parts]
        reports = self.ranks.share(lambda: [r for part in self._run(jobs) for r in part])
        return _in_turn(reports, self._meta_batch), self._slots

    def mean(self, kept: Sequence[int]) -> Tensor:
        """The mean gradient, (P,), of the episodes ``kept`` (at least one) of the last step."""
        return self.ranks.mean(self._slots, kept)

    def validate(self) -> float:
        """The validator's figure for the learner as it is now."""
        validator = self._work.validator
        if validator is None:
            raise ValueError("the pool has no validator")
        self.ranks.order(Order.VALIDATE)
        if self.ranks.size > 1:
            # They are the same already where the ranks have the same processors. Others round
            # otherwise: what that adds up to is taken back here.
            vector = self.ranks.align(parameters_to_vector(self._parameters).detach())
            with torch.no_grad():
                vector_to_parameters(vector, self._parameters)
        jobs = [("score", (index,)) for index in self._own(len(validator))]
        return validator.combine(
            _in_turn(self.ranks.share(lambda: self._run(jobs)), len(validator))
        )

    def inspect(self) -> dict[str, float]:
        """What the algorithm tells of the inner loop on the first episode of all."""
        work = self._work
        return work.algorithm.inspect(work.learner, work.source.episode(0, 0).support)

    def _own(self, number: int) -> range:
        return range(self.ranks.rank, number, self.ranks.size)

    def _run(self, jobs: Sequence[tuple[str, tuple[int, ...]]]) -> list[Any]:
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


def _in_turn(results: list[list[Any]], number: int) -> list[Any]:
    """Results 0 to ``number`` of which each rank has every ``len(results)``-th."""
    ranks = len(results)
    return [results[i % ranks][i // ranks] for i in range(number)]


def _do(work: _Work, slots: Tensor, job: tuple[str, tuple[int, ...]]) -> Any:
    kind, arguments = job
    if kind == "episodes":
        step, slot, *indices = arguments
        return work.episodes(step, indices, slots[slot : slot + len(indices)])
    return work.score(*arguments)


def _serve(pipe: Connection[Any, Any], work: _Work, vector: Tensor, slots: Tensor) -> None:
    # What a terminal and a job scheduler send reaches the whole group; the parent decides when to
    # stop, and ends this process by closing the pipe.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    torch.set_num_threads(1)
    keep_freed_memory()
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
