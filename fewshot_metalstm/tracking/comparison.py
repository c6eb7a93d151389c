"""Adapted taggers out of MLflow's store.

Every adapted tagger is a run of its own, tagged ``kind: draw``, below the run of its adaptation or
sweep; see :mod:`fewshot_metalstm.tracking.adaptation`.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from fewshot_metalstm.adapt.cell import CellResult
from fewshot_metalstm.declarations import DEFAULT_KIND
from fewshot_metalstm.errors import UserError
from fewshot_metalstm.kinds import registry
from fewshot_metalstm.sweep.comparison import Found
from fewshot_metalstm.sweep.grid import Key
from fewshot_metalstm.tracking.database import connect
from fewshot_metalstm.tracking.store import EXPERIMENT, store_exists

if TYPE_CHECKING:
    from mlflow.entities import Run
    from mlflow.tracking import MlflowClient

_PARENT = "mlflow.parentRunId"
_PAGE = 1000  # runs a request
_DRAWS = "tags.kind = 'draw' and attributes.status = 'FINISHED'"


def tracked_cells(uri: str, names: Sequence[str]) -> list[Found]:
    """The adapted taggers of runs and experiments, the older ones first.

    Args:
        uri: of the store, resolved.
        names: identifiers or names of runs (of adaptations or sweeps; a project's run stands for
            those in it), or names of experiments; none means the experiment of this program.

    Raises:
        UserError: no store there, or nothing of such a name in it.
    """
    if not store_exists(uri):
        raise UserError(
            f"{uri}: no tracked runs there yet; run fewshot-metalstm adapt or sweep first, or "
            "name another store with --tracking-uri"
        )
    client = connect(uri)
    found: dict[str, Run] = {}
    for name in names or (EXPERIMENT,):
        runs = _runs(client, name)
        if not runs:
            raise UserError(
                f"{name}: no run or experiment with adapted taggers is called so in {uri}; "
                "see `fewshot-metalstm ui` for their names"
            )
        found |= {run.info.run_id: run for run in runs}
    ordered = sorted(found.values(), key=lambda run: (run.info.start_time, run.info.run_id))
    return [cell for run in ordered if (cell := _cell(run)) is not None]


def _runs(client: MlflowClient, name: str) -> list[Run]:
    """The finished runs of adapted taggers that a name stands for."""
    experiments = {e.name: e.experiment_id for e in client.search_experiments()}
    if name in experiments:
        return _search(client, [experiments[name]], _DRAWS)
    every = list(experiments.values())
    quoted = name.replace("'", "")  # which MLflow's filters cannot hold
    parents = _search(client, every, f"attributes.run_name = '{quoted}'")
    parents += _search(client, every, f"attributes.run_id = '{quoted}'")
    found = [run for run in parents if run.data.tags.get("kind") == "draw"]
    waiting = [run.info.run_id for run in parents]
    while waiting:
        inner = _search(client, every, f"tags.`{_PARENT}` = '{waiting.pop()}'")
        found += [run for run in inner if run.data.tags.get("kind") == "draw"]
        waiting += [run.info.run_id for run in inner if run.data.tags.get("kind") != "draw"]
    return [run for run in found if run.info.status == "FINISHED"]


def _search(client: MlflowClient, experiments: Sequence[str], text: str) -> list[Run]:
    found: list[Run] = []
    token = None
    while True:
        page = client.search_runs(list(experiments), text, max_results=_PAGE, page_token=token)
        found += page
        token = page.token
        if not token:
            return found


def _cell(run: Run) -> Found | None:
    """A run as a cell, or None if it is not of an adapted tagger that was scored."""
    params, metrics = run.data.params, run.data.metrics
    name = run.data.tags.get("task_kind", DEFAULT_KIND)
    if name not in registry.names():
        return None  # of a package that is not installed here
    kind = registry.kind(name)
    figure = kind.figure_in(metrics, "few_shot_")
    try:
        target, shots = params["target"], int(params["shots"])
        method, draw = params["method"], int(params["draw"])
        stored = {key: metrics[key] for key in figure.further}
        # A run does not tell how much was scored.
        score = kind.read_score(
            {figure.key: metrics[f"few_shot_{figure.key}"], **stored, figure.counted: 0}
        )
    except (LookupError, ValueError):
        return None
    result = CellResult(
        method, draw, score, int(metrics.get(f"support_{kind.items}", 0)),
        int(metrics.get(f"support_{figure.counted}", 0)), metrics.get("seconds", 0.0),
    )  # fmt: skip
    parent = run.data.tags.get(_PARENT, run.info.run_id)
    return Found(
        Key(target, shots, method, draw), params.get("checkpoint", ""), result, parent,
        kind.synthetic(target), kind.name, figure, params.get("label", ""),
    )  # fmt: skip
