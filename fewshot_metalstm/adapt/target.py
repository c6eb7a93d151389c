"""Adapting a checkpoint to a target: every draw, every method, one report."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import torch

from fewshot_metalstm.adapt.cell import CellResult
from fewshot_metalstm.adapt.execute import do_cells
from fewshot_metalstm.adapt.plan import Plan, plan_adaptation
from fewshot_metalstm.adapt.report import AdaptReport, report_of
from fewshot_metalstm.adapt.settings import AdaptRunSettings
from fewshot_metalstm.kinds.kind import Task


def adapt_target(
    checkpoint: Path,
    target: Task,
    config: AdaptRunSettings,
    output: Path,
    *,
    device: torch.device,
    workers: int = 0,
    on_cell: Callable[[CellResult], None] | None = None,
) -> AdaptReport:
    """Adapt the checkpoint to every draw of the target, score, and save the first draw's model.

    The checkpoint is only read, and only once.

    Args:
        output: the model is written to the folder that the kind's models go by in it.
        workers: processes; 0 takes one a core. The figures do not depend on it.

    Raises:
        UserError: no such draw, a checkpoint that has seen the target, or an unknown setting.
    """
    plan = plan_adaptation(checkpoint, target, config, output)
    return adapt_as_planned(plan, device=device, workers=workers, on_cell=on_cell)


def adapt_as_planned(
    plan: Plan,
    *,
    device: torch.device,
    workers: int = 0,
    on_cell: Callable[[CellResult], None] | None = None,
) -> AdaptReport:
    """Do what :func:`~fewshot_metalstm.adapt.plan.plan_adaptation` planned.

    Raises:
        UserError: what shows only when a cell is done, such as a loss that is not finite.
    """
    results = do_cells(plan, device=device, workers=workers, on_cell=on_cell)
    return report_of(plan, results)
