"""The figures of a sitting."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from fewshot_metalstm.kinds.tagging.annotate.sitting import figures, track
from fewshot_metalstm.tracking.tracker import open_tracker
from tests.kinds.tagging.annotate.builders import annotate, mark, project


def test_figures_are_those_of_this_sitting(tmp_path: Path) -> None:
    with project(tmp_path / "p") as found:
        annotate(found, 3)
        before = len(found.journal.entries)
        found.act(mark(5, ("Time", 0, 5), how="accept"))
        found.act(mark(6, rejected=[["Time", [[0, 5]]]], how="reject"))
        found.act({"do": "undo"})
        entries = found.journal.entries
        for entry, at in zip(entries[before:], (100.0, 110.0, 9000.0), strict=True):
            entry["at"] = at
        made = figures(found, before)
    assert made == {
        "actions": 3, "seconds": 10.0, "annotated_sentences": 3, "annotated_mentions": 2,
        "actions_accept": 1, "actions_reject": 1, "actions_undo": 1, "accepted_share": 0.5,
    }  # fmt: skip


@pytest.mark.slow
def test_they_are_tracked(tmp_path: Path) -> None:
    from mlflow.tracking import MlflowClient

    points: list[dict[str, Any]] = [
        {"sentences": 5, "f1": 40.0, "half": None},
        {"sentences": 10, "f1": 60.0, "half": 5},
    ]
    tracker = open_tracker(str(tmp_path / "store"), "mine")
    with project(tmp_path / "p") as found:
        annotate(found, 2)
        track(tracker, found, 0, points)
    client = MlflowClient(tracker.uri)
    experiment = client.get_experiment_by_name("mine")
    assert experiment is not None
    (run,) = client.search_runs([experiment.experiment_id])
    assert run.data.tags["kind"] == "annotate"
    assert run.data.metrics["folds_f1"] == 60.0
    assert run.data.metrics["annotated_sentences"] == 2
    assert run.data.params["types"] == "Strain,Time"
