"""The ways to get a tagger from a support, by name: their settings, and how a cell is done.

This is the one place where methods are told apart. A new baseline is an entry of
:data:`BASELINES`; a way to adapt the checkpoints of one algorithm is an entry of :data:`STARTS`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from fewshot_metalstm.adapt.cell import SCRATCH, Cell, CellConfig, CellResult, run_cell
from fewshot_metalstm.adapt.finetune import AdaptConfig, check
from fewshot_metalstm.kinds.tagging.adapt.baselines import run_crf, run_spacy, run_transformer
from fewshot_metalstm.kinds.tagging.adapt.crf_baseline import CrfConfig, check_crf
from fewshot_metalstm.kinds.tagging.adapt.from_support import (
    NNSHOT,
    PROTOTYPES,
    STRUCTSHOT,
    NeighboursConfig,
    PrototypesConfig,
    check_neighbours,
    check_prototypes,
)
from fewshot_metalstm.kinds.tagging.adapt.self_training import SelfTrainingConfig
from fewshot_metalstm.kinds.tagging.adapt.spacy_baseline import SpacyConfig, check_spacy
from fewshot_metalstm.kinds.tagging.adapt.transformer_baseline import (
    TransformerConfig,
    model_digests,
    settled,
)
from fewshot_metalstm.kinds.tagging.adapt.tuning import AUTO, TUNE, UNTUNED, tune_for
from fewshot_metalstm.kinds.tagging.episodes.task import Task
from fewshot_metalstm.kinds.tagging.tagger.encoding import WordTable
from fewshot_metalstm.kinds.tagging.tagger.model import TaggerModel

CRF = "crf"
SPACY = "spacy"
TRANSFORMER = "transformer"
PROTONET = "protonet"


class Settings(Protocol):
    """What the settings of an adaptation run and of a sweep have in common."""

    @property
    def seed(self) -> int: ...  # noqa: D102
    @property
    def tune(self) -> str: ...  # noqa: D102
    @property
    def adapt(self) -> AdaptConfig: ...  # noqa: D102
    @property
    def prototypes(self) -> PrototypesConfig: ...  # noqa: D102
    @property
    def neighbours(self) -> NeighboursConfig: ...  # noqa: D102
    @property
    def scratch(self) -> AdaptConfig: ...  # noqa: D102
    @property
    def crf(self) -> CrfConfig: ...  # noqa: D102
    @property
    def spacy(self) -> SpacyConfig: ...  # noqa: D102
    @property
    def transformer(self) -> TransformerConfig: ...  # noqa: D102


@dataclass(frozen=True)
class Held:
    """A checkpoint that is loaded, and its word table."""

    model: TaggerModel
    table: WordTable


Run = Callable[[Cell, Task, Callable[[], Held]], CellResult]


def run_adapted(cell: Cell, target: Task, held: Callable[[], Held]) -> CellResult:
    """Adapt a learner: the checkpoint's, or a fresh one of its sizes."""
    start = held()
    return run_cell(cell, start.model, target, start.table)


@dataclass(frozen=True)
class Method:
    """A way to get a tagger.

    ``tune`` and ``config`` give what its cells hold, ``run`` does a cell. ``checkpoint`` is
    whether it needs one: for its weights, or for its sizes and word vectors alone. ``files`` gives
    the SHA-256 of each file of a model that its settings name.
    """

    tune: Callable[[Settings, str], str]
    config: Callable[[Settings], CellConfig]
    run: Run = run_adapted
    checkpoint: bool = True
    files: Callable[[Settings], Mapping[str, str]] = lambda _: {}


# Beside a checkpoint that is adapted.
BASELINES: Mapping[str, Method] = {
    SCRATCH: Method(lambda s, _: "all", lambda s: s.scratch),
    CRF: Method(lambda s, _: "all", lambda s: s.crf, run_crf, checkpoint=False),
    SPACY: Method(lambda s, _: "all", lambda s: s.spacy, run_spacy, checkpoint=False),
    TRANSFORMER: Method(
        lambda s, _: "all",
        lambda s: s.transformer,
        run_transformer,
        checkpoint=False,
        files=lambda s: model_digests(s.transformer),
    ),
}


def _after_prototypes(settings: Settings, name: str) -> str:
    """What is tuned from prototypes: what ``--tune`` says, if not them, or their own setting."""
    asked, own = settings.tune, settings.prototypes.tune
    if asked in (AUTO, PROTOTYPES):
        asked = PROTOTYPES if own == "none" else own
    return tune_for(asked, name)


# What makes a tagger of the support, by what --tune says.
MADE: Mapping[str, Method] = {
    PROTOTYPES: Method(_after_prototypes, lambda s: s.prototypes),
    NNSHOT: Method(lambda s, _: NNSHOT, lambda s: s.neighbours),
    STRUCTSHOT: Method(lambda s, _: STRUCTSHOT, lambda s: s.neighbours),
}
# By the algorithm that made a checkpoint, where it is not adapted as others are.
STARTS: Mapping[str, Method] = {
    PROTONET: MADE[PROTOTYPES],
    NNSHOT: MADE[NNSHOT],
    STRUCTSHOT: MADE[STRUCTSHOT],
}
ADAPTED = Method(lambda s, name: tune_for(s.tune, name), lambda s: s.adapt)


def method_of(name: str) -> Method:
    """The method of a cell: a baseline, or the algorithm of the checkpoint that it adapts."""
    return BASELINES.get(name) or STARTS.get(name, ADAPTED)


def _way(name: str, settings: Settings) -> Method:
    """The method of a cell, which may be another than its checkpoint's algorithm asks for."""
    if name in BASELINES:
        return BASELINES[name]
    tune_for(settings.tune, name)  # refuses what cannot be
    if name in (NNSHOT, STRUCTSHOT) and settings.tune in TUNE:
        return ADAPTED
    return MADE.get(settings.tune) or method_of(name)


def algorithm_of(model: TaggerModel) -> str:
    """What a checkpoint's cells are called: the algorithm that made it."""
    return str(model.about.get("algorithm", "meta"))


def make_cell(
    name: str, settings: Settings, draw: int, support: tuple[int, ...], save: Path | None = None,
    *, score: bool = True, unlabelled: tuple[tuple[str, ...], ...] = (),
    again: SelfTrainingConfig | None = None,
) -> Cell:  # fmt: skip
    """The cell of a method on one support.

    Args:
        name: a baseline, or what :func:`algorithm_of` gave.
        unlabelled: sentences for self-training, which a method without a learner to tune has no
            use for.
        again: the settings of self-training.

    Raises:
        UserError: settings that mean nothing, or a package that is not installed.
    """
    method = _way(name, settings)
    config = method.config(settings)
    if isinstance(config, PrototypesConfig):
        check_prototypes(config)
    elif isinstance(config, AdaptConfig):
        check(config)
    elif isinstance(config, NeighboursConfig):
        check_neighbours(config)
    elif isinstance(config, CrfConfig):
        check_crf(config)
    elif isinstance(config, SpacyConfig):
        check_spacy(config)
    else:
        config = settled(config)  # a worker may be in another folder
    tune = method.tune(settings, name)
    tuned = isinstance(config, AdaptConfig) and tune not in UNTUNED
    return Cell(
        name, draw, settings.seed, support, tune, config, save, score,
        unlabelled if tuned else (), again or SelfTrainingConfig(),
    )  # fmt: skip


def do_cell(cell: Cell, target: Task, held: Callable[[], Held]) -> CellResult:
    """Do a cell of any method; ``held`` is called by those that need a checkpoint."""
    return method_of(cell.method).run(cell, target, held)
