"""The settings of language models, by section: meta-training, adaptation, sweeps."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Annotated

from fewshot_metalstm import ranges
from fewshot_metalstm.adapt.finetune import AdaptConfig
from fewshot_metalstm.adapt.settings import AdaptRunSettings, AdaptSettings, SweepSettings
from fewshot_metalstm.adapt.tuning import TUNE
from fewshot_metalstm.errors import UserError
from fewshot_metalstm.meta.config import InnerConfig, JointConfig, OuterConfig, TrainingConfig
from fewshot_metalstm.meta.registry import JOINT, usual_tune
from fewshot_metalstm.nn.cell_config import MetaLSTMConfig, check_meta_norm
from fewshot_metalstm.nn.cells import find
from fewshot_metalstm.nn.room import check_lstm_room
from fewshot_metalstm.ranges import (
    AtLeast0,
    AtLeast1,
    NotNegative,
    Range,
    Share,
    ShareBelow1,
)


@dataclass(frozen=True)
class ModelConfig:
    """Sizes and noise of a language model.

    Both halves of a recurrent layer read forwards, so that it has two states of ``hidden`` numbers
    side by side. The noise, and what is added to the loss in training, are those of the AWD-LSTM
    (Merity, Keskar, Socher, "Regularizing and Optimizing LSTM Language Models", ICLR 2018).
    """

    lstm: MetaLSTMConfig = field(default_factory=lambda: MetaLSTMConfig(hidden=128, meta=40, z=40))
    layers: Annotated[int, Range(least=1, most=8)] = 1  # of that cell, each reading the one below
    embedding: AtLeast1 = 64  # numbers that stand for a byte
    tied: bool = False  # bytes are predicted by the numbers that stand for them
    row: AtLeast1 = 2  # segments of a hundred characters that are learned from in one piece
    context: AtLeast0 = 100  # bytes before a piece that are read first
    symbol_dropout: ShareBelow1 = 0.0  # of whole bytes' numbers, the same throughout a batch
    input_dropout: ShareBelow1 = 0.0  # of the input of the first layer, the same along a row
    between_dropout: ShareBelow1 = 0.0  # of what goes from a layer to the next, likewise
    output_dropout: ShareBelow1 = 0.0  # of the last layer's states, likewise
    weight_drop: ShareBelow1 = 0.0  # of the weights from state to state, the same along a row
    activity: NotNegative = 0.0  # times the mean square of the states, added to the loss (AR)
    change: NotNegative = 0.0  # times that of their differences from step to step, likewise (TAR)


@dataclass(frozen=True)
class EpisodesConfig:
    """How episodes are drawn from the meta-train documents."""

    shots_low: AtLeast1 = 1  # least K: thousands of characters of a support
    shots_high: AtLeast1 = 5  # greatest K
    query: AtLeast1 = 20  # segments of the query behind it
    # share of supports that are the beginning of a document, as a target's are; others are from
    # anywhere in it
    beginning: Share = 0.5


@dataclass(frozen=True)
class ValidationConfig:
    """Meta-validation: fixed episodes, the beginnings of held-out documents."""

    episodes: AtLeast0 = 16  # how many, the tasks are visited in turn; 0 never validates
    shots: AtLeast1 = 2  # K of their supports


@dataclass(frozen=True)
class LanguageTrainConfig(TrainingConfig):
    """Everything that meta-training a language model depends on, besides data and code."""

    tasks: str = "characters"  # suite of tasks
    joint: JointConfig = field(default_factory=lambda: JointConfig(steps=3000, batch=16, lr=4e-3))
    inner: InnerConfig = field(default_factory=lambda: InnerConfig(steps=3, lr=0.3, clip=1.0))
    outer: OuterConfig = field(
        default_factory=lambda: OuterConfig(steps=200, lr=5e-4, validate_every=50)
    )
    model: ModelConfig = field(default_factory=ModelConfig)
    episodes: EpisodesConfig = field(default_factory=EpisodesConfig)
    validation: ValidationConfig = field(default_factory=ValidationConfig)


@dataclass(frozen=True)
class DynamicConfig:
    """Dynamic evaluation: a model that goes on learning while it is scored."""

    lr: NotNegative = 0.0005  # of a step, times a gradient over its root mean square
    decay: NotNegative = 0.01  # share by which weights return to the checkpoint's at a step
    epsilon: NotNegative = 0.0001  # added to the root mean square
    passes: AtLeast1 = 1  # over the support, before the query
    piece: AtLeast1 = 1  # segments that are scored and then learned from, at a time


@dataclass(frozen=True)
class NgramConfig:
    """An n-gram model of the support, mixed with the checkpoint's."""

    order: Annotated[int, Range(least=1, most=12)] = 6  # bytes of an n-gram
    discount: Annotated[float, Range(above=0, below=1)] = 0.75  # taken from every count
    # its share of the mixture; 0: the best one on the last fifth of the support
    weight: ShareBelow1 = 0.0


@dataclass(frozen=True)
class UnadaptedConfig:
    """A checkpoint as it is has nothing to set."""


def _adaptation() -> AdaptConfig:
    return AdaptConfig(
        optimiser="adam", lr=1e-3, batch=4, epochs=4, min_steps=20, clip=1.0, stop_loss=0
    )


def _scratch() -> AdaptConfig:
    return AdaptConfig(
        optimiser="adam", lr=5e-3, batch=4, epochs=10, min_steps=150, clip=1.0, stop_loss=0
    )


@dataclass(frozen=True)
class LanguageSettings(AdaptSettings):
    """How a language model is adapted, in a single run and in a sweep alike."""

    adapt: AdaptConfig = field(default_factory=_adaptation)
    scratch: AdaptConfig = field(default_factory=_scratch)
    dynamic: DynamicConfig = field(default_factory=DynamicConfig)  # of the peer dynamic
    ngram: NgramConfig = field(default_factory=NgramConfig)  # of the peer ngram


@dataclass(frozen=True)
class LanguageRunConfig(LanguageSettings, AdaptRunSettings):
    """Settings of an adaptation run."""

    shots: AtLeast0 = 2  # K thousand characters; 0 takes all of a text of yours


@dataclass(frozen=True)
class LanguageSweepConfig(LanguageSettings, SweepSettings):
    """Settings of a sweep. What is not about the grid means what it means to ``adapt``."""

    # K thousand characters; 0 takes all of a text of yours
    shots: Annotated[tuple[int, ...], Range(least=0)] = (1, 2, 5, 10)


def check(config: LanguageTrainConfig) -> None:
    """Refuse what a language model cannot be trained with: a :class:`UserError`."""
    ranges.check(config)
    check_sizes(config.model)
    check_meta_norm(config.model.lstm, config.algorithm, joint=config.algorithm == JOINT)
    low, high = config.episodes.shots_low, config.episodes.shots_high
    if low > high:
        raise UserError(f"episodes.shots_low is {low}, above shots_high, which is {high}; mend one")
    if usual_tune(config.algorithm) not in TUNE:
        raise UserError(
            f"{config.algorithm} is for tasks with classes, and running text has none; use "
            "--algorithm joint or fomaml"
        )


def check_sizes(config: ModelConfig) -> None:
    """Refuse sizes that contradict each other, or that no memory holds: a :class:`UserError`."""
    ranges.check(config, "model")
    check_lstm_room(config.embedding, config.lstm, "model.lstm")
    if config.weight_drop and find(config.lstm.kind).target.endswith(":QRNN"):
        raise UserError(
            f"model.weight_drop={config.weight_drop} says nothing of the cell {config.lstm.kind}, "
            "whose gates read no state; leave it out"
        )
