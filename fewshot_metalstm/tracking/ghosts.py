"""Runs whose process was killed, so that nobody ended them: the next one in their folder does."""

from __future__ import annotations

from pathlib import Path

from mlflow.tracking import MlflowClient

FOLDER = "folder"
_PARENT = "mlflow.parentRunId"
_MOST = 1000


def end_ghosts(client: MlflowClient, experiment: str, folder: Path) -> None:
    """Mark the runs of a folder, and those nested in them, that still count as running KILLED.

    Whoever calls it holds the folder, so that none of them is alive.
    """
    # Few are running; that a filter's language has no word for some paths does not matter so.
    running = client.search_runs(
        [experiment], "attributes.status = 'RUNNING'", max_results=_MOST,
    )  # fmt: skip
    place = str(folder.resolve())
    ghosts = {run.info.run_id for run in running if run.data.tags.get(FOLDER) == place}
    nested = {run.info.run_id for run in running if run.data.tags.get(_PARENT) in ghosts}
    for ghost in sorted(nested) + sorted(ghosts):
        client.set_terminated(ghost, "KILLED")
