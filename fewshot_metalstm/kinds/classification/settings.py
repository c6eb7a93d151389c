"""The settings of text classifiers, by section: meta-training, adaptation, sweeps.

The defaults were chosen on meta-validation; docs/classification.md says how.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Annotated

from fewshot_metalstm import ranges
from fewshot_metalstm.adapt.finetune import AdaptConfig
from fewshot_metalstm.adapt.prototypes import PROTOTYPES, PrototypesConfig
from fewshot_metalstm.adapt.settings import AdaptRunSettings, AdaptSettings, SweepSettings
from fewshot_metalstm.adapt.tuning import TUNE
from fewshot_metalstm.encoders.training import EncodedVectorsConfig, check_vectors
from fewshot_metalstm.errors import UserError
from fewshot_metalstm.meta.config import InnerConfig, JointConfig, OuterConfig, TrainingConfig
from fewshot_metalstm.meta.registry import JOINT, usual_tune
from fewshot_metalstm.nn.cell_config import MetaLSTMConfig, check_meta_norm
from fewshot_metalstm.nn.room import check_lstm_room
from fewshot_metalstm.nn.sharing import NONE, SHARING, check_sharing
from fewshot_metalstm.nn.words import CASE_FEATURES
from fewshot_metalstm.ranges import (
    AtLeast0,
    AtLeast1,
    NotNegative,
    Positive,
    Range,
    Share,
    ShareBelow1,
    one_of,
)

ATTENTION, MAX = "attention", "max"


@dataclass(frozen=True)
class ClassifierConfig:
    """Sizes and noise of a text classifier."""

    lstm: MetaLSTMConfig = field(default_factory=lambda: MetaLSTMConfig(hidden=48, meta=16, z=16))
    # what stands for a text: states weighed by attention, or the greatest of each number
    pool: Annotated[str, one_of(ATTENTION, MAX)] = ATTENTION
    attention: AtLeast1 = 32  # width of the attention's hidden layer
    heads: AtLeast0 = 0  # heads of self-attention over the states, before that; 0: none
    # tokens of a text that are read; of a longer one its first and its last half
    longest: Annotated[int, Range(least=2)] = 100
    filters: AtLeast1 = 25  # outputs of the character CNN
    vector_scale: NotNegative = 0.5  # root mean square of a word vector's entries
    word_dropout: Share = 0.1  # chance that a distinct word of a batch loses its vector
    input_dropout: ShareBelow1 = 0.2  # dropout of word features
    output_dropout: ShareBelow1 = 0.3  # dropout of what stands for a text
    context: AtLeast0 = 0  # features of a token from a frozen encoder, set by vectors.encoder
    context_size: AtLeast1 = 100  # numbers that these features are mapped to
    context_dropout: Share = 0.3  # chance that a token loses these features
    # how the tasks of joint training share the LSTM
    sharing: Annotated[str, one_of(*SHARING)] = NONE


def context_inputs(config: ClassifierConfig) -> int:
    """How many of the LSTM's inputs come from a frozen encoder."""
    return config.context_size if config.context else 0


@dataclass(frozen=True)
class EpisodesConfig:
    """How episodes are drawn from the meta-train tasks."""

    shots_low: AtLeast1 = 5  # least K: texts of each class in a support
    shots_high: AtLeast1 = 20  # greatest K
    query: AtLeast1 = 8  # query texts of each class
    # of a task with more classes, so many are drawn for an episode
    classes: Annotated[int, Range(least=2)] = 5


@dataclass(frozen=True)
class ValidationConfig:
    """Meta-validation: fixed episodes from held-out texts."""

    episodes: AtLeast0 = 24  # how many, the tasks are visited in turn; 0 never validates
    shots: AtLeast1 = 10  # K of their supports
    query: AtLeast1 = 20  # query texts of each class, or as many as there are


