"""The ways to get a tagger from a support, by name: their settings, and how a cell is done.

This is the one place where methods are told apart. A new baseline is an entry of
:data:`BASELINES`; a way to adapt the checkpoints of one algorithm is an entry of :data:`STARTS`.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from fewshot_metalstm.adapt.cell import (
    AUTO,
    SCRATCH,
    Cell,
    CellResult,
    mentions_in,
    run_cell,
    tune_for,
)
from fewshot_metalstm.adapt.crf_baseline import CrfConfig, check_crf, tag_all, train_crf
from fewshot_metalstm.adapt.finetune import AdaptConfig, check
from fewshot_metalstm.episodes.task import Task
from fewshot_metalstm.tagging.encoding import WordTable
from fewshot_metalstm.tagging.model import TaggerModel
from fewshot_metalstm.tagging.scoring import strict_scores

CRF = "crf"
JOINT = "joint"


@dataclass(frozen=True)
class JointAdaptConfig(AdaptConfig):
    """Adaptation of a checkpoint of joint training alone, from the source heads that fit best."""

    tune: str = "auto"  # basic, head or all; auto takes what other checkpoints take


class Settings(Protocol):
    """What the settings of an adaptation run and of a sweep have in common."""

    @property
    def seed(self) -> int: ...  # noqa: D102
    @property
    def tune(self) -> str: ...  # noqa: D102
    @property
    def adapt(self) -> AdaptConfig: ...  # noqa: D102
    @property
    def joint(self) -> JointAdaptConfig: ...  # noqa: D102
    @property
    def scratch(self) -> AdaptConfig: ...  # noqa: D102
    @property
    def crf(self) -> CrfConfig: ...  # noqa: D102


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


def run_crf(cell: Cell, target: Task, held: Callable[[], Held]) -> CellResult:
    """Train a linear-chain CRF on the support, score it on the whole test split."""
    del held
    if not isinstance(cell.config, CrfConfig):
        raise TypeError("a cell of the CRF holds its settings")
    began = time.perf_counter()
    support = cell.sentences(target)
    chain = train_crf(support, cell.config)
    seconds = time.perf_counter() - began
    score = None
    if cell.score and "test" in target.corpus.splits:
        test = target.split("test")
        score = strict_scores([s.tags for s in test], tag_all(chain, [s.tokens for s in test]))
    return CellResult(cell.method, cell.draw, score, len(support), mentions_in(support), seconds)


@dataclass(frozen=True)
class Method:
    """A way to get a tagger.

    ``tune`` and ``config`` give what its cells hold, ``run`` does a cell. ``checkpoint`` is
    whether it needs one: for its weights, or for its sizes and word vectors alone.
    """

    tune: Callable[[Settings, str], str]
    config: Callable[[Settings], AdaptConfig | CrfConfig]
    run: Run = run_adapted
    checkpoint: bool = True


# Beside a checkpoint that is adapted.
BASELINES: Mapping[str, Method] = {
    SCRATCH: Method(lambda s, _: "all", lambda s: s.scratch),
    CRF: Method(lambda s, _: "all", lambda s: s.crf, run_crf, checkpoint=False),
}
# By the algorithm that made a checkpoint, where it is not adapted as others are.
STARTS: Mapping[str, Method] = {
    JOINT: Method(
        lambda s, name: tune_for(s.tune if s.joint.tune == AUTO else s.joint.tune, name),
        lambda s: s.joint,
    ),
}
ADAPTED = Method(lambda s, name: tune_for(s.tune, name), lambda s: s.adapt)


def method_of(name: str) -> Method:
    """The method of a cell: a baseline, or the algorithm of the checkpoint that it adapts."""
    return BASELINES.get(name) or STARTS.get(name, ADAPTED)


def algorithm_of(model: TaggerModel) -> str:
    """What a checkpoint's cells are called: the algorithm that made it."""
    return str(model.about.get("algorithm", "meta"))


def make_cell(
    name: str, settings: Settings, draw: int, support: tuple[int, ...], save: Path | None = None,
    *, score: bool = True,
) -> Cell:  # fmt: skip
    """The cell of a method on one support.

    Args:
        name: a baseline, or what :func:`algorithm_of` gave.

    Raises:
        UserError: settings that mean nothing, or a package that is not installed.
    """
    method = method_of(name)
    tune, config = method.tune(settings, name), method.config(settings)
    if isinstance(config, AdaptConfig):
        check(config)
    else:
        check_crf(config)
    return Cell(name, draw, settings.seed, support, tune, config, save, score)


def do_cell(cell: Cell, target: Task, held: Callable[[], Held]) -> CellResult:
    """Do a cell of any method; ``held`` is called by those that need a checkpoint."""
    return method_of(cell.method).run(cell, target, held)
