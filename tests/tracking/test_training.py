"""Supervised training in MLflow: settings, curves by epoch, the outcome; and what is drawn."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

import pytest
import torch

from fewshot_metalstm.meta.outcome import Interrupted
from fewshot_metalstm.tracking.training import epochs, tracked_training
from fewshot_metalstm.train.settings import SupervisedConfig
from tests.train.test_session import StopAt
from tests.train.toys import ERROR, ToySource, toy_task

CONFIG = SupervisedConfig(epochs=3, batch=6, lr=0.05)


class Toy:
    """What tracking asks of a kind."""

    name = "toy"
    items = "points"
    figure = ERROR


def tracked(output: Path, uri: str, progress: StopAt, *, resume: bool = False) -> Any:
    tasks = [toy_task("a"), toy_task("b")]
    return tracked_training(
        Toy(), ToySource(tasks, CONFIG), output, device=torch.device("cpu"),  # type: ignore[arg-type]
        resume=resume, progress=progress, uri=uri,
    )  # fmt: skip


def test_a_run_and_its_curves_also_after_a_break(tmp_path: Path) -> None:
    from mlflow import MlflowClient

    uri = f"sqlite:///{tmp_path / 'store.db'}"
    output = tmp_path / "out"
    with pytest.raises(Interrupted):
        tracked(output, uri, StopAt(13))
    result = tracked(output, uri, StopAt(-1), resume=True)
    client = MlflowClient(uri)
    (experiment,) = [e for e in client.search_experiments() if e.name != "Default"]
    (run,) = client.search_runs([experiment.experiment_id])
    assert run.info.status == "FINISHED"
    assert (run.data.tags["kind"], run.data.tags["task_kind"]) == ("train", "toy")
    assert run.data.params["train.epochs"] == "3"
    assert run.data.metrics["best_devel_error"] == pytest.approx(result.mean("devel"))
    assert run.data.metrics["epoch"] == result.epoch
    lines = [json.loads(line) for line in (output / "history.jsonl").read_text().splitlines()]
    for name in ("loss", "loss_train", "loss_devel", "loss_test", "train_error", "devel_error",
                 "test_error", "devel_error/a", "devel_error/b", "loss_test/b"):  # fmt: skip
        history = client.get_metric_history(run.info.run_id, name)
        assert [(m.step, m.value) for m in history] == [(e["epoch"], e[name]) for e in lines]
    files = {file.path for file in client.list_artifacts(run.info.run_id)}
    assert {"config.yaml", "report.json", "history.jsonl", "learning_curve.png"} <= files


def test_what_is_drawn(tmp_path: Path) -> None:
    entry: dict[str, Any] = {
        "epoch": 1, "lr": 0.1, "loss": 2.0, "loss_devel": None, "devel_error": 3.0,
        "devel_error/a": 3.0, "tasks": {},
    }  # fmt: skip
    (tmp_path / "history.jsonl").write_text(json.dumps(entry) + "\n")
    (row,) = epochs(tmp_path)
    assert math.isnan(row.pop("loss_devel"))
    assert row == {"step": 1.0, "loss": 2.0, "devel_error": 3.0}