def _vectors() -> EncodedVectorsConfig:
    return EncodedVectorsConfig(size=64, epochs=5, buckets=20_000, min_count=3)


@dataclass(frozen=True)
class ClassificationTrainConfig(TrainingConfig):
    """Everything that meta-training a classifier depends on, besides the data and the code."""

    tasks: str = "reviews"  # suite of tasks
    joint: JointConfig = field(default_factory=lambda: JointConfig(steps=4000, batch=20))
    inner: InnerConfig = field(default_factory=lambda: InnerConfig(steps=3, lr=0.03))
    outer: OuterConfig = field(
        default_factory=lambda: OuterConfig(steps=60, lr=2e-4, validate_every=20)
    )
    episodes: EpisodesConfig = field(default_factory=EpisodesConfig)
    vectors: EncodedVectorsConfig = field(default_factory=_vectors)
    classifier: ClassifierConfig = field(default_factory=ClassifierConfig)
    validation: ValidationConfig = field(default_factory=ValidationConfig)


@dataclass(frozen=True)
class TfidfConfig:
    """TF-IDF with logistic regression: words and pairs of words, sublinear counts."""

    c: Positive = 10.0  # of logistic regression: the less, the more weights are held to 0
    pairs: bool = True  # pairs of neighbouring words beside words


def _adaptation() -> AdaptConfig:
    return AdaptConfig(lr=0.003, epochs=5, min_steps=50)


def _scratch() -> AdaptConfig:
    return AdaptConfig(optimiser="adam", lr=5e-3, epochs=10, min_steps=100)


def _prototypes() -> PrototypesConfig:
    return PrototypesConfig(lr=0.003, epochs=5, min_steps=50)


@dataclass(frozen=True)
class ClassificationSettings(AdaptSettings):
    """How a classifier is adapted, in a single run and in a sweep alike."""

    adapt: AdaptConfig = field(default_factory=_adaptation)
    scratch: AdaptConfig = field(default_factory=_scratch)
    prototypes: PrototypesConfig = field(default_factory=_prototypes)
    tfidf: TfidfConfig = field(default_factory=TfidfConfig)


@dataclass(frozen=True)
class ClassificationRunConfig(ClassificationSettings, AdaptRunSettings):
    """Settings of an adaptation run."""

    shots: AtLeast0 = 10  # K texts of each class; 0 takes the whole train split as support


@dataclass(frozen=True)
class ClassificationSweepConfig(ClassificationSettings, SweepSettings):
    """Settings of a sweep. What is not about the grid means what it means to ``adapt``."""

    # K texts of each class; 0 takes the whole train split
    shots: Annotated[tuple[int, ...], Range(least=0)] = (5, 10, 20, 50)


def check(config: ClassificationTrainConfig) -> None:
    """Refuse what a classifier cannot be trained with: a :class:`UserError`."""
    ranges.check(config)
    check_sizes(config.classifier, config.vectors, config.start)
    check_meta_norm(config.classifier.lstm, config.algorithm, joint=config.algorithm == JOINT)
    low, high = config.episodes.shots_low, config.episodes.shots_high
    if low > high:
        raise UserError(f"episodes.shots_low is {low}, above shots_high, which is {high}; mend one")
    if usual_tune(config.algorithm) not in (*TUNE, PROTOTYPES):
        raise UserError(
            f"{config.algorithm} is for tagging alone; use --algorithm joint, whose training is "
            "the same"
        )


def check_sizes(classifier: ClassifierConfig, vectors: EncodedVectorsConfig, start: str) -> None:
    """Refuse sizes that contradict each other, or that no memory holds: a :class:`UserError`."""
    check_vectors(classifier, vectors, "classifier", start)
    inputs = vectors.numbers + classifier.filters + CASE_FEATURES + context_inputs(classifier)
    check_lstm_room(inputs, classifier.lstm, "classifier.lstm")
    check_sharing(classifier.sharing, classifier.lstm, "classifier", sentences=False)
