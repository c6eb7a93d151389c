"""A sweep in a real store: one run, one child a cell, whether or not it was interrupted."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from fewshot_metalstm.adapt.finetune import AdaptConfig
from fewshot_metalstm.errors import UserError
from fewshot_metalstm.jobs.pool import PoolRunner
from fewshot_metalstm.kinds.tagging.adapt.settings import SweepConfig
from fewshot_metalstm.kinds.tagging.tagger.model import save_model
from fewshot_metalstm.sweep.report import SweepReport
from fewshot_metalstm.sweep.run import plan_sweep
from fewshot_metalstm.sweep.store import SweepFolder
from fewshot_metalstm.tracking.meta_training import EXPERIMENT
from fewshot_metalstm.tracking.store import tracking_uri
from fewshot_metalstm.tracking.sweep import Logged, tracked_sweep
from tests.kinds.tagging.tagger.builders import TARGET, model

QUICK = AdaptConfig(epochs=1, min_steps=2)
CONFIG = SweepConfig(
    targets=("goal",), shots=(3,), methods=("meta",), draws=(0, 1), adapt=QUICK, scratch=QUICK
)


@pytest.fixture(autouse=True)
def no_project_run(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("MLFLOW_RUN_ID", "MLFLOW_EXPERIMENT_ID", "MLFLOW_TRACKING_URI"):
        monkeypatch.delenv(name, raising=False)


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> str:
    return tracking_uri(str(tmp_path_factory.mktemp("store")))


@pytest.fixture
def checkpoint(tmp_path: Path) -> Path:
    save_model(replace(model(), about={"algorithm": "maml"}), tmp_path / "checkpoint")
    return tmp_path / "checkpoint"


def sweep(
    checkpoint: Path, output: Path, uri: str, config: SweepConfig = CONFIG, *,
    enabled: bool = True, stop: bool = False,
) -> SweepReport:  # fmt: skip
    folder = SweepFolder(output)

    def on_cell(key: object, result: object) -> None:
        if stop:
            raise KeyboardInterrupt

    return tracked_sweep(
        plan_sweep(checkpoint, [TARGET], config, folder), config, folder, PoolRunner(1),
        retries=0, device="cpu", on_cell=on_cell, on_failure=lambda *_: None, uri=uri,
        enabled=enabled,
    )  # fmt: skip


def runs(uri: str, output: Path) -> tuple[Any, list[Any]]:
    """The parent run of a sweep, and its children."""
    from mlflow.tracking import MlflowClient

    client = MlflowClient(uri)
    experiment = client.get_experiment_by_name(EXPERIMENT)
    assert experiment is not None
    every = client.search_runs([experiment.experiment_id])
    (parent,) = [r for r in every if r.info.run_name == f"sweep {output.name}"]
    mine = [r for r in every if r.data.tags.get("mlflow.parentRunId") == parent.info.run_id]
    return parent, mine


def test_an_interrupted_sweep_goes_on_in_its_run(
    checkpoint: Path, tmp_path: Path, store: str
) -> None:
    output = tmp_path / "one"
    with pytest.raises(KeyboardInterrupt):
        sweep(checkpoint, output, store, stop=True)
    parent, children = runs(store, output)
    assert parent.info.status == "KILLED"
    assert len(children) == 1
    report = sweep(checkpoint, output, store)
    again, children = runs(store, output)
    assert again.info.run_id == parent.info.run_id
    assert again.info.status == "FINISHED"
    assert again.data.metrics == {"cells": 2, "failed_cells": 0}
    assert {child.data.params["draw"] for child in children} == {"0", "1"}
    assert len(children) == 2
    for child in children:
        result = report.rows[0].draws[int(child.data.params["draw"])]
        assert result.score is not None
        assert child.data.metrics["few_shot_f1"] == result.score.value
    assert (output / "report.md").is_file()


def test_what_was_done_without_tracking_is_logged_later_and_once(
    checkpoint: Path, tmp_path: Path, store: str
) -> None:
    output = tmp_path / "two"
    sweep(checkpoint, output, store, enabled=False)
    assert not (output / "tracking.json").exists()
    for _ in range(2):
        sweep(checkpoint, output, store)
        assert len(runs(store, output)[1]) == 2
    (output / "tracking.json").write_text("{")
    with pytest.raises(UserError, match="is damaged; remove it"):
        Logged.read(output / "tracking.json")
