"""Doing the cells of a plan, in this process or on several."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from contextlib import contextmanager
from multiprocessing import get_context
from typing import Any

import torch

from fewshot_metalstm.adapt.cell import Cell, CellResult
from fewshot_metalstm.adapt.plan import Plan
from fewshot_metalstm.adapt.work import Loaded
from fewshot_metalstm.kinds import registry
from fewshot_metalstm.kinds.kind import Task
from fewshot_metalstm.machine import cores, keep_freed_memory

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
        threads = torch.get_num_threads()
        torch.set_num_threads(1)
        keep_freed_memory()
        plan.model.learner.to(device)
        loaded = plan.kind.loaded(plan.model)
        try:
            yield lambda cells: (plan.kind.do_cell(c, plan.target, lambda: loaded) for c in cells)
        finally:
            torch.set_num_threads(threads)
        return
    given = (plan.kind.name, plan.model, plan.target)
    pool = ProcessPoolExecutor(workers, get_context("spawn"), _start_worker, given)
    try:
        yield lambda cells: (
            future.result() for future in as_completed([pool.submit(_work, c) for c in cells])
        )
    finally:
        pool.shutdown(cancel_futures=True)


# What a worker process keeps, set once when it starts.
_WORKER: dict[str, Any] = {}


def _start_worker(kind: str, model: Any, target: Task) -> None:
    torch.set_num_threads(1)
    keep_freed_memory()
    found = registry.kind(kind)
    _WORKER.update(kind=found, loaded=found.loaded(model), target=target)


def _work(cell: Cell) -> CellResult:
    loaded: Loaded = _WORKER["loaded"]
    result: CellResult = _WORKER["kind"].do_cell(cell, _WORKER["target"], lambda: loaded)
    return result
