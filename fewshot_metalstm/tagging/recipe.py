"""The settings of meta-training a tagger, by section."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from fewshot_metalstm.errors import UserError
from fewshot_metalstm.meta.algorithm import Algorithm, InnerConfig
from fewshot_metalstm.meta.fomaml import FirstOrderMAML
from fewshot_metalstm.meta.func import FuncMAML
from fewshot_metalstm.meta.joint import JointConfig
from fewshot_metalstm.meta.l2l import Learn2LearnMAML
from fewshot_metalstm.meta.maml import MAML
from fewshot_metalstm.meta.outer import OuterConfig
from fewshot_metalstm.meta.unrolled import Unrolled
from fewshot_metalstm.nn.pretrain import VectorsConfig
from fewshot_metalstm.tagging.learner import TaggerConfig

ALGORITHMS = ("fomaml", "maml")
ENGINES: Mapping[str, type[Unrolled]] = {
    "higher": MAML,
    "learn2learn": Learn2LearnMAML,
    "func": FuncMAML,
}


@dataclass(frozen=True)
class EpisodesConfig:
    """How episodes are drawn from the meta-train tasks."""

    shots_low: int = 5  # least K of a support
    shots_high: int = 15  # greatest K
    query: int = 16  # query sentences
    negatives: float = 1.0  # mention-free sentences for each mention-bearing one
    temperature: float = 0.5  # tasks are drawn in proportion to size^temperature
    single_type_from_multi: float = 0.5  # chance that a multi-type task gives some of its types
    max_types: int = 2  # types of an episode at most; a task of more gives some of them


@dataclass(frozen=True)
class ValidationConfig:
    """Meta-validation: fixed episodes from held-out splits."""

    episodes: int = 18  # how many; the tasks are visited in turn
    shots: int = 10  # K of their supports
    query: int = 40  # query sentences


@dataclass(frozen=True)
class MetaTrainConfig:
    """Everything that a meta-training run depends on, besides the data and the code."""

    tasks: str = "demo"  # suite of tasks
    exclude: tuple[str, ...] = ()  # targets to keep out besides those that the suite names
    seed: int = 0
    algorithm: str = "fomaml"  # fomaml or maml
    order: int = 0  # of the outer gradient, 1 or 2; 0 takes the algorithm's own
    engine: str = "higher"  # what takes second-order gradients: higher, learn2learn or func
    truncate: int | None = None  # inner steps, the last, that order 2 differentiates through
    tasks_at_once: int = 2  # episodes that the engine func takes side by side
    episodes: EpisodesConfig = field(default_factory=EpisodesConfig)
    vectors: VectorsConfig = field(default_factory=VectorsConfig)
    tagger: TaggerConfig = field(default_factory=TaggerConfig)
    joint: JointConfig = field(default_factory=JointConfig)
    inner: InnerConfig = field(default_factory=InnerConfig)
    outer: OuterConfig = field(default_factory=OuterConfig)
    validation: ValidationConfig = field(default_factory=ValidationConfig)


def make_algorithm(config: MetaTrainConfig) -> Algorithm:
    """The meta-learner that a config names; :class:`UserError` if there is none."""
    if config.order not in (0, 1, 2):
        raise UserError(f"order {config.order}: the outer gradient has order 1 or 2")
    if config.engine not in ENGINES:
        raise UserError(f"engine {config.engine!r} is unknown; use {', '.join(ENGINES)}")
    if config.tasks_at_once < 1:
        raise UserError(f"tasks_at_once is {config.tasks_at_once}; use at least 1")
    if config.algorithm not in ALGORITHMS:
        raise UserError(f"algorithm {config.algorithm!r} is unknown; use {' or '.join(ALGORITHMS)}")
    first = config.algorithm == "fomaml" or config.order == 1
    if config.algorithm == "fomaml" and config.order == 2:
        raise UserError("fomaml is of first order; use --algorithm maml with --order 2")
    if config.truncate is not None:
        if first:
            raise UserError("--truncate is for second order; use --algorithm maml with --order 2")
        if not 0 <= config.truncate <= config.inner.steps:
            raise UserError(
                f"truncate is {config.truncate}; use 0 to {config.inner.steps}, the inner steps"
            )
    if config.algorithm == "fomaml":
        return FirstOrderMAML(config.inner)
    order = config.order or 2
    if config.engine == "func":
        return FuncMAML(config.inner, order, config.truncate, config.tasks_at_once)
    return ENGINES[config.engine](config.inner, order, config.truncate)


# Settings that a suite's size asks for; --set and the options come after them.
_PRESETS = {
    "demo": (
        "vectors.size=50", "vectors.buckets=5000", "vectors.min_count=1", "tagger.lstm.hidden=50",
        "tagger.lstm.meta=20", "tagger.lstm.z=30", "joint.steps=2000",
        # Nine types of names are soon known by heart: a longer or bolder outer loop learns to
        # recognise them, and forgets how to adapt to a tenth (its meta-validation F1 falls to 0).
        "outer.steps=100", "outer.lr=5e-5", "outer.validate_every=20",
    ),
}  # fmt: skip


def preset(suite: str | None) -> tuple[str, ...]:
    """Overrides for a suite that is much smaller than the official ones; none for others."""
    return _PRESETS.get(suite or MetaTrainConfig.tasks, ())
