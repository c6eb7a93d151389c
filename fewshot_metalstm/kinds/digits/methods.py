"""The ways to get a reader from a support, by name: their settings, and how a cell is done."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from fewshot_metalstm.adapt.baselines import with_others
from fewshot_metalstm.adapt.cell import SCRATCH, Cell, CellResult
from fewshot_metalstm.adapt.finetune import check
from fewshot_metalstm.adapt.prototypes import (
    PROTOTYPES,
    after_prototypes,
    check_prototypes,
)
from fewshot_metalstm.adapt.settings import AdaptRunSettings
from fewshot_metalstm.adapt.tuning import tune_for
from fewshot_metalstm.adapt.work import Loaded, Method, checked
from fewshot_metalstm.kinds.digits.neighbours import score_neighbours
from fewshot_metalstm.kinds.digits.settings import DigitsSettings
from fewshot_metalstm.kinds.digits.tasks import DigitsTask
from fewshot_metalstm.kinds.digits.work import DigitsWork
from fewshot_metalstm.kinds.kind import Support
from fewshot_metalstm.meta.registry import usual_tune

NEIGHBOUR = "neighbour"


@dataclass(frozen=True)
class NeighbourConfig:
    """The nearest neighbour on pixels has nothing to set."""


def run_adapted(cell: Cell, target: DigitsTask, loaded: Callable[[], Loaded]) -> CellResult:
    """Adapt a learner: the checkpoint's, or a fresh one of its sizes."""
    return DigitsWork(cell, loaded().model, target).run()


def run_neighbour(cell: Cell, target: DigitsTask, loaded: Callable[[], Loaded]) -> CellResult:
    """Give every test image the class of the support image with the most similar pixels."""
    del loaded
    began = time.perf_counter()
    positions = target.splits["train"].at(cell.support)
    score = None
    if cell.score and "test" in target.sizes:
        score = score_neighbours(target, positions.tolist(), "test")
    seconds = time.perf_counter() - began
    number = len(cell.support)
    return CellResult(cell.called, cell.draw, score, number, number, seconds)


# Beside a checkpoint that is adapted.
BASELINES: Mapping[str, Method] = {
    SCRATCH: Method(
        lambda s, _: "all", lambda s: checked(s.scratch, check), run_adapted,
        description="the same reader, fresh",
    ),
    NEIGHBOUR: Method(
        lambda s, _: "all", lambda _: NeighbourConfig(), run_neighbour, checkpoint=False,
        description="the nearest image of the support, by pixels",
    ),
}  # fmt: skip
MADE = Method(
    lambda s, name: check_tune(after_prototypes(s), name),
    lambda s: checked(s.prototypes, check_prototypes),
    run_adapted,
)
ADAPTED = Method(
    lambda s, name: check_tune(s.tune, name), lambda s: checked(s.adapt, check), run_adapted
)


def baselines() -> Mapping[str, Method]:
    """The baselines of digits, those of other packages too."""
    return with_others("digits", BASELINES)


def check_tune(tune: str, algorithm: str = "") -> str:
    """``tune``, or what ``auto`` stands for; :class:`UserError` for an unknown one."""
    return tune_for(tune, algorithm, (PROTOTYPES,))


def method_of(name: str, settings: DigitsSettings) -> Method:
    """The method of a cell: a baseline, or what a checkpoint of an algorithm is adapted by."""
    known = baselines()
    if name in known:
        return known[name]
    check_tune(settings.tune)
    if settings.tune == PROTOTYPES:
        return MADE
    return MADE if usual_tune(name) == PROTOTYPES else ADAPTED


def make_cells(
    names: Sequence[str], settings: DigitsSettings, supports: Sequence[Support],
    draws: Sequence[int], save: Path | None,
) -> list[Cell]:  # fmt: skip
    """See :meth:`fewshot_metalstm.kinds.kind.Kind.make_cells`."""
    score = settings.score if isinstance(settings, AdaptRunSettings) else True
    cells = []
    for number, name in enumerate(names):
        method = method_of(name, settings)
        config, tune = method.config(settings), method.tune(settings, name)
        cells += [
            Cell(
                name, draw, settings.seed, support.indices, tune, config,
                save if number == 0 and at == 0 else None, score,
            )
            for at, (draw, support) in enumerate(zip(draws, supports, strict=True))
        ]  # fmt: skip
    return cells


def do_cell(cell: Cell, target: DigitsTask, loaded: Callable[[], Loaded]) -> CellResult:
    """Do a cell of any method; ``loaded`` is called by those that need a checkpoint."""
    method = baselines().get(cell.method)
    return (run_adapted if method is None else method.run)(cell, target, loaded)
