"""The settings of training that are no kind's business, by section.

A kind of task adds its own by inheriting from :class:`TrainingConfig`: how its episodes are drawn,
what its learner looks like. Nothing here imports torch, so that a command can settle what it was
asked for before it pays for that.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Annotated

from fewshot_metalstm.ranges import (
    AtLeast0,
    AtLeast1,
    NotNegative,
    Positive,
    Range,
    Seed,
    Share,
    one_of,
)


@dataclass(frozen=True)
class InnerConfig:
    """The inner loop: gradient descent on the support."""

    steps: AtLeast0 = 5  # gradient steps on the support
    lr: NotNegative = 0.1  # learning rate of a step
    clip: NotNegative = 5.0  # largest norm of an inner gradient; 0 does not clip
    noise: bool = True  # dropout on the support


@dataclass(frozen=True)
class JointConfig:
    """Joint training before the outer loop."""

    steps: AtLeast0 = 4000  # batches; 0 leaves it out
    batch: AtLeast1 = 16  # items of one task (sentences, images) in a batch
    lr: NotNegative = 2e-3  # Adam's learning rate at the start; it falls to zero along a cosine
    clip: Positive = 5.0  # largest norm of a gradient


@dataclass(frozen=True)
class OuterConfig:
    """The outer loop."""

    steps: AtLeast0 = 2000  # outer steps
    meta_batch: AtLeast1 = 4  # episodes a step
    # sgd is the plain step of the papers
    optimiser: Annotated[str, one_of("adam", "sgd")] = "adam"
    lr: NotNegative = 1e-3  # learning rate at the start
    own_lr: NotNegative = 0.0  # that of what is learned beside the start; 0 takes the same
    lr_floor: Share = 0.1  # share of it at the end of the cosine
    clip: NotNegative = 5.0  # largest norm of an outer gradient
    validate_every: AtLeast0 = 250  # steps between meta-validations; 0 never validates
    patience: AtLeast1 = 20  # steps in a row without one finite episode that stop the run


@dataclass(frozen=True)
class StagesConfig:
    """What MAML++ changes in the course of the outer loop, in shares of it."""

    anneal: Share = 0.15  # until the query losses of early inner steps have their least weight
    first_order: Share = 0.5  # of first order; an order that is set holds from the beginning


@dataclass(frozen=True)
class GatesConfig:
    """The LSTM meta-learner."""

    hidden: AtLeast1 = 20  # width of its LSTM


@dataclass(frozen=True)
class TrainingConfig:
    """What every training run depends on, besides the kind of its tasks, the data and the code."""

    tasks: str = "demo"  # suite of tasks
    exclude: tuple[str, ...] = ()  # targets to keep out besides those that the suite names
    seed: Seed = 0  # of every random number
    algorithm: str = "fomaml"  # a name of `meta-train --list-algorithms`
    start: str = ""  # a checkpoint of joint training, in place of vectors and joint training
    # of the outer gradient, 1 or 2; 0 takes the algorithm's own
    order: Annotated[int, Range(least=0, most=2)] = 0
    stages: StagesConfig = field(default_factory=StagesConfig)  # of maml++
    # what takes second-order gradients
    engine: Annotated[str, one_of("higher", "learn2learn", "func")] = "higher"
    # inner steps, the last, that order 2 differentiates through
    truncate: Annotated[int | None, Range(least=0)] = None
    tasks_at_once: AtLeast1 = 2  # episodes that the engine func takes side by side
    joint: JointConfig = field(default_factory=JointConfig)
    inner: InnerConfig = field(default_factory=InnerConfig)
    gates: GatesConfig = field(default_factory=GatesConfig)  # of lstm
    outer: OuterConfig = field(default_factory=OuterConfig)
