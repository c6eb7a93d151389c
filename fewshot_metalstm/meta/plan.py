"""What a run of meta-training is going to do, and about how long that takes on this machine.

The time comes from steps that are computed and not taken, before anything is made: joint steps, the
outer gradient of an episode and the validation of one, on a model of the sizes that the run's will
have. Word vectors, or whatever else a kind makes first, the kind times itself
(:class:`~fewshot_metalstm.meta.source.Preparation`).
"""

from __future__ import annotations

import copy
import time
from collections.abc import Callable
from dataclasses import dataclass, replace

import torch

from fewshot_metalstm.machine import one_thread
from fewshot_metalstm.meta import registry
from fewshot_metalstm.meta.config import TrainingConfig
from fewshot_metalstm.meta.cost import Cost, Piece, about, cost_of
from fewshot_metalstm.meta.joint import JointTraining
from fewshot_metalstm.meta.learner import Learner
from fewshot_metalstm.meta.make import make_algorithm
from fewshot_metalstm.meta.source import Model, TrainingSource
from fewshot_metalstm.seeds import torch_generator

JOINT, OUTER = "joint training", "outer loop"
WORTH = 20  # steps; of fewer no time is told: to measure it would take as long
MEASURED = 4  # steps, the first of which loads compiled code and does not count


@dataclass(frozen=True)
class TrainingPlan:
    """Steps of both phases, and the seconds of one of each where they are known.

    ``joint`` and ``outer`` are what there is to do in all, ``done`` what is done of each already.
    ``before`` is what is made first: its name, steps and the seconds of one.
    ``validations`` are still to be done, ``validation_seconds`` what one takes. ``cost`` is that of
    what is left to do.
    """

    joint: int
    outer: int
    joint_seconds: float | None = None
    outer_seconds: float | None = None
    done: tuple[int, int] = (0, 0)
    before: tuple[str, int, float] | None = None
    validations: int = 0
    validation_seconds: float = 0.0
    cost: Cost | None = None

    @property
    def worth(self) -> bool:
        """Whether there is so much left to do that it is worth measuring."""
        return self.joint + self.outer - sum(self.done) >= WORTH

    @property
    def words(self) -> str:
        """The steps as a line for the user, before anything is measured; of a run that goes on
        those that are left.
        """
        parts = [
            f"{f'{whole - done:,} of ' if done else ''}{whole:,} {what}"
            for whole, done, what in (
                (self.joint, self.done[0], f"steps of {JOINT}"),
                (self.outer, self.done[1], f"of the {OUTER}"),
            )
            if whole > done
        ]
        if any(self.done):
            return f"plan, the rest of a run: {', then '.join(parts) or 'no more steps'}"
        cure = " (--joint-steps N for fewer of the first)" if self.joint and self.outer else ""
        return f"plan: {', then '.join(parts) or 'nothing to train'}{cure}"

    @property
    def seconds(self) -> dict[str, float] | None:
        """Of each part that is left, by its name; None where nothing was measured."""
        if self.joint_seconds is None or self.outer_seconds is None:
            return None
        parts = {f"of {self.before[0]}": self.before[1] * self.before[2]} if self.before else {}
        parts[f"of {JOINT}"] = (self.joint - self.done[0]) * self.joint_seconds
        parts[f"of the {OUTER}"] = (self.outer - self.done[1]) * self.outer_seconds
        parts["of meta-validation"] = self.validations * self.validation_seconds
        return parts

    @property
    def times(self) -> str:
        """About how long that takes, as a line for the user; empty where nothing was measured."""
        parts = self.seconds or {}
        told = [f"{about(seconds)} {what}" for what, seconds in parts.items() if seconds]
        extent = "left" if any(self.done) else "in all"
        whole = f"about {about(sum(parts.values()))} {extent}, as steps take on this machine now: "
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
    processes: int, device: torch.device,
) -> TrainingPlan:  # fmt: skip
    """The plan with seconds and cost.

    Args:
        source: in use for ``model`` (:meth:`TrainingSource.use`), on ``device``.
        model: that no one needs afterwards: its learner is given what the outer loop needs.
        processes: that share the episodes of a step, on all ranks.
    """
    joint, outer = plan.joint - plan.done[0], plan.outer - plan.done[1]
    at_once = max(1, min(processes, config.outer.meta_batch))
    pieces: list[Piece] = []
    with one_thread():  # as in both phases
        plan = replace(plan, joint_seconds=0.0, outer_seconds=0.0)
        if joint:
            step = _joint_step(config, source, model.learner, joint)
            pieces.append(step)
            plan = replace(plan, joint_seconds=step.seconds)
        if outer or plan.validations:
            source.before_outer(model, {}, saved=True)
            gradients, scores = _outer_steps(config, source, model.learner, outer, plan.validations)
            pieces += [*gradients, *scores]
            plan = replace(
                plan,
                outer_seconds=sum(p.times * p.seconds for p in gradients) / max(outer, 1) / at_once,
                validation_seconds=sum(p.times * p.seconds for p in scores)
                / max(plan.validations, 1) / at_once,
            )  # fmt: skip
        whole = sum((plan.seconds or {}).values())
        return replace(plan, cost=cost_of(whole, pieces, device))


def _joint_step(
    config: TrainingConfig, source: TrainingSource, learner: Learner, steps: int
) -> Piece:
    """A joint step, of which so many are left."""
    batches = source.joint()
    # Of its own, as the outer loop gives the learner parameters that joint training has not.
    training = JointTraining(copy.deepcopy(learner), batches.tasks(), config.joint)

    def one(number: int) -> None:
        training.step(batches.batch(number), torch_generator(config.seed, "joint-noise", number))

    return Piece(steps, timed(one, MEASURED), lambda: one(MEASURED))


def _outer_steps(
    config: TrainingConfig, source: TrainingSource, learner: Learner, steps: int, validations: int
) -> tuple[list[Piece], list[Piece]]:
    """An episode's outer gradient, if there are steps left, and the validation of one, if any."""
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

    gradients, scores = [], []
    if steps:
        calls = steps * config.outer.meta_batch / algorithm.tasks
        gradients = [Piece(calls, timed(one, 3), lambda: one(3))]
    validator = source.validation()
    if validator is not None and validations:
        number = len(validator)

        def score(episode: int) -> None:
            validator.score(learner, algorithm, episode % number)

        scores = [Piece(validations * number, timed(score, 3), lambda: score(3))]
    return gradients, scores


def timed(one: Callable[[int], object], times: int) -> float:
    """The mean seconds of all calls but the first, which loads compiled code."""
    one(0)
    began = time.perf_counter()
    for number in range(1, times):
        one(number)
    return (time.perf_counter() - began) / (times - 1)


def _validated(outer: int, config: TrainingConfig) -> set[int]:
    """The outer steps before or after which there is validation."""
    every = config.outer.validate_every
    return {outer, *range(0, outer, every)} if every > 0 else set()
