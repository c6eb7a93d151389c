"""The settings of meta-training a tagger, by section."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from fewshot_metalstm.config import as_mapping, from_mapping
from fewshot_metalstm.errors import UserError
from fewshot_metalstm.kinds.tagging.tagger.learner import TaggerConfig
from fewshot_metalstm.meta.algorithm import Algorithm, InnerConfig
from fewshot_metalstm.meta.anil import anil
from fewshot_metalstm.meta.fomaml import FirstOrderMAML
from fewshot_metalstm.meta.func import FuncMAML
from fewshot_metalstm.meta.joint import JointConfig
from fewshot_metalstm.meta.l2l import Learn2LearnMAML
from fewshot_metalstm.meta.maml import MAML
from fewshot_metalstm.meta.mamlpp import MAMLPlusPlus, StagesConfig
from fewshot_metalstm.meta.mamlpp import check as check_stages
from fewshot_metalstm.meta.metasgd import MetaSGD
from fewshot_metalstm.meta.outer import OuterConfig
from fewshot_metalstm.meta.outer import check as check_outer
from fewshot_metalstm.meta.protonet import ProtoNet
from fewshot_metalstm.meta.ravi import GatesConfig, LearnedOptimiser
from fewshot_metalstm.meta.ravi import check as check_gates
from fewshot_metalstm.meta.reptile import Reptile
from fewshot_metalstm.meta.unrolled import Unrolled
from fewshot_metalstm.nn.plain_lstm import check as check_lstm
from fewshot_metalstm.nn.pretrain import VectorsConfig

JOINT = "joint"  # multi-task training alone; see budget.py
PROTONET, NNSHOT, STRUCTSHOT = "protonet", "nnshot", "structshot"
JOINTLY = (JOINT, NNSHOT, STRUCTSHOT)  # trained alike, without an outer loop
ALGORITHMS = (
    "fomaml", "maml", "anil", "reptile", "meta-sgd", "maml++", "lstm", PROTONET, *JOINTLY,
)  # fmt: skip
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
    algorithm: str = "fomaml"  # one of ALGORITHMS
    start: str = ""  # a checkpoint of joint training, in place of vectors and joint training
    memory: bool = False  # start each type from the source head that fits its support best
    order: int = 0  # of the outer gradient, 1 or 2; 0 takes the algorithm's own
    stages: StagesConfig = field(default_factory=StagesConfig)  # of maml++
    engine: str = "higher"  # what takes second-order gradients: higher, learn2learn or func
    truncate: int | None = None  # inner steps, the last, that order 2 differentiates through
    tasks_at_once: int = 2  # episodes that the engine func takes side by side
    episodes: EpisodesConfig = field(default_factory=EpisodesConfig)
    vectors: VectorsConfig = field(default_factory=VectorsConfig)
    tagger: TaggerConfig = field(default_factory=TaggerConfig)
    joint: JointConfig = field(default_factory=JointConfig)
    inner: InnerConfig = field(default_factory=InnerConfig)
    gates: GatesConfig = field(default_factory=GatesConfig)  # of lstm
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
    check_outer(config.outer)
    check_stages(config.stages)
    check_gates(config.gates)
    check_lstm(config.tagger.lstm)
    no_second = ("fomaml", "reptile", "lstm", PROTONET, *JOINTLY)
    first = config.algorithm in no_second or config.order == 1
    if config.algorithm == "fomaml" and config.order == 2:
        raise UserError("fomaml is of first order; use --algorithm maml with --order 2")
    if config.algorithm == "reptile" and config.order == 2:
        raise UserError("reptile has no second order; use --algorithm maml with --order 2")
    if config.algorithm == "lstm" and config.order == 2:
        raise UserError("lstm takes no second derivatives; use --algorithm maml with --order 2")
    if config.algorithm in ("reptile", "meta-sgd", "maml++", "lstm"):
        _check_own_loop(config)
    if config.algorithm in JOINTLY and config.order == 2:
        raise UserError(
            f"{config.algorithm} has no outer gradient; use --algorithm maml with --order 2"
        )
    if config.algorithm in JOINTLY and config.joint.steps == 0:
        raise UserError(
            f"joint.steps is 0, and --algorithm {config.algorithm} does nothing else; use more"
        )
    if config.algorithm == PROTONET and (
        config.order == 2 or config.engine != MetaTrainConfig.engine
    ):
        raise UserError(
            "protonet has no inner loop: leave out --order 2 and --engine, or use --algorithm maml"
        )
    _check_start(config)
    if config.truncate is not None:
        if first:
            raise UserError("--truncate is for second order; use --algorithm maml with --order 2")
        if not 0 <= config.truncate <= config.inner.steps:
            raise UserError(
                f"truncate is {config.truncate}; use 0 to {config.inner.steps}, the inner steps"
            )
    if config.algorithm in ("fomaml", *JOINTLY):  # those: for the inner loop of meta-validation
        return FirstOrderMAML(config.inner)
    if config.algorithm == PROTONET:
        return ProtoNet(replace(config.inner, steps=0, lr=0.0))
    if config.algorithm == "reptile":
        return Reptile(config.inner)
    if config.algorithm == "lstm":
        return LearnedOptimiser(config.inner, gates=config.gates, seed=config.seed)
    order = config.order or 2
    if config.algorithm == "meta-sgd":
        return MetaSGD(config.inner, order, config.truncate)
    if config.algorithm == "maml++":
        return MAMLPlusPlus(config.inner, config.order, config.truncate, stages=config.stages)
    loop: Unrolled
    if config.engine == "func":
        loop = FuncMAML(config.inner, order, config.truncate, config.tasks_at_once)
    else:
        loop = ENGINES[config.engine](config.inner, order, config.truncate)
    return anil(loop) if config.algorithm == "anil" else loop


def _check_start(config: MetaTrainConfig) -> None:
    """Refuse what does not go with a memory, or with a start from a checkpoint."""
    if config.start and config.algorithm in JOINTLY:
        raise UserError(f"--start is for an outer loop, which {config.algorithm} has not")
    if config.memory and not config.start and config.joint.steps == 0:
        raise UserError("memory keeps the heads of joint training; give joint.steps or --start")


def _check_own_loop(config: MetaTrainConfig) -> None:
    """Refuse settings that an algorithm with an inner loop of its own has no use for."""
    name, inner = config.algorithm, config.inner
    if config.engine != MetaTrainConfig.engine:
        raise UserError(
            f"{name} has an inner loop of its own; leave out --engine, or use --algorithm maml"
        )
    if inner.steps < 1:
        raise UserError(f"inner.steps is {inner.steps}; {name} needs at least 1")
    if inner.lr <= 0:
        raise UserError(f"inner.lr is {inner.lr:g}; {name} needs a rate above 0 to start from")


# What of a config says which meta-learner it was, and what that gave the learner.
RECORDED = ("algorithm", "order", "inner", "gates")


def recorded(config: MetaTrainConfig) -> dict[str, Any]:
    """What a checkpoint notes of its meta-learner, under ``recipe``."""
    whole = as_mapping(config)
    return {name: whole[name] for name in RECORDED}


def recorded_algorithm(about: Mapping[str, Any]) -> Algorithm:
    """The meta-learner that made a checkpoint, from its ``about``; ValueError if it is not there.

    For what it does to a learner: its engine may be another one.
    """
    recipe = about.get("recipe")
    if not isinstance(recipe, Mapping):
        raise ValueError("the checkpoint does not say which meta-learner made it")
    return make_algorithm(from_mapping(MetaTrainConfig, recipe, "recipe"))


# Many types of a target have a like among the tasks of these suites: joint training of what they
# share, then an outer loop that learns to adapt from the head that fits best.
_FROM_HEADS = ("memory=true", "joint.steps=28000", "outer.steps=1000")
# Settings that a suite or an algorithm asks for; --set and the options come after them.
_PRESETS = {
    "bionlp": _FROM_HEADS,
    "mtl-bio": _FROM_HEADS,
    "demo": (
        "vectors.size=50", "vectors.buckets=5000", "vectors.min_count=1", "tagger.lstm.hidden=50",
        "tagger.lstm.meta=20", "tagger.lstm.z=30", "joint.steps=2000",
        # Nine types of names are soon known by heart: a longer or bolder outer loop learns to
        # recognise them, and forgets how to adapt to a tenth (its meta-validation F1 falls to 0).
        "outer.steps=100", "outer.lr=5e-5", "outer.validate_every=20",
    ),
}  # fmt: skip


_ALGORITHM_PRESETS = {
    "reptile": ("inner.lr=1e-3",),  # Adam's: every parameter moves by about as much in a step
    "lstm": ("outer.clip=0.25",),  # the paper's
}


def preset(suite: str | None, algorithm: str = "") -> tuple[str, ...]:
    """Overrides for a suite, and for an algorithm, that wants other settings than the defaults."""
    return _PRESETS.get(suite or MetaTrainConfig.tasks, ()) + _ALGORITHM_PRESETS.get(algorithm, ())
