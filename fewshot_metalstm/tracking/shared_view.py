"""The view of MLflow's pages in which adapted taggers are compared, with its columns chosen.

MLflow keeps what a page shows (columns, filter, groups) in the browser. What can be given away is
a *shared view*: the same as JSON, in a tag of the experiment, which an address names. So one tag
is written, once, and the address that :func:`comparison_page` gives opens the table on it.

Nothing here imports MLflow unless the tag has to be written.
"""

from __future__ import annotations

import json
import sqlite3
from contextlib import closing
from typing import Any

from fewshot_metalstm.errors import UserError
from fewshot_metalstm.kinds import registry
from fewshot_metalstm.tracking.store import EXPERIMENT, sqlite_path

VIEW = "fewshot-metalstm-comparison"
_TAG = f"mlflow.sharedViewState.{VIEW}"
_GROUPS = ("target", "shots", "method")


def shared_view() -> dict[str, Any]:
    """What the page shows: adapted taggers by target, shots and method, with their means."""
    name = "attributes.`Run Name`"
    figures = [registry.kind(each).figure for each in registry.BUILT_IN]
    metrics = dict.fromkeys(
        key for figure in figures
        for key in (f"few_shot_{figure.key}", *figure.further, f"support_{figure.counted}")
    )  # fmt: skip
    return {
        "searchFilter": "tags.kind = 'draw'",
        "orderByKey": "metrics.`few_shot_f1`", "orderByAsc": False,
        "startTime": "ALL", "lifecycleFilter": "Active", "datasetsFilter": [],
        "modelVersionFilter": "All Runs",
        "selectedColumns": [*(f"params.`{p}`" for p in (*_GROUPS, "draw")),
                            *(f"metrics.`{m}`" for m in (*metrics, "seconds"))],
        "columnOrder": [name], "columnWidths": {name: 460},
        "groupBy": {
            "aggregateFunction": "average",
            "groupByKeys": [{"mode": "param", "groupByData": each} for each in _GROUPS],
        },
        "runsHiddenMode": "SHOW_ALL",
        # MLflow 3.12 takes the view as the whole state of the page, and fails where a part is
        # absent; later versions add what they begin with. So all of it is said.
        "runsExpanded": {}, "runsPinned": [], "runsHidden": [], "runsVisibilityMap": {},
        "groupsExpanded": {}, "viewMaximized": False, "runListHidden": False,
        "isAccordionReordered": False, "useGroupedValuesInCharts": True, "hideEmptyCharts": True,
        "autoRefreshEnabled": True,
        "globalLineChartConfig": {
            "xAxisKey": "step", "lineSmoothness": 0, "selectedXAxisMetricKey": "",
        },
    }  # fmt: skip


def comparison_page(uri: str) -> str | None:
    """Where the comparison is, below the address of a server on the local store at ``uri``.

    The shared view is written where it is not there yet. None where the store holds no experiment
    of this program; the experiment's plain table where the view cannot be written.
    """
    path = sqlite_path(uri)
    if path is None or not path.is_file():
        return None
    try:
        with closing(sqlite3.connect(f"{path.as_uri()}?mode=ro", uri=True)) as database:
            row = database.execute(
                "select experiment_id from experiments where name = ?", (EXPERIMENT,)
            ).fetchone()
            if row is None:
                return None
            tag = database.execute(
                "select value from experiment_tags where experiment_id = ? and key = ?",
                (row[0], _TAG),
            ).fetchone()
    except sqlite3.Error:
        return None  # no database of MLflow's; the server will say so
    page = f"/#/experiments/{row[0]}/runs"
    wanted = json.dumps(shared_view())
    if (tag is None or tag[0] != wanted) and not _written(uri, str(row[0]), wanted):
        return page
    return f"{page}?viewStateShareKey={VIEW}"


def _written(uri: str, experiment: str, text: str) -> bool:
    from fewshot_metalstm.tracking.database import connect

    try:
        client = connect(uri)
        client.set_experiment_tag(experiment, _TAG, text)
    except UserError:
        return False
    except Exception as problem:
        from mlflow.exceptions import MlflowException

        if not isinstance(problem, MlflowException):
            raise
        return False  # a store that cannot be written can still be looked at
    return True
