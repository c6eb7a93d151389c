"""What a run of supervised training is going to do, and about what it costs on this machine.

As for meta-training (:mod:`fewshot_metalstm.meta.plan`) the figures come from steps that are
computed and not taken, and from scoring a few items.
"""

from __future__ import annotations

import copy
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import torch

from fewshot_metalstm.meta.cost import Cost, Piece, about, cost_of
from fewshot_metalstm.meta.plan import MEASURED, timed
from fewshot_metalstm.seeds import torch_generator
from fewshot_metalstm.train.batches import epoch_batches
from fewshot_metalstm.train.items import Items
from fewshot_metalstm.train.loop import Training, task_params
from fewshot_metalstm.train.source import SupervisedSource

WORTH = 100  # steps; of fewer nothing is measured: they are soon done
_SCORED = 48  # items of a split that are scored to time it


@dataclass(frozen=True)
class TrainPlan:
    """Epochs and steps of a run, and seconds of what is left of it where they are known.

    ``epochs`` and ``steps`` (of one epoch) are those of the whole run, ``done`` the steps that are
    done. ``ends_early``: whether it may end before.
    """

    epochs: int
    steps: int
    done: int = 0
    ends_early: bool = False
    training_seconds: float = 0.0
    scoring_seconds: float = 0.0
    cost: Cost | None = None

    @property
    def left(self) -> int:
        """Steps that are still to be taken."""
        return self.epochs * self.steps - self.done

    @property
    def words(self) -> str:
        """The steps as a line for the user."""
        most = "at most " if self.ends_early else ""
        epochs = "epoch" if self.epochs == 1 else "epochs"
        steps = "step" if self.steps == 1 else "steps"
        whole = f"{self.epochs:,} {epochs} of {self.steps:,} {steps}"
        if self.done:
            return f"plan, the rest of a run: {most}{self.left:,} steps, of {whole}"
        return f"plan: {most}{whole}"

    @property
    def times(self) -> str:
        """About how long that takes, as a line for the user; empty where nothing was measured."""
        if self.cost is None:
            return ""
        parts = {"of training": self.training_seconds, "of scoring": self.scoring_seconds}
        told = ", ".join(f"{about(seconds)} {what}" for what, seconds in parts.items() if seconds)
        extent = "left" if self.done else "in all"
        return (
            f"about {about(self.cost.seconds)} {extent}, as steps take on this machine now: {told}"
        )


def measured(
    plan: TrainPlan, source: SupervisedSource, model: Any, training: Training,
    items: Mapping[str, Items], lengths: Mapping[str, Sequence[int]], device: torch.device,
) -> TrainPlan:  # fmt: skip
    """The plan with seconds and cost; as it is where little is left to do.

    Args:
        source: in use for ``model``, on ``device``.
        training: of the run; nothing of it is changed.
        items: by task; what is scored is of the one that learns from most.
        lengths: of the items that are learned from, by task.
    """
    if plan.left < WORTH:
        return plan
    config = training.config
    scratch = Training(
        copy.deepcopy(model.learner), source.heads(model), config, plan.epochs * plan.steps
    )
    batches = typical(epoch_batches(lengths, config.batch, source.config.seed, 1), lengths)

    def step(number: int) -> None:
        task, places = batches[number % len(batches)]
        batch = source.batch(task, "train", [items[task].train[i] for i in places])
        noise = torch_generator(source.config.seed, "train-noise", number)
        scratch.step(source.head_of(task), batch, noise)

    pieces = [Piece(plan.left, timed(step, MEASURED), lambda: step(MEASURED))]
    largest = max(items, key=lambda task: len(items[task].train))
    params = task_params(training.weights(), source.head_of(largest))
    epochs = -(-plan.left // plan.steps)
    scoring = 0.0
    for name, (split, chosen) in items[largest].scored().items():
        every = sum(len(own.scored()[name][1]) for own in items.values() if name in own.scored())
        tried = list(chosen)[:_SCORED]
        # As in an epoch, which chooses on devel what others are scored with.
        tuned: Mapping[str, float] | None = None if name == "devel" else {}
        source.evaluate(largest, split, tried[:2], params, tuned)  # loads compiled code
        began = time.perf_counter()
        source.evaluate(largest, split, tried, params, tuned)
        seconds = time.perf_counter() - began
        scoring += epochs * every / len(tried) * seconds
    whole = plan.left * pieces[0].seconds + scoring
    return TrainPlan(
        plan.epochs, plan.steps, plan.done, plan.ends_early, plan.left * pieces[0].seconds, scoring,
        cost_of(whole, pieces, device),
    )  # fmt: skip


def typical(
    batches: Sequence[tuple[str, list[int]]], lengths: Mapping[str, Sequence[int]]
) -> list[tuple[str, list[int]]]:
    """A few batches of about the mean size: those of an epoch hold from short to long items."""
    sizes = [sum(lengths[task][place] for place in places) for task, places in batches]
    mean = sum(sizes) / len(sizes)
    nearest = sorted(range(len(batches)), key=lambda number: abs(sizes[number] - mean))
    return [batches[number] for number in nearest[: MEASURED + 1]]
