"""The outer loop: episodes in, a better starting point out."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, NoReturn

import torch
from torch import Tensor

from fewshot_metalstm import ranges
from fewshot_metalstm.errors import UserError
from fewshot_metalstm.meta.algorithm import OWN
from fewshot_metalstm.meta.config import OuterConfig as OuterConfig
from fewshot_metalstm.meta.joint import cosine
from fewshot_metalstm.meta.learner import Learner
from fewshot_metalstm.meta.pool import EpisodePool, Report
from fewshot_metalstm.meta.ranks import Order

OPTIMISERS = {"adam": torch.optim.Adam, "sgd": torch.optim.SGD}


def check(config: OuterConfig) -> None:
    """Refuse settings that mean nothing with a :class:`UserError`."""
    ranges.check(config, "outer")


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
    """Adam, or plain gradient descent, on the mean outer gradient of a meta-batch.

    An episode with a non-finite loss or gradient is left out, counted and named; the mean is over
    the rest. ``config.patience`` steps in a row without a finite episode raise
    :class:`UserError`.
    """

    def __init__(self, learner: Learner, config: OuterConfig) -> None:
        self.learner = learner
        self.config = config
        check(config)
        own = [p for n, p in learner.named_parameters() if n.startswith(f"{OWN}.")]
        start = [p for n, p in learner.named_parameters() if not n.startswith(f"{OWN}.")]
        groups: list[dict[str, Any]] = [{"params": start, "lr": config.lr}]
        if own:
            groups.append({"params": own, "lr": config.own_lr or config.lr})
        self._rates = [group["lr"] for group in groups]  # at the start
        self.optimiser = OPTIMISERS[config.optimiser](groups, lr=config.lr)
        self.done = 0
        self.barren = 0  # steps in a row without a finite episode
        self.skipped = 0  # episodes left out so far

    def run(self, pool: EpisodePool) -> Iterator[StepRecord]:
        """Take the remaining steps, yielding a record after each."""
        while self.done < self.config.steps:
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
        reports, _ = pool.step(self.done)
        share = cosine(self.done, self.config.steps, self.config.lr_floor)
        lr = self.config.lr * share
        finite = [i for i, report in enumerate(reports) if report.finite]
        bad = tuple(report.name for report in reports if not report.finite)
        gradient = pool.mean(finite) if finite else None
        # Nothing has changed up to here: if a rank is lost, the run stands between two steps.
        self.done += 1
        self.skipped += len(bad)
        norm = float("nan")
        if gradient is not None:
            self.barren = 0
            norm = self._update(gradient, share)
        else:
            self.barren += 1
            if self.barren >= self.config.patience:
                raise UserError(
                    f"outer step {self.done}: no finite loss in {self.barren} steps in a row "
                    f"(last episodes: {', '.join(bad)}); lower inner.lr or outer.lr"
                )
        return _record(self.done, pool, lr, [reports[i] for i in finite], norm, bad)

    def _update(self, gradient: Tensor, share: float) -> float:
        parameters = list(self.learner.parameters())
        norm = float(gradient.norm())
        if self.config.clip > 0:
            gradient = gradient * min(1.0, self.config.clip / (norm + 1e-12))
        start = 0
        for parameter in parameters:
            end = start + parameter.numel()
            parameter.grad = gradient[start:end].view_as(parameter).clone()
            start = end
        for group, lr in zip(self.optimiser.param_groups, self._rates, strict=True):
            group["lr"] = lr * share
        self.optimiser.step()
        return norm


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
