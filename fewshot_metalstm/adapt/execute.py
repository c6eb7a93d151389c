"""Doing the cells of a plan, in this process or on several."""

from __future__ import annotations

import pickle
import traceback
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import torch

from fewshot_metalstm.adapt.cell import Cell, CellResult
from fewshot_metalstm.adapt.plan import Plan
from fewshot_metalstm.adapt.work import Loaded
from fewshot_metalstm.errors import UserError
from fewshot_metalstm.jobs.outcome import Outcome
from fewshot_metalstm.jobs.pool import PoolRunner
from fewshot_metalstm.kinds import registry
from fewshot_metalstm.kinds.kind import Task
from fewshot_metalstm.machine import cores, keep_freed_memory, one_thread

CellRunner = Callable[[Sequence[Cell]], Iterator[CellResult]]


def do_cells(
    plan: Plan, *, device: torch.device, workers: int,
    on_cell: Callable[[CellResult], None] | None = None,
) -> list[CellResult]:  # fmt: skip
    """The results of all cells, as they come.

    Cells run on ``workers`` processes (0: one a core), each in one thread, so that the numbers do
    not depend on how many there are.
    """
    results = []
    with _runner(plan, device, min(workers or cores(), len(plan.cells))) as run:
        for result in run(plan.cells):
            results.append(result)
            if on_cell is not None:
                on_cell(result)
    return results


@contextmanager
def _runner(plan: Plan, device: torch.device, workers: int) -> Iterator[CellRunner]:
    if workers <= 1 or device.type == "cuda":
        keep_freed_memory()
        with one_thread():
            plan.model.learner.to(device)
            loaded = plan.kind.loaded(plan.model)
            yield lambda cells: (plan.kind.do_cell(c, plan.target, lambda: loaded) for c in cells)
        return
    pool = PoolRunner(workers)
    setup = _Setup(plan.kind.name, plan.model, plan.target)
    yield lambda cells: map(_result, pool.run(setup, cells))


@dataclass(frozen=True)
class _Setup:
    """What a worker process is given once."""

    kind: str
    model: Any
    target: Task

    def __call__(self) -> Callable[[Cell], CellResult | _Raised]:
        """Load the model; the function returned does one cell."""
        torch.set_num_threads(1)
        keep_freed_memory()
        kind = registry.kind(self.kind)
        loaded: Loaded = kind.loaded(self.model)

        def work(cell: Cell) -> CellResult | _Raised:
            try:
                result: CellResult = kind.do_cell(cell, self.target, lambda: loaded)
            except Exception as problem:
                if not _travels(problem):
                    raise  # the runner sends its traceback as text
                return _Raised(problem, traceback.format_exc())
            return result

        return work


@dataclass(frozen=True)
class _Raised:
    """What a worker raised, to be raised here, and where it did."""

    problem: Exception
    detail: str


def _travels(problem: Exception) -> bool:
    """Whether an exception can be sent to another process: not all can be unpickled."""
    try:
        pickle.loads(pickle.dumps(problem))
    except Exception:
        return False
    return True


def _result(outcome: Outcome[CellResult | _Raised]) -> CellResult:
    failure, result = outcome.failure, outcome.result
    if failure is not None:
        if failure.detail:
            raise RuntimeError(failure.detail)
        raise UserError(f"a draw failed: {failure.reason}; try fewer --workers")
    if isinstance(result, _Raised):
        raise result.problem from RuntimeError(result.detail)
    assert result is not None
    return result
