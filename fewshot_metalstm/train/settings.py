"""The settings of ``train`` that are no kind's business. Nothing here imports torch.

A kind of task adds its own by inheriting from :class:`TrainSettings`: what its learner looks like.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Annotated

from fewshot_metalstm import ranges
from fewshot_metalstm.ranges import (
    AtLeast0,
    AtLeast1,
    NotNegative,
    Range,
    Seed,
    ShareBelow1,
    one_of,
)
from fewshot_metalstm.train.optimisers import OPTIMISERS, find

DECAYS = ("cosine", "linear", "steps", "none")


@dataclass(frozen=True)
class SupervisedConfig:
    """Supervised training: passes over all of the train split."""

    epochs: AtLeast1 = 20  # passes over the train split
    items: AtLeast0 = 0  # of the train split that are learned from, drawn by the seed; 0: all
    batch: AtLeast1 = 10  # items of one task in a batch
    # what takes the steps
    optimiser: Annotated[str, one_of(*OPTIMISERS)] = "adam"
    lr: NotNegative = 0.0  # learning rate at the start; 0 takes the optimiser's usual one
    # how the rate falls, to zero or in steps; that of nt-asgd stays
    decay: Annotated[str, one_of(*DECAYS)] = "cosine"
    # of steps: shares of the run after each of which the rate is a tenth of what it was
    drops: Annotated[tuple[float, ...], Range(least=0, most=1)] = (0.5, 0.7)
    momentum: ShareBelow1 = 0.9  # of sgd
    weight_decay: NotNegative = 0.0  # apart from the gradient with adamw, else as part of it
    clip: NotNegative = 5.0  # largest norm of a gradient; 0 does not clip
    # of the moving mean of the weights, a step; what is scored and saved is this mean; 0: none.
    # nt-asgd has a mean of its own
    average: ShareBelow1 = 0.999
    window: AtLeast1 = 5  # of nt-asgd: epochs that devel may be worse before averaging begins
    patience: AtLeast0 = 0  # epochs in a row without a better devel figure that end it; 0: never
    # share of train to choose the epoch by, of a task without devel split
    hold_out: ShareBelow1 = 0.0
    curve_items: AtLeast0 = 1000  # items of train that are scored after an epoch, for its curve
    test: bool = True  # score the test split after each epoch; it is never chosen by


@dataclass(frozen=True)
class TrainSettings:
    """What every supervised training depends on, besides the kind of its tasks and the data."""

    tasks: tuple[str, ...] = ()  # names of corpora, or files of the user's
    seed: Seed = 0  # of every random number
    start: str = ""  # a checkpoint to start from, in place of fresh weights
    train: SupervisedConfig = field(default_factory=SupervisedConfig)


def check(config: SupervisedConfig) -> None:
    """Refuse settings that mean nothing with a :class:`UserError`."""
    ranges.check(config, "train")


def rate(config: SupervisedConfig) -> float:
    """The learning rate at the start."""
    return config.lr or find(config.optimiser).lr
