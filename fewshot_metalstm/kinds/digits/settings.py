"""The settings of readers of digits, by section: meta-training, adaptation, sweeps.

The defaults were chosen on meta-validation; docs/digits.md says how.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Annotated

from fewshot_metalstm import ranges
from fewshot_metalstm.adapt.finetune import AdaptConfig
from fewshot_metalstm.adapt.prototypes import PROTOTYPES, PrototypesConfig
from fewshot_metalstm.adapt.settings import AdaptRunSettings, AdaptSettings, SweepSettings
from fewshot_metalstm.adapt.tuning import TUNE
from fewshot_metalstm.errors import UserError
from fewshot_metalstm.kinds.digits.reader import SIDE
from fewshot_metalstm.kinds.digits.warp import WarpConfig
from fewshot_metalstm.meta.config import InnerConfig, JointConfig, OuterConfig, TrainingConfig
from fewshot_metalstm.meta.registry import JOINT, usual_tune
from fewshot_metalstm.nn.cell_config import MetaLSTMConfig, check_meta_norm
from fewshot_metalstm.nn.room import check_lstm_room
from fewshot_metalstm.ranges import AtLeast0, AtLeast1, Range, ShareBelow1, one_of

LAST, MEAN = "last", "mean"


@dataclass(frozen=True)
class ReaderConfig:
    """Sizes and noise of a reader of digits."""

    lstm: MetaLSTMConfig = field(default_factory=lambda: MetaLSTMConfig(hidden=32, meta=16, z=16))
    # what stands for an image: the mean of the states, or the last ones
    pool: Annotated[str, one_of(LAST, MEAN)] = MEAN
    input_dropout: ShareBelow1 = 0.1  # dropout of pixels
    output_dropout: ShareBelow1 = 0.2  # dropout of what stands for an image


@dataclass(frozen=True)
class EpisodesConfig:
    """How episodes are drawn from the meta-train tasks."""

    ways_low: Annotated[int, Range(least=2)] = 2  # least number of classes
    # greatest number of classes; of a task with fewer, all
    ways_high: Annotated[int, Range(least=2)] = 5
    shots_low: AtLeast1 = 1  # least K: images of each class in a support
    shots_high: AtLeast1 = 10  # greatest K
    query: AtLeast1 = 10  # query images of each class


@dataclass(frozen=True)
class ValidationConfig:
    """Meta-validation: fixed episodes from held-out images.

    Their classes are those of meta-training, which a checkpoint soon memorises; so they are
    warped further than those of meta-training are, into classes that nobody met.
    """

    episodes: AtLeast0 = 20  # how many, the tasks are visited in turn; 0 never validates
    ways: Annotated[int, Range(least=2)] = 4  # classes of each
    shots: AtLeast1 = 5  # K of their supports
    query: AtLeast1 = 25  # query images of each class
    # of its classes
    warp: WarpConfig = field(default_factory=lambda: WarpConfig(180.0, 0.5, 0.25, 0.5))


@dataclass(frozen=True)
class DigitsTrainConfig(TrainingConfig):
    """Everything that training a reader depends on, besides the data and the code."""

    tasks: str = "digits"  # suite of tasks
    joint: JointConfig = field(default_factory=lambda: JointConfig(steps=3000))
    inner: InnerConfig = field(default_factory=lambda: InnerConfig(steps=6, lr=0.3))
    outer: OuterConfig = field(
        default_factory=lambda: OuterConfig(steps=150, lr=5e-4, validate_every=50)
    )
    reader: ReaderConfig = field(default_factory=ReaderConfig)
    episodes: EpisodesConfig = field(default_factory=EpisodesConfig)
    warp: WarpConfig = field(default_factory=WarpConfig)  # of classes; in joint training of images
    validation: ValidationConfig = field(default_factory=ValidationConfig)


def _adaptation() -> AdaptConfig:
    return AdaptConfig(lr=0.03)


def _prototypes() -> PrototypesConfig:
    return PrototypesConfig(lr=0.03)


def _scratch() -> AdaptConfig:
    return AdaptConfig(optimiser="adam", lr=1e-2)


@dataclass(frozen=True)
class DigitsSettings(AdaptSettings):
    """How a reader is adapted, in a single run and in a sweep alike."""

    adapt: AdaptConfig = field(default_factory=_adaptation)
    scratch: AdaptConfig = field(default_factory=_scratch)
    prototypes: PrototypesConfig = field(default_factory=_prototypes)


@dataclass(frozen=True)
class DigitsRunConfig(DigitsSettings, AdaptRunSettings):
    """Settings of an adaptation run."""

    shots: AtLeast0 = 5  # K images of each class; 0 takes the whole train split as support


@dataclass(frozen=True)
class DigitsSweepConfig(DigitsSettings, SweepSettings):
    """Settings of a sweep. What is not about the grid means what it means to ``adapt``."""

    # K images of each class; 0 takes the whole train split
    shots: Annotated[tuple[int, ...], Range(least=0)] = (1, 5)


def check(config: DigitsTrainConfig) -> None:
    """Refuse what a reader cannot be trained with: a :class:`UserError`."""
    ranges.check(config)
    check_lstm_room(SIDE, config.reader.lstm, "reader.lstm")
    check_meta_norm(config.reader.lstm, config.algorithm, joint=config.algorithm == JOINT)
    check_episodes(config.episodes)
    if usual_tune(config.algorithm) not in (*TUNE, PROTOTYPES):
        raise UserError(
            f"{config.algorithm} is for tagging alone; use --algorithm joint, whose training is "
            "the same, and --baseline neighbour for neighbours on pixels"
        )


def check_reader(config: ReaderConfig) -> None:
    """Refuse settings that mean nothing with a :class:`UserError`."""
    ranges.check(config, "reader")


def check_episodes(config: EpisodesConfig) -> None:
    """Refuse settings that mean nothing with a :class:`UserError`."""
    for name, low, high in (
        ("ways", config.ways_low, config.ways_high),
        ("shots", config.shots_low, config.shots_high),
    ):
        if low > high:
            raise UserError(
                f"episodes.{name}_low is {low}, above {name}_high, which is {high}; mend one"
            )
