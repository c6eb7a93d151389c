"""The settings of ``train`` that are no kind's business. Nothing here imports torch.

A kind of task adds its own by inheriting from :class:`TrainSettings`: what its learner looks like.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from fewshot_metalstm.errors import UserError
from fewshot_metalstm.train.optimisers import find

DECAYS = ("cosine", "linear", "none")


@dataclass(frozen=True)
class SupervisedConfig:
    """Supervised training: passes over all of the train split."""

    epochs: int = 20  # passes over the train split
    batch: int = 10  # items of one task in a batch
    optimiser: str = "adam"  # sgd, adam, adamw, nadam, rmsprop, adagrad or adadelta
    lr: float = 0.0  # learning rate at the start; 0 takes the optimiser's usual one
    decay: str = "cosine"  # how the rate falls, to zero: cosine, linear, or none
    momentum: float = 0.9  # of sgd
    weight_decay: float = 0.0  # apart from the gradient with adamw, else as part of it
    clip: float = 5.0  # largest norm of a gradient; 0 does not clip
    # of the moving mean of the weights, a step; what is scored and saved is this mean; 0: none
    average: float = 0.999
    patience: int = 0  # epochs in a row without a better devel figure that end it; 0: never
    hold_out: float = 0.0  # share of train to choose the epoch by, of a task without devel split
    curve_items: int = 1000  # items of train that are scored after an epoch, for its curve
    test: bool = True  # score the test split after each epoch; it is never chosen by


@dataclass(frozen=True)
class TrainSettings:
    """What every supervised training depends on, besides the kind of its tasks and the data."""

    tasks: tuple[str, ...] = ()  # names of corpora, or files of the user's
    seed: int = 0  # of every random number
    start: str = ""  # a checkpoint to start from, in place of fresh weights
    train: SupervisedConfig = field(default_factory=SupervisedConfig)


def check(config: SupervisedConfig) -> None:
    """Refuse settings that mean nothing with a :class:`UserError`."""
    find(config.optimiser)
    if config.decay not in DECAYS:
        raise UserError(f"train.decay {config.decay!r} is unknown; use {', '.join(DECAYS)}")
    for name in ("epochs", "batch"):
        if getattr(config, name) < 1:
            raise UserError(f"train.{name} is {getattr(config, name)}; use at least 1")
    for name in ("lr", "weight_decay", "clip", "patience", "curve_items"):
        if getattr(config, name) < 0:
            raise UserError(f"train.{name} is {getattr(config, name):g}; use 0 or more")
    for name in ("momentum", "average", "hold_out"):
        if not 0 <= getattr(config, name) < 1:
            raise UserError(f"train.{name} is {getattr(config, name):g}; use 0 to below 1")


def rate(config: SupervisedConfig) -> float:
    """The learning rate at the start."""
    return config.lr or find(config.optimiser).lr
