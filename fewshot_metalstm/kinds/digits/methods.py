"""The ways to get a reader from a support, by name: their settings, and how a cell is done."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass

from fewshot_metalstm.adapt.cell import Cell, CellResult
from fewshot_metalstm.adapt.methods import Methods
from fewshot_metalstm.adapt.work import Loaded, Method
from fewshot_metalstm.kinds.digits.neighbours import score_neighbours
from fewshot_metalstm.kinds.digits.tasks import DigitsTask
from fewshot_metalstm.kinds.digits.work import DigitsWork

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


METHODS = Methods(
    kind="digits",
    run=run_adapted,
    fresh="the same reader, fresh",
    own={
        NEIGHBOUR: Method(
            lambda s, _: "all", lambda _: NeighbourConfig(), run_neighbour, checkpoint=False,
            description="the nearest image of the support, by pixels",
        ),
    },
)  # fmt: skip
