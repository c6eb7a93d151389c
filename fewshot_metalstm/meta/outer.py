"""The outer loop: episodes in, a better starting point out."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import NoReturn

import torch
from torch import Tensor

from fewshot_metalstm.errors import UserError
from fewshot_metalstm.meta.joint import cosine
from fewshot_metalstm.meta.learner import Learner
from fewshot_metalstm.meta.pool import EpisodePool, Report
from fewshot_metalstm.meta.ranks import Order


@dataclass(frozen=True)
class OuterConfig:
    """The outer loop."""

    steps: int = 2000  # outer steps of a run
    runs: int = 1  # runs from one start, on episodes of their own; the mean of their ends is kept
    meta_batch: int = 4  # episodes a step
    lr: float = 1e-3  # Adam's learning rate at the start
    lr_floor: float = 0.1  # share of it at the end of the cosine
    clip: float = 5.0  # largest norm of an outer gradient
    validate_every: int = 250  # steps between meta-validations; 0 never validates
    patience: int = 20  # steps in a row without one finite episode that stop the run


@dataclass(frozen=True)
class StepRecord:
    """What happened in one outer step; losses are means over its finite episodes."""

    step: int  # from 1
    inner_lr: float
    outer_lr: float
    support_loss: float
    query_loss_before: float
    query_loss: float
    inner_norm: float
    outer_norm: float
    query_figure: float  # the learner's figure (F1, say) on the first episode's query, or NaN
    skipped: tuple[str, ...]  # episodes left out because a loss or gradient was not finite


class OuterLoop:
    """Adam on the mean outer gradient of a meta-batch.

    An episode with a non-finite loss or gradient is left out, counted and named; the mean is over
    the rest. ``config.patience`` steps in a row without a finite episode raise
    :class:`UserError`.

    With ``config.runs`` above 1 the loop returns to where it began after every ``config.steps``
    steps, and ends at the mean of the ends: they lie in one basin, and its middle transfers better
    than its rim (Wortsman et al., "Model soups", ICML 2022).
    """

    def __init__(self, learner: Learner, config: OuterConfig) -> None:
        self.learner = learner
        self.config = config
        self.optimiser = self._optimiser()
        self.done = 0
        self._start = _copies(learner) if config.runs > 1 else []
        self._ends = [torch.zeros_like(value) for value in self._start]  # sum over runs
        self.barren = 0  # steps in a row without a finite episode
        self.skipped = 0  # episodes left out so far

    @property
    def steps(self) -> int:
        """Outer steps of all runs."""
        return self.config.steps * self.config.runs

    def _optimiser(self) -> torch.optim.Adam:
        return torch.optim.Adam(self.learner.parameters(), lr=self.config.lr)

    def run(self, pool: EpisodePool) -> Iterator[StepRecord]:
        """Take the remaining steps, yielding a record after each."""
        while self.done < self.steps:
            yield self.step(pool)

    def follow(self, pool: EpisodePool) -> NoReturn:
        """On ranks other than 0: do what rank 0 does, until it ends.

        Raises :class:`~fewshot_metalstm.meta.ranks.EndedElsewhere` when it has.
        """
        while True:
            if pool.ranks.hear() is Order.STEP:
                self.step(pool)
            else:
                pool.validate()

    def step(self, pool: EpisodePool) -> StepRecord:
        """Take one outer step."""
        within = self.done % self.config.steps
        if self._start and within == 0:
            self._set(self._start)
            self.optimiser = self._optimiser()
        reports, _ = pool.step(self.done)
        lr = self.config.lr * cosine(within, self.config.steps, self.config.lr_floor)
        finite = [i for i, report in enumerate(reports) if report.finite]
        bad = tuple(report.name for report in reports if not report.finite)
        gradient = pool.mean(finite) if finite else None
        # Nothing has changed up to here: if a rank is lost, the run stands between two steps.
        self.done += 1
        self.skipped += len(bad)
        norm = float("nan")
        if gradient is not None:
            self.barren = 0
            norm = self._update(gradient, lr)
        else:
            self.barren += 1
            if self.barren >= self.config.patience:
                raise UserError(
                    f"outer step {self.done}: no finite loss in {self.barren} steps in a row "
                    f"(last episodes: {', '.join(bad)}); lower inner.lr or outer.lr"
                )
        if self._start and self.done % self.config.steps == 0:
            for total, end in zip(self._ends, self.learner.parameters(), strict=True):
                total += end.detach()
            if self.done == self.steps:
                self._set([total / self.config.runs for total in self._ends])
        return _record(self.done, pool, lr, [reports[i] for i in finite], norm, bad)

    def tensors(self) -> dict[str, Tensor]:
        """What has to be kept, beside the optimiser and the learner, to go on."""
        named = {f"start.{i}": value for i, value in enumerate(self._start)}
        return {**named, **{f"ends.{i}": value for i, value in enumerate(self._ends)}}

    def restore(self, tensors: Mapping[str, Tensor]) -> None:
        """Take what :meth:`tensors` gave."""
        for name, values in (("start", self._start), ("ends", self._ends)):
            for i, value in enumerate(values):
                value.copy_(tensors[f"{name}.{i}"])

    def _set(self, values: Sequence[Tensor]) -> None:
        with torch.no_grad():
            for parameter, value in zip(self.learner.parameters(), values, strict=True):
                parameter.copy_(value)

    def _update(self, gradient: Tensor, lr: float) -> float:
        parameters = list(self.learner.parameters())
        norm = float(gradient.norm())
        if self.config.clip > 0:
            gradient = gradient * min(1.0, self.config.clip / (norm + 1e-12))
        start = 0
        for parameter in parameters:
            end = start + parameter.numel()
            parameter.grad = gradient[start:end].view_as(parameter).clone()
            start = end
        for group in self.optimiser.param_groups:
            group["lr"] = lr
        self.optimiser.step()
        return norm


def _copies(learner: Learner) -> list[Tensor]:
    return [parameter.detach().clone() for parameter in learner.parameters()]


def _record(
    step: int, pool: EpisodePool, lr: float, reports: list[Report], norm: float,
    skipped: tuple[str, ...],
) -> StepRecord:  # fmt: skip
    def mean(values: list[float]) -> float:
        return sum(values) / len(values) if values else float("nan")

    return StepRecord(
        step=step,
        inner_lr=pool.inner_lr,
        outer_lr=lr,
        support_loss=mean([r.support_loss for r in reports]),
        query_loss_before=mean([r.query_loss_before for r in reports]),
        query_loss=mean([r.query_loss for r in reports]),
        inner_norm=mean([r.inner_norm for r in reports]),
        outer_norm=norm,
        query_figure=mean([r.figure for r in reports if r.figure == r.figure]),
        skipped=skipped,
    )
