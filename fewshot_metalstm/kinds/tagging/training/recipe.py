"""The settings of meta-training a tagger, by section."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Annotated

from fewshot_metalstm import ranges
from fewshot_metalstm.encoders.training import EncodedVectorsConfig, check_vectors
from fewshot_metalstm.errors import UserError
from fewshot_metalstm.kinds.tagging.tagger.encoding import CASE_FEATURES
from fewshot_metalstm.kinds.tagging.tagger.network import TaggerConfig, context_inputs
from fewshot_metalstm.meta import budget, make, registry
from fewshot_metalstm.meta.algorithm import Algorithm
from fewshot_metalstm.meta.config import TrainingConfig
from fewshot_metalstm.nn.cell_config import check_meta_norm
from fewshot_metalstm.nn.room import check_lstm_room
from fewshot_metalstm.nn.sharing import SENTINEL, check_sharing
from fewshot_metalstm.ranges import AtLeast0, AtLeast1, NotNegative, Range, Share


@dataclass(frozen=True)
class EpisodesConfig:
    """How episodes are drawn from the meta-train tasks."""

    shots_low: AtLeast1 = 5  # least K of a support
    shots_high: AtLeast1 = 15  # greatest K
    query: AtLeast1 = 16  # query sentences
    negatives: NotNegative = 1.0  # mention-free sentences for each mention-bearing one
    # tasks are drawn in proportion to size^temperature
    temperature: Annotated[float, Range(least=0, most=10)] = 0.5
    map: str = ""  # losses.csv of `tasks map`: tasks whose heads fit its rows are drawn more often
    sharpness: Annotated[float, Range(least=0, most=20)] = 2.0  # how much more; 0: not at all
    single_type_from_multi: Share = 0.5  # chance that a multi-type task gives some of its types
    max_types: AtLeast1 = 2  # types of an episode at most; a task of more gives some of them


@dataclass(frozen=True)
class ValidationConfig:
    """Meta-validation: fixed episodes from held-out splits."""

    episodes: AtLeast0 = 18  # how many, the tasks are visited in turn; 0 never validates
    shots: AtLeast1 = 10  # K of their supports
    query: AtLeast1 = 40  # query sentences


@dataclass(frozen=True)
class MetaTrainConfig(TrainingConfig):
    """Everything that a meta-training run depends on, besides the data and the code."""

    memory: bool = False  # start each type from the source head that fits its support best
    episodes: EpisodesConfig = field(default_factory=EpisodesConfig)
    vectors: EncodedVectorsConfig = field(default_factory=EncodedVectorsConfig)
    tagger: TaggerConfig = field(default_factory=TaggerConfig)
    validation: ValidationConfig = field(default_factory=ValidationConfig)


def check(config: MetaTrainConfig) -> None:
    """Refuse what a tagger cannot be trained with: a :class:`UserError`."""
    ranges.check(config)
    episodes = config.episodes
    if episodes.shots_low > episodes.shots_high:
        raise UserError(
            f"episodes.shots_low is {episodes.shots_low}, above shots_high, which is "
            f"{episodes.shots_high}; mend one"
        )
    if episodes.map and not Path(episodes.map).is_file():
        raise UserError(
            f"episodes.map: there is no file {episodes.map}; give losses.csv of `tasks map`"
        )
    check_sizes(config.tagger, config.vectors, config.start)
    check_meta_norm(config.tagger.lstm, config.algorithm, joint=config.algorithm == registry.JOINT)
    if config.tagger.sharing == SENTINEL and config.algorithm != registry.JOINT:
        raise UserError(
            f"--sharing {SENTINEL} is a way of joint training, and episodes of {config.algorithm} "
            "know no corpus; use --algorithm joint, or another --sharing"
        )
    tagger = config.tagger
    if config.algorithm != registry.JOINT and (tagger.attention or not tagger.crf):
        raise UserError(
            f"tagger.attention and tagger.crf=false are for joint training, and not for "
            f"{config.algorithm}; use --algorithm joint, or `train`"
        )
    if config.memory and not config.start and config.joint.steps == 0:
        raise UserError("memory keeps the heads of joint training; give joint.steps or --start")


def check_sizes(tagger: TaggerConfig, vectors: EncodedVectorsConfig, start: str) -> None:
    """Refuse sizes that contradict each other, or that no memory holds: a :class:`UserError`."""
    check_vectors(tagger, vectors, "tagger", start)
    inputs = vectors.numbers + tagger.filters + CASE_FEATURES + context_inputs(tagger)
    check_lstm_room(inputs, tagger.lstm, "tagger.lstm")
    check_sharing(tagger.sharing, tagger.lstm, "tagger")


def make_algorithm(config: MetaTrainConfig) -> Algorithm:
    """The meta-learner that a config names, for a tagger; :class:`UserError` if it cannot be."""
    check(config)
    return make.make_algorithm(config)


def settled(config: MetaTrainConfig) -> MetaTrainConfig:
    """The settings that a run goes by.

    Joint training alone has no outer steps, and keeps its heads beside the tagger. Prototypes make
    a head of their own, so that neither has a memory.
    """
    entry = registry.lookup(config.algorithm)
    if entry is not None and (entry.inner == "none" or not entry.outer):
        config = replace(config, memory=False)
    return budget.settled(config)


# Many types of a target are like one of the tasks of these suites: joint training of what they
# share, then an outer loop that learns to adapt from the head that fits best.
_FROM_HEADS = ("memory=true", "joint.steps=28000", "outer.steps=1000")
# Settings that a suite asks for; those of an algorithm, --set and the options come after them.
_PRESETS = {
    "bionlp": _FROM_HEADS,
    "mtl-bio": _FROM_HEADS,
    "mtl-wide": _FROM_HEADS,
    "demo": (
        "vectors.size=50", "vectors.buckets=5000", "vectors.min_count=1", "tagger.lstm.hidden=50",
        "tagger.lstm.meta=20", "tagger.lstm.z=30", "joint.steps=2000",
        # Nine types of names are soon memorised: a longer or bolder outer loop learns to
        # recognise them, and forgets how to adapt to a tenth (its meta-validation F1 falls to 0).
        "outer.steps=100", "outer.lr=5e-5", "outer.validate_every=20",
    ),
}  # fmt: skip


def preset(suite: str | None, algorithm: str = "") -> tuple[str, ...]:
    """Overrides for a suite, and for an algorithm, that wants other settings than the defaults."""
    return _PRESETS.get(suite or MetaTrainConfig.tasks, ()) + registry.presets(algorithm)
