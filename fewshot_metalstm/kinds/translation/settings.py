"""The settings of translators, by section: meta-training, adaptation, sweeps."""

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
from fewshot_metalstm.nn.room import check_lstm_room
from fewshot_metalstm.ranges import AtLeast0, AtLeast1, NotNegative, Range, ShareBelow1


@dataclass(frozen=True)
class TranslatorConfig:
    """Sizes and noise of a translator, and how it looks for a translation.

    The encoder reads in both directions, ``lstm.hidden`` outputs each; both halves of a decoder's
    layer read forwards. All layers are of one cell.
    """

    lstm: MetaLSTMConfig = field(
        default_factory=lambda: MetaLSTMConfig(kind="lstm", match=False, hidden=192, meta=40, z=40)
    )
    # of that cell, in the encoder and in the decoder, each reading the one below
    layers: Annotated[int, Range(least=1, most=8)] = 1
    embedding: AtLeast1 = 192  # numbers that stand for a subword
    dropout: ShareBelow1 = 0.2  # of what layers read and of what is predicted from
    # share of the probability that training spreads over all subwords alike
    smoothing: ShareBelow1 = 0.1
    beam: Annotated[int, Range(least=1, most=64)] = 5  # translations that are followed at a time
    # a translation's score is divided by its length to this power
    length_power: NotNegative = 1.0


@dataclass(frozen=True)
class SubwordsConfig:
    """Byte-pair encoding of both languages together, made of the meta-train pairs."""

    size: Annotated[int, Range(least=300, most=100_000)] = 4000  # subwords, 256 of them bytes


@dataclass(frozen=True)
class EpisodesConfig:
    """How episodes are drawn from the meta-train topics."""

    shots_low: AtLeast1 = 10  # least K: pairs of a support
    shots_high: AtLeast1 = 40  # greatest K
    query: AtLeast1 = 20  # pairs of the query


@dataclass(frozen=True)
class ValidationConfig:
    """Meta-validation: fixed episodes of topics that are not learned from, translated greedily."""

    episodes: AtLeast0 = 6  # how many, the topics are visited in turn; 0 never validates
    shots: AtLeast1 = 20  # pairs of their supports
    query: AtLeast1 = 40  # pairs of their queries


@dataclass(frozen=True)
class TranslationTrainConfig(TrainingConfig):
    """Everything that meta-training a translator depends on, besides data and code."""

    tasks: str = "translation-topics"  # suite of tasks
    joint: JointConfig = field(default_factory=lambda: JointConfig(steps=2600, batch=64, lr=3e-3))
    inner: InnerConfig = field(default_factory=lambda: InnerConfig(steps=3, lr=1.0, clip=1.0))
    outer: OuterConfig = field(
        default_factory=lambda: OuterConfig(steps=100, lr=2e-4, validate_every=25)
    )
    translator: TranslatorConfig = field(default_factory=TranslatorConfig)
    subwords: SubwordsConfig = field(default_factory=SubwordsConfig)
    episodes: EpisodesConfig = field(default_factory=EpisodesConfig)
    validation: ValidationConfig = field(default_factory=ValidationConfig)


@dataclass(frozen=True)
class UnadaptedConfig:
    """A checkpoint as it is has nothing to set."""


def _adaptation() -> AdaptConfig:
    return AdaptConfig(
        optimiser="adam", lr=3e-4, batch=10, epochs=6, min_steps=20, clip=1.0, stop_loss=0
    )


def _scratch() -> AdaptConfig:
    return AdaptConfig(
        optimiser="adam", lr=3e-3, batch=10, epochs=10, min_steps=150, clip=1.0, stop_loss=0
    )


@dataclass(frozen=True)
class TranslationSettings(AdaptSettings):
    """How a translator is adapted, in a single run and in a sweep alike."""

    adapt: AdaptConfig = field(default_factory=_adaptation)
    scratch: AdaptConfig = field(default_factory=_scratch)


@dataclass(frozen=True)
class TranslationRunConfig(TranslationSettings, AdaptRunSettings):
    """Settings of an adaptation run."""

    shots: AtLeast0 = 50  # K pairs; 0 takes the whole train split


@dataclass(frozen=True)
class TranslationSweepConfig(TranslationSettings, SweepSettings):
    """Settings of a sweep. What is not about the grid means what it means to ``adapt``."""

    # K pairs; 0 takes the whole train split
    shots: Annotated[tuple[int, ...], Range(least=0)] = (10, 50, 200)


def check(config: TranslationTrainConfig) -> None:
    """Refuse what a translator cannot be trained with: a :class:`UserError`."""
    ranges.check(config)
    check_sizes(config.translator)
    check_meta_norm(config.translator.lstm, config.algorithm, joint=config.algorithm == JOINT)
    low, high = config.episodes.shots_low, config.episodes.shots_high
    if low > high:
        raise UserError(f"episodes.shots_low is {low}, above shots_high, which is {high}; mend one")
    if usual_tune(config.algorithm) not in TUNE:
        raise UserError(
            f"{config.algorithm} is for tasks with classes, and translation has none; use "
            "--algorithm joint or fomaml"
        )


def check_sizes(config: TranslatorConfig) -> None:
    """Refuse sizes that contradict each other, or that no memory holds: a :class:`UserError`."""
    ranges.check(config, "translator")
    check_lstm_room(config.embedding, config.lstm, "translator.lstm")
