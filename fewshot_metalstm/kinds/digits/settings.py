"""The settings of readers of digits, by section: meta-training, adaptation, sweeps.

The defaults were chosen on meta-validation; docs/digits.md says how.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from fewshot_metalstm.adapt.finetune import AdaptConfig
from fewshot_metalstm.adapt.prototypes import PROTOTYPES, PrototypesConfig
from fewshot_metalstm.adapt.settings import AdaptRunSettings, AdaptSettings, SweepSettings
from fewshot_metalstm.adapt.tuning import TUNE
from fewshot_metalstm.errors import UserError
from fewshot_metalstm.kinds.digits.warp import WarpConfig, check_warp
from fewshot_metalstm.meta.config import InnerConfig, JointConfig, OuterConfig, TrainingConfig
from fewshot_metalstm.meta.registry import usual_tune
from fewshot_metalstm.nn.metalstm import MetaLSTMConfig
from fewshot_metalstm.nn.plain_lstm import check as check_lstm

LAST, MEAN = "last", "mean"


@dataclass(frozen=True)
class ReaderConfig:
    """Sizes and noise of a reader of digits."""

    lstm: MetaLSTMConfig = field(default_factory=lambda: MetaLSTMConfig(hidden=32, meta=16, z=16))
    pool: str = MEAN  # what stands for an image: the mean of the states, or the last ones
    input_dropout: float = 0.1  # dropout of pixels
    output_dropout: float = 0.2  # dropout of what stands for an image


@dataclass(frozen=True)
class EpisodesConfig:
    """How episodes are drawn from the meta-train tasks."""

    ways_low: int = 2  # least number of classes
    ways_high: int = 5  # greatest number of classes; of a task with fewer, all
    shots_low: int = 1  # least K: images of each class in a support
    shots_high: int = 10  # greatest K
    query: int = 10  # query images of each class


@dataclass(frozen=True)
class ValidationConfig:
    """Meta-validation: fixed episodes from held-out images.

    Their classes are those of meta-training, which a checkpoint soon knows by heart; so they are
    warped further than those of meta-training are, into classes that nobody met.
    """

    episodes: int = 20  # how many, the tasks are visited in turn; 0 never validates
    ways: int = 4  # classes of each
    shots: int = 5  # K of their supports
    query: int = 25  # query images of each class
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

    shots: int = 5  # K images of each class; 0 takes the whole train split as support


@dataclass(frozen=True)
class DigitsSweepConfig(DigitsSettings, SweepSettings):
    """Settings of a sweep. What is not about the grid means what it means to ``adapt``."""

    shots: tuple[int, ...] = (1, 5)  # K images of each class; 0 takes the whole train split


def check(config: DigitsTrainConfig) -> None:
    """Refuse what a reader cannot be trained with: a :class:`UserError`."""
    check_lstm(config.reader.lstm)
    check_reader(config.reader)
    check_episodes(config.episodes)
    check_validation(config.validation)
    check_warp(config.warp)
    if usual_tune(config.algorithm) not in (*TUNE, PROTOTYPES):
        raise UserError(
            f"{config.algorithm} is for tagging alone; use --algorithm joint, whose training is "
            "the same, and --baseline neighbour for neighbours on pixels"
        )


def check_reader(config: ReaderConfig) -> None:
    """Refuse settings that mean nothing with a :class:`UserError`."""
    if config.pool not in (LAST, MEAN):
        raise UserError(f"reader.pool {config.pool!r} is unknown; use {LAST} or {MEAN}")
    for name in ("input_dropout", "output_dropout"):
        rate = getattr(config, name)
        if not 0 <= rate < 1:
            raise UserError(f"reader.{name} is {rate}; use 0 to below 1")


def check_episodes(config: EpisodesConfig) -> None:
    """Refuse settings that mean nothing with a :class:`UserError`."""
    for name, low, high, least in (
        ("ways", config.ways_low, config.ways_high, 2),
        ("shots", config.shots_low, config.shots_high, 1),
    ):
        if not least <= low <= high:
            raise UserError(
                f"episodes.{name}_low and _high are {low} and {high}; "
                f"use at least {least}, the lower first"
            )
    if config.query < 1:
        raise UserError(f"episodes.query is {config.query}; use at least 1")


def check_validation(config: ValidationConfig) -> None:
    """Refuse settings that mean nothing with a :class:`UserError`."""
    for name, least in (("episodes", 0), ("ways", 2), ("shots", 1), ("query", 1)):
        value = getattr(config, name)
        if value < least:
            raise UserError(f"validation.{name} is {value}; use at least {least}")
    check_warp(config.warp, "validation.warp")
