"""The settings of training that are no kind's business, by section.

A kind of task adds its own by inheriting from :class:`TrainingConfig`: how its episodes are drawn,
what its learner looks like. Nothing here imports torch, so that a command can settle what it was
asked for before it pays for that.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from fewshot_metalstm.errors import UserError


@dataclass(frozen=True)
class InnerConfig:
    """The inner loop: gradient descent on the support."""

    steps: int = 5  # gradient steps on the support
    lr: float = 0.1  # learning rate of a step
    clip: float = 5.0  # largest norm of an inner gradient; 0 does not clip
    noise: bool = True  # dropout on the support


@dataclass(frozen=True)
class JointConfig:
    """Joint training before the outer loop."""

    steps: int = 4000  # batches; 0 leaves it out
    batch: int = 16  # items of one task (sentences, images) in a batch
    lr: float = 2e-3  # Adam's learning rate at the start; it falls to zero along a cosine
    clip: float = 5.0  # largest norm of a gradient


@dataclass(frozen=True)
class OuterConfig:
    """The outer loop."""

    steps: int = 2000  # outer steps
    meta_batch: int = 4  # episodes a step
    optimiser: str = "adam"  # adam, or sgd: the plain step of the papers
    lr: float = 1e-3  # learning rate at the start
    own_lr: float = 0.0  # that of what is learned beside the start; 0 takes the same
    lr_floor: float = 0.1  # share of it at the end of the cosine
    clip: float = 5.0  # largest norm of an outer gradient
    validate_every: int = 250  # steps between meta-validations; 0 never validates
    patience: int = 20  # steps in a row without one finite episode that stop the run


@dataclass(frozen=True)
class StagesConfig:
    """What MAML++ changes in the course of the outer loop, in shares of it."""

    anneal: float = 0.15  # until the query losses of early inner steps have their least weight
    first_order: float = 0.5  # of first order; an order that is set holds from the beginning


@dataclass(frozen=True)
class GatesConfig:
    """The LSTM meta-learner."""

    hidden: int = 20  # width of its LSTM


@dataclass(frozen=True)
class TrainingConfig:
    """What every training run depends on, besides the kind of its tasks, the data and the code."""

    tasks: str = "demo"  # suite of tasks
    exclude: tuple[str, ...] = ()  # targets to keep out besides those that the suite names
    seed: int = 0  # of every random number
    algorithm: str = "fomaml"  # a name of `meta-train --list-algorithms`
    start: str = ""  # a checkpoint of joint training, in place of vectors and joint training
    order: int = 0  # of the outer gradient, 1 or 2; 0 takes the algorithm's own
    stages: StagesConfig = field(default_factory=StagesConfig)  # of maml++
    engine: str = "higher"  # what takes second-order gradients: higher, learn2learn or func
    truncate: int | None = None  # inner steps, the last, that order 2 differentiates through
    tasks_at_once: int = 2  # episodes that the engine func takes side by side
    joint: JointConfig = field(default_factory=JointConfig)
    inner: InnerConfig = field(default_factory=InnerConfig)
    gates: GatesConfig = field(default_factory=GatesConfig)  # of lstm
    outer: OuterConfig = field(default_factory=OuterConfig)


def check_stages(config: StagesConfig) -> None:
    """Refuse shares that are none with a :class:`UserError`."""
    for name in ("anneal", "first_order"):
        share = getattr(config, name)
        if not 0 <= share <= 1:
            raise UserError(f"stages.{name} is {share:g}; it is a share of the outer loop, 0 to 1")


def check_gates(config: GatesConfig) -> None:
    """Refuse settings that mean nothing with a :class:`UserError`."""
    if config.hidden < 1:
        raise UserError(f"gates.hidden is {config.hidden}; use at least 1")
