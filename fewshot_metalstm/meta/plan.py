"""What a run of meta-training is going to do, and about how long that takes on this machine.

The time comes from a joint step that is measured: an outer step is as many gradients of a batch as
:mod:`fewshot_metalstm.meta.budget` counts, spread over processes, and the second order of one takes
about three times as long. Meta-validation comes on top.
"""

from __future__ import annotations

import time
from dataclasses import dataclass
from datetime import timedelta

from fewshot_metalstm.meta import registry
from fewshot_metalstm.meta.config import TrainingConfig
from fewshot_metalstm.meta.joint import JointTraining
from fewshot_metalstm.meta.make import make_algorithm
from fewshot_metalstm.meta.source import JointSource
from fewshot_metalstm.meta.unrolled import Unrolled
from fewshot_metalstm.seeds import torch_generator

JOINT, OUTER = "joint training", "outer loop"
_SECOND_ORDER = 3.0  # times the seconds of a first-order gradient
_MEASURED = 4  # steps, the first of which loads compiled code and does not count


@dataclass(frozen=True)
class TrainingPlan:
    """Steps of both phases, and the seconds of one of each where they are known.

    ``joint`` and ``outer`` are what there is to do in all, ``done`` what is done of each already.
    """

    joint: int
    outer: int
    joint_seconds: float | None = None
    outer_seconds: float | None = None
    done: tuple[int, int] = (0, 0)

    @property
    def words(self) -> str:
        """The steps as a line for the user, before anything is measured."""
        parts = [f"{self.joint:,} steps of {JOINT}"] if self.joint else []
        parts += [f"{self.outer:,} of the {OUTER}"] if self.outer else []
        cure = " (--joint-steps N for fewer of the first)" if self.joint and self.outer else ""
        return f"plan: {', then '.join(parts) or 'nothing to train'}{cure}"

    @property
    def times(self) -> str:
        """About how long that takes, as a line for the user; empty where nothing was measured."""
        if self.joint_seconds is None or self.outer_seconds is None:
            return ""
        joint = (self.joint - self.done[0]) * self.joint_seconds
        outer = (self.outer - self.done[1]) * self.outer_seconds
        parts = [f"{_about(joint)} of {JOINT}"] if self.joint else []
        parts += [f"{_about(outer)} of the {OUTER} and its validation besides"] if outer else []
        milliseconds = f"{self.joint_seconds * 1000:.0f} ms"
        return f"about {', then '.join(parts)}, as a joint step takes {milliseconds} here"

    @property
    def phases(self) -> tuple[tuple[str, int, float], ...]:
        """Name, steps, and what share of the bar a step is worth, of each phase."""
        return (
            (JOINT, self.joint, self.joint_seconds or 1.0),
            (OUTER, self.outer, self.outer_seconds or 1.0),
        )


def plan_of(config: TrainingConfig) -> TrainingPlan:
    """What a run with these settings does."""
    joint = 0 if config.start else config.joint.steps
    return TrainingPlan(joint, 0 if registry.jointly(config.algorithm) else config.outer.steps)


def measured(
    plan: TrainingPlan, config: TrainingConfig, training: JointTraining, batches: JointSource,
    processes: int,
) -> TrainingPlan:  # fmt: skip
    """The plan with seconds: those of some joint steps that are computed and not taken."""
    seconds = []
    for number in range(_MEASURED):
        began = time.perf_counter()
        found = batches.batch(training.done + number)
        params = dict(training.learner.named_parameters()) | training.heads[found.task]
        noise = torch_generator(config.seed, "joint-noise", training.done + number)
        loss = training.learner.loss(params, found.batch, noise)
        loss.backward()  # type: ignore[no-untyped-call]
        seconds.append(time.perf_counter() - began)
    training.optimiser.zero_grad(set_to_none=True)
    step = sum(seconds[1:]) / len(seconds[1:])
    entry = registry.lookup(config.algorithm)
    inner = 0 if entry is not None and entry.inner == "none" else config.inner.steps
    outer = config.outer.meta_batch * (inner + 1) * step
    algorithm = make_algorithm(config).scheduled(1.0)
    if isinstance(algorithm, Unrolled) and algorithm.depth:
        outer *= _SECOND_ORDER
    at_once = max(1, min(processes, config.outer.meta_batch))
    return TrainingPlan(
        plan.joint, plan.outer, step, outer / at_once, (training.done, plan.done[1])
    )


def _about(seconds: float) -> str:
    """A time in words that claim no more than is known: ``40 s``, ``12 min``, ``3 h 10 min``."""
    if seconds < 90:
        return f"{max(1, round(seconds))} s"
    minutes = round(timedelta(seconds=seconds) / timedelta(minutes=1))
    return f"{minutes} min" if minutes < 90 else f"{minutes // 60} h {minutes % 60} min"
