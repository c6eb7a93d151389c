"""What a run of meta-training is going to do, and about how long that takes on this machine.

The time comes from steps that are computed and not taken, before anything is made: joint steps, the
outer gradient of an episode and the validation of one, on a model of the sizes that the run's will
have. Word vectors, or whatever else a kind makes first, the kind times itself
(:class:`~fewshot_metalstm.meta.source.Preparation`).
"""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import timedelta

import torch

from fewshot_metalstm.meta import registry
from fewshot_metalstm.meta.config import TrainingConfig
from fewshot_metalstm.meta.joint import JointTraining
from fewshot_metalstm.meta.learner import Learner
from fewshot_metalstm.meta.make import make_algorithm
from fewshot_metalstm.meta.source import Model, TrainingSource
from fewshot_metalstm.seeds import torch_generator

JOINT, OUTER = "joint training", "outer loop"
WORTH = 20  # steps; of fewer no time is told: to measure it would take as long
_MEASURED = 4  # steps, the first of which loads compiled code and does not count


@dataclass(frozen=True)
class TrainingPlan:
    """Steps of both phases, and the seconds of one of each where they are known.

    ``joint`` and ``outer`` are what there is to do in all, ``done`` what is done of each already.
    ``before`` is what is made first: its name, steps and the seconds of one.
    ``validations`` are still to be done, ``validation_seconds`` what one takes.
    """

    joint: int
    outer: int
    joint_seconds: float | None = None
    outer_seconds: float | None = None
    done: tuple[int, int] = (0, 0)
    before: tuple[str, int, float] | None = None
    validations: int = 0
    validation_seconds: float = 0.0

    @property
    def worth(self) -> bool:
        """Whether there is so much left to do that it is worth measuring."""
        return self.joint + self.outer - sum(self.done) >= WORTH

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
        parts = {f"of {self.before[0]}": self.before[1] * self.before[2]} if self.before else {}
        parts[f"of {JOINT}"] = (self.joint - self.done[0]) * self.joint_seconds
        parts[f"of the {OUTER}"] = (self.outer - self.done[1]) * self.outer_seconds
        parts["of meta-validation"] = self.validations * self.validation_seconds
        told = [f"{_about(seconds)} {what}" for what, seconds in parts.items() if seconds]
        whole = f"about {_about(sum(parts.values()))} in all, as steps take on this machine now: "
        return whole + ", ".join(told) if told else ""

    @property
    def phases(self) -> tuple[tuple[str, int, float], ...]:
        """Name, steps, and what share of the bar a step is worth, of each phase."""
        outer = self.outer_seconds or 1.0
        if self.outer:
            outer += self.validations * self.validation_seconds / self.outer
        both = ((JOINT, self.joint, self.joint_seconds or 1.0), (OUTER, self.outer, outer))
        return both if self.before is None else (self.before, *both)


def plan_of(config: TrainingConfig) -> TrainingPlan:
    """What a run with these settings does."""
    joint = 0 if config.start else config.joint.steps
    outer = 0 if registry.jointly(config.algorithm) else config.outer.steps
    return TrainingPlan(joint, outer, validations=len(_validated(outer, config)))


def remaining(plan: TrainingPlan, config: TrainingConfig, done: tuple[int, int]) -> TrainingPlan:
    """The plan of a run of which so many steps of either phase are done."""
    left = sum(step >= done[1] for step in _validated(plan.outer, config))
    return replace(plan, done=done, validations=left)


def measured(
    plan: TrainingPlan, config: TrainingConfig, source: TrainingSource, model: Model,
    processes: int,
) -> TrainingPlan:  # fmt: skip
    """The plan with seconds.

    Args:
        source: in use for ``model`` (:meth:`TrainingSource.use`).
        model: that no one needs afterwards: its learner is given what the outer loop needs.
        processes: that share the episodes of a step, on all ranks.
    """
    joint, outer = plan.joint - plan.done[0], plan.outer - plan.done[1]
    threads = torch.get_num_threads()
    torch.set_num_threads(1)  # as in both phases
    try:
        step = _joint_step(config, source, model.learner) if joint else 0.0
        if not (outer or plan.validations):
            return replace(plan, joint_seconds=step, outer_seconds=0.0)
        source.before_outer(model, {}, saved=True)
        gradient, score = _outer_step(config, source, model.learner, gradients=bool(outer))
    finally:
        torch.set_num_threads(threads)
    at_once = max(1, min(processes, config.outer.meta_batch))
    return replace(
        plan, joint_seconds=step, outer_seconds=config.outer.meta_batch * gradient / at_once,
        validation_seconds=score / at_once,
    )  # fmt: skip


def _joint_step(config: TrainingConfig, source: TrainingSource, learner: Learner) -> float:
    """Seconds of a joint step."""
    batches = source.joint()
    training = JointTraining(learner, batches.tasks(), config.joint)

    def one(number: int) -> None:
        training.step(batches.batch(number), torch_generator(config.seed, "joint-noise", number))

    return _timed(one, _MEASURED)


def _outer_step(
    config: TrainingConfig, source: TrainingSource, learner: Learner, *, gradients: bool
) -> tuple[float, float]:
    """Seconds of an episode's outer gradient, if there are any, and of validation, if any."""
    made = make_algorithm(config)
    made.prepare(learner)
    # As it is at the end: an algorithm may begin with first order.
    algorithm, episodes = made.scheduled(1.0), source.episodes()

    def one(number: int) -> None:
        chosen = [episodes.episode(number, index) for index in range(algorithm.tasks)]
        noise = [
            torch_generator(config.seed, "episode-noise", number, i) for i in range(len(chosen))
        ]
        algorithm.outcomes(learner, chosen, noise)

    gradient = _timed(one, 3) / algorithm.tasks if gradients else 0.0
    validator = source.validation()
    if validator is None or not plan_of(config).validations:
        return gradient, 0.0
    number = len(validator)
    score = _timed(lambda i: validator.score(learner, algorithm, i % number), 3)
    return gradient, score * number


def _timed(one: Callable[[int], object], times: int) -> float:
    """The mean seconds of all calls but the first."""
    one(0)
    began = time.perf_counter()
    for number in range(1, times):
        one(number)
    return (time.perf_counter() - began) / (times - 1)


def _validated(outer: int, config: TrainingConfig) -> set[int]:
    """The outer steps before or after which there is validation."""
    every = config.outer.validate_every
    return {outer, *range(0, outer, every)} if every > 0 else set()


def _about(seconds: float) -> str:
    """A time in words that claim no more than is known: ``40 s``, ``12 min``, ``3 h 10 min``."""
    if seconds < 90:
        return f"{max(1, round(seconds))} s"
    minutes = round(timedelta(seconds=seconds) / timedelta(minutes=1))
    return f"{minutes} min" if minutes < 90 else f"{minutes // 60} h {minutes % 60} min"
