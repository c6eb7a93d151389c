"""The settings of forecasters, by section: meta-training, adaptation, sweeps."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Annotated

from fewshot_metalstm import ranges
from fewshot_metalstm.adapt.finetune import AdaptConfig
from fewshot_metalstm.adapt.settings import AdaptRunSettings, AdaptSettings, SweepSettings
from fewshot_metalstm.adapt.tuning import TUNE
from fewshot_metalstm.errors import UserError
from fewshot_metalstm.kinds.forecasting.draws import LEAST
from fewshot_metalstm.kinds.forecasting.series import WEEK
from fewshot_metalstm.kinds.forecasting.windows import CALENDAR
from fewshot_metalstm.meta.config import InnerConfig, JointConfig, OuterConfig, TrainingConfig
from fewshot_metalstm.meta.registry import JOINT, usual_tune
from fewshot_metalstm.nn.cell_config import MetaLSTMConfig, check_meta_norm
from fewshot_metalstm.nn.room import check_lstm_room
from fewshot_metalstm.ranges import (
    AtLeast0,
    AtLeast1,
    NotNegative,
    Positive,
    Range,
    ShareBelow1,
    one_of,
)

RIDGE, NAIVE = "ridge", "naive"
Days = Annotated[int, Range(least=LEAST)]


@dataclass(frozen=True)
class ForecasterConfig:
    """Sizes and noise of a forecaster."""

    lstm: MetaLSTMConfig = field(default_factory=lambda: MetaLSTMConfig(hidden=32, meta=16, z=16))
    step: Annotated[int, Range(least=1, most=WEEK)] = 24  # hours that are read at a time
    # what the linear path starts from: ridge regression over the suite's windows, or the mean of
    # the forecasts as a day and as a week ago
    linear: Annotated[str, one_of(RIDGE, NAIVE)] = RIDGE
    output_dropout: ShareBelow1 = 0.1  # dropout of what stands for a week


@dataclass(frozen=True)
class RidgeConfig:
    """Ridge regression from the 168 hours of a week to the 24 of the next day."""

    alpha: Positive = 10.0  # how strongly weights are held to 0
    # how many windows of the support the suite's windows weigh as much as, where they are pooled
    pooled: Positive = 3000.0


@dataclass(frozen=True)
class LightGbmConfig:
    """Gradient boosting from the 168 hours of a week to each hour of the next day."""

    trees: AtLeast1 = 200  # for each hour ahead
    lr: Positive = 0.05  # how much of each tree is taken
    leaves: Annotated[int, Range(least=2)] = 15  # of a tree, at most
    least: AtLeast1 = 10  # windows that a leaf holds


@dataclass(frozen=True)
class EpisodesConfig:
    """How episodes are drawn from the meta-train tasks."""

    shots_low: Days = 10  # least K: days of a support
    shots_high: Days = 28  # greatest K
    support: AtLeast1 = 32  # windows of a support that are learned from, at most
    days: AtLeast1 = 14  # that a query spans, behind the support
    query: AtLeast1 = 32  # windows of it


@dataclass(frozen=True)
class ValidationConfig:
    """Meta-validation: fixed episodes from the last fifth of each region."""

    episodes: AtLeast0 = 24  # how many, the tasks are visited in turn; 0 never validates
    shots: Days = 14  # K of their supports
    support: AtLeast1 = 64  # windows of a support that are learned from, at most


@dataclass(frozen=True)
class ForecastTrainConfig(TrainingConfig):
    """Everything that meta-training a forecaster depends on, besides the data and the code."""

    tasks: str = "load"  # suite of tasks
    joint: JointConfig = field(default_factory=lambda: JointConfig(steps=1500, batch=64, lr=1e-3))
    inner: InnerConfig = field(default_factory=lambda: InnerConfig(steps=3, lr=0.01))
    outer: OuterConfig = field(
        default_factory=lambda: OuterConfig(steps=100, lr=2e-4, validate_every=25)
    )
    forecaster: ForecasterConfig = field(default_factory=ForecasterConfig)
    ridge: RidgeConfig = field(default_factory=RidgeConfig)  # of the linear path's start
    episodes: EpisodesConfig = field(default_factory=EpisodesConfig)
    validation: ValidationConfig = field(default_factory=ValidationConfig)


@dataclass(frozen=True)
class ForecastAdaptConfig(AdaptConfig):
    """Adaptation of a forecaster, and what is done to its linear path before the first step."""

    # the linear path moves by as much as ridge regression over the suite's windows does when the
    # support's are added, the suite's weighing as many as this; 0: it does not move
    pooled: NotNegative = 3000.0
    alpha: Positive = 10.0  # how strongly that regression holds weights to 0
    # days that speak for the LSTM's correction as it was learned, beside those of the support, by
    # which a share of it is taken; 0: all of it is
    trust: NotNegative = 1.0
    widen: NotNegative = 3.0  # the same of the interval's width; 0: it stays as it was learned


def _adaptation() -> ForecastAdaptConfig:
    return ForecastAdaptConfig(
        optimiser="adam", lr=3e-5, batch=32, epochs=2, min_steps=30, stop_loss=0
    )


def _scratch() -> AdaptConfig:
    return AdaptConfig(optimiser="adam", lr=3e-3, batch=32, epochs=20, min_steps=200, stop_loss=0)


@dataclass(frozen=True)
class ForecastSettings(AdaptSettings):
    """How a forecaster is adapted, in a single run and in a sweep alike."""

    adapt: ForecastAdaptConfig = field(default_factory=_adaptation)
    scratch: AdaptConfig = field(default_factory=_scratch)
    ridge: RidgeConfig = field(default_factory=RidgeConfig)  # of the peers ridge and ridge-pooled
    lightgbm: LightGbmConfig = field(default_factory=LightGbmConfig)  # of the peer lightgbm


@dataclass(frozen=True)
class ForecastRunConfig(ForecastSettings, AdaptRunSettings):
    """Settings of an adaptation run."""

    shots: AtLeast0 = 14  # K days; 0 takes the whole train split of a series of yours


@dataclass(frozen=True)
class ForecastSweepConfig(ForecastSettings, SweepSettings):
    """Settings of a sweep. What is not about the grid means what it means to ``adapt``."""

    # K days; 0 takes the whole train split of a series of yours
    shots: Annotated[tuple[int, ...], Range(least=0)] = (10, 14, 28, 56)


def inputs(config: ForecasterConfig) -> int:
    """Features of a step: its hours, and when it is."""
    return config.step + CALENDAR


def check(config: ForecastTrainConfig) -> None:
    """Refuse what a forecaster cannot be trained with: a :class:`UserError`."""
    ranges.check(config)
    check_sizes(config.forecaster)
    check_meta_norm(config.forecaster.lstm, config.algorithm, joint=config.algorithm == JOINT)
    low, high = config.episodes.shots_low, config.episodes.shots_high
    if low > high:
        raise UserError(f"episodes.shots_low is {low}, above shots_high, which is {high}; mend one")
    if usual_tune(config.algorithm) not in TUNE:
        raise UserError(
            f"{config.algorithm} is for tasks with classes, and a forecast has none; use "
            "--algorithm joint or fomaml"
        )


def check_sizes(config: ForecasterConfig) -> None:
    """Refuse sizes that contradict each other, or that no memory holds: a :class:`UserError`."""
    ranges.check(config, "forecaster")
    if WEEK % config.step:
        raise UserError(
            f"forecaster.step is {config.step}, which does not divide the {WEEK} hours of a week; "
            "use 24, 12, 6 or another that does"
        )
    check_lstm_room(inputs(config), config.lstm, "forecaster.lstm")
