"""Runs as they come back from a real SQLite store."""

from __future__ import annotations

import json
import math
import os
import shutil
import socket
import sqlite3
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from fewshot_metalstm.errors import UserError
from fewshot_metalstm.tracked_run import DatasetInput, Tracker
from fewshot_metalstm.tracking.store import tracking_uri
from fewshot_metalstm.tracking.tracker import open_tracker

if TYPE_CHECKING:
    from mlflow.entities import Run
    from mlflow.tracking import MlflowClient

CORPUS = DatasetInput(
    "corpus", "0123456789abcdef" * 4, "https://example.org/corpus", "meta-train", {"sentences": 9}
)


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> str:
    return tracking_uri(str(tmp_path_factory.mktemp("store with a space")))


@pytest.fixture(autouse=True)
def no_project_run(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("MLFLOW_RUN_ID", "MLFLOW_EXPERIMENT_ID", "MLFLOW_TRACKING_URI"):
        monkeypatch.delenv(name, raising=False)


@pytest.fixture
def tracker(store: str) -> Tracker:
    return open_tracker(store, "test")


@pytest.fixture
def client(store: str, tracker: Tracker) -> MlflowClient:
    from mlflow.tracking import MlflowClient

    return MlflowClient(store)


def read(client: MlflowClient, run_id: str | None) -> Run:
    assert run_id is not None
    return client.get_run(run_id)


def steps(client: MlflowClient, run_id: str | None, key: str) -> list[tuple[int, float]]:
    assert run_id is not None
    return sorted((m.step, m.value) for m in client.get_metric_history(run_id, key))


def artifact(client: MlflowClient, run_id: str | None, name: str) -> str:
    from urllib.parse import unquote, urlsplit

    uri = read(client, run_id).info.artifact_uri
    assert uri is not None
    return (Path(unquote(urlsplit(uri).path)) / name).read_text()


def test_metrics_whose_names_differ_in_letters_that_are_replaced(
    tracker: Tracker, client: MlflowClient
) -> None:
    with tracker.run("train") as run:
        for step in range(2):
            run.log(step, {"devel_f1/β": 1.0 + step, "devel_f1/δ": 5.0 + step})
        run.flush()
        run.metrics({"devel_f1/δ": 7.0, "devel_f1/ε": 9.0})
    metrics = read(client, run.id).data.metrics
    assert sorted(metrics.values()) == [2.0, 6.0, 9.0]
    assert metrics["devel_f1/_"] == 2.0


def test_a_run_as_it_comes_back(tracker: Tracker, client: MlflowClient, tmp_path: Path) -> None:
    (tmp_path / "folder").mkdir()
    (tmp_path / "folder" / "inner.txt").write_text("inside")
    with tracker.run(
        "meta-train", params={"inner": {"lr": 0.1}}, tags={"kind": "test"}, datasets=[CORPUS]
    ) as run:
        for step in range(120):
            run.log(step, {"loss_before": 2.0 - step / 100, "β odd": 1.0})
        run.log(120, {"loss_before": math.inf})
        run.metrics({"best_validation_f1": 61.5})
        run.json({"ß": [1]}, "report.json")
        run.text("hello", "notes/hello.txt")
        run.artifact(tmp_path / "folder" / "inner.txt", "files")
        run.artifact(tmp_path / "folder", "folders")
    back = read(client, run.id)
    assert back.info.status == "FINISHED"
    assert back.info.run_name == "meta-train"
    assert back.data.params == {"inner.lr": "0.1"}
    assert back.data.tags["kind"] == "test"
    assert back.data.metrics["best_validation_f1"] == 61.5
    values = steps(client, run.id, "loss_before")
    assert values[:120] == [(step, 2.0 - step / 100) for step in range(120)]
    assert math.isnan(values[120][1])
    assert len(steps(client, run.id, "_ odd")) == 120
    assert json.loads(artifact(client, run.id, "report.json")) == {"ß": [1]}
    assert artifact(client, run.id, "notes/hello.txt") == "hello"
    assert artifact(client, run.id, "files/inner.txt") == "inside"
    assert artifact(client, run.id, "folders/inner.txt") == "inside"
    assert back.inputs is not None
    (given,) = back.inputs.dataset_inputs
    assert given.dataset.profile is not None
    assert (given.dataset.name, given.dataset.digest) == ("corpus", CORPUS.digest[:36])
    assert json.loads(given.dataset.source) == {"url": CORPUS.source, "sha256": CORPUS.digest}
    assert json.loads(given.dataset.profile) == {"sentences": 9}
    assert [(tag.key, tag.value) for tag in given.tags] == [("mlflow.data.context", "meta-train")]


def test_artifacts_lie_beside_the_database(tracker: Tracker, client: MlflowClient) -> None:
    with tracker.run("r") as run:
        run.text("x", "x.txt")
    assert tracker.uri is not None
    beside = Path(tracker.uri.removeprefix("sqlite:///")).parent / "artifacts"
    assert (beside / str(run.id) / "artifacts" / "x.txt").read_text() == "x"


def test_flush_writes_before_the_end(tracker: Tracker, client: MlflowClient) -> None:
    with tracker.run("r") as run:
        run.log(1, {"x": 5.0})
        run.flush()
        assert steps(client, run.id, "x") == [(1, 5.0)]
        assert read(client, run.id).info.status == "RUNNING"


def test_children_can_be_searched_by_shots_and_sorted_by_f1(
    tracker: Tracker, client: MlflowClient
) -> None:
    with tracker.run("adapt", params={"target": "t"}) as parent:
        for draw, f1 in enumerate([40.0, 42.0, 41.0]):
            params = {"target": "t", "shots": 77, "draw": draw, "method": "m"}
            with parent.child(f"draw {draw}", params=params) as child:
                child.metrics({"few_shot_f1": f1, "precision": f1 + 1, "recall": f1 - 1})
    with tracker.run("other", params={"shots": 5}) as other:
        other.metrics({"few_shot_f1": 99.0})
    experiment = client.get_experiment_by_name("test")
    assert experiment is not None
    found = client.search_runs(
        [experiment.experiment_id],
        "params.shots = '77' and params.target = 't'",
        order_by=["metrics.few_shot_f1 DESC"],
    )
    assert [run.data.params["draw"] for run in found] == ["1", "2", "0"]
    assert {run.data.tags["mlflow.parentRunId"] for run in found} == {parent.id}


def test_one_level_of_nesting(tracker: Tracker) -> None:
    with (
        tracker.run("a") as run,
        run.child("b") as child,
        pytest.raises(ValueError, match="nested"),
        child.child("c"),
    ):
        pass


@pytest.mark.parametrize(
    ("raised", "status"),
    [(RuntimeError, "FAILED"), (KeyboardInterrupt, "KILLED"), (SystemExit, "KILLED")],
)
def test_status_of_a_run_that_breaks_off(
    tracker: Tracker, client: MlflowClient, raised: type[BaseException], status: str
) -> None:
    with pytest.raises(raised), tracker.run("r") as run:  # noqa: PT012  (the block must end so)
        run.log(3, {"x": 1.0})
        with run.child("c") as child:
            raise raised
    assert read(client, run.id).info.status == status
    assert read(client, child.id).info.status == status
    assert steps(client, run.id, "x") == [(3, 1.0)]


def test_interrupted_without_an_exception(tracker: Tracker, client: MlflowClient) -> None:
    with tracker.run("r") as run:
        run.interrupted()
    assert read(client, run.id).info.status == "KILLED"


def test_resuming_goes_on_in_the_same_run_and_doubles_nothing(
    store: str, tracker: Tracker, client: MlflowClient
) -> None:
    with tracker.run("r", params={"outer_steps": 10, "seed": 1}, datasets=[CORPUS]) as first:
        for step in range(6):
            first.log(step, {"loss": float(step), "lr": 0.1})
        first.log(3, {"validation_f1": 30.0})
        first.interrupted()
    again = open_tracker(store, "test")
    params = {"outer_steps": 20, "seed": 1, "new": 2}
    with again.run("r", params=params, datasets=[CORPUS], resume_id=first.id) as second:
        assert second.resumed
        assert read(client, first.id).info.status == "RUNNING"
        for step in range(4, 9):  # from a checkpoint that is older than the last metrics
            second.log(step, {"loss": float(step), "lr": 0.1})
        second.log(7, {"validation_f1": 35.0})
    assert second.id == first.id
    back = read(client, first.id)
    assert back.info.status == "FINISHED"
    assert steps(client, first.id, "loss") == [(step, float(step)) for step in range(9)]
    assert steps(client, first.id, "validation_f1") == [(3, 30.0), (7, 35.0)]
    assert back.data.params == {"outer_steps": "10", "seed": "1", "new": "2"}
    assert back.data.tags["resumed.outer_steps"] == "20"
    assert back.inputs is not None
    assert len(back.inputs.dataset_inputs) == 1


def test_resuming_a_run_that_the_store_does_not_have(
    tracker: Tracker, client: MlflowClient
) -> None:
    missing = "0" * 32
    with tracker.run("r", resume_id=missing) as run:
        assert not run.resumed
    assert run.id != missing
    assert read(client, run.id).data.tags["resumed_from"] == missing


def test_long_parameters_are_kept_whole(tracker: Tracker, client: MlflowClient) -> None:
    long = "x" * 7000
    many = {f"p{index}": index for index in range(250)}
    with tracker.run("r", params={"words": long, **many}) as run:
        pass
    params = read(client, run.id).data.params
    assert params["words"] == "in artifact long_params.json"
    assert len(params) == 251
    assert json.loads(artifact(client, run.id, "long_params.json")) == {"words": long}


def test_more_metrics_than_one_batch_holds(tracker: Tracker, client: MlflowClient) -> None:
    with tracker.run("r") as run:
        for step in range(30):
            run.log(step, {f"m{key}": float(key) for key in range(40)})
        run.flush()
    assert len(steps(client, run.id, "m39")) == 30


def test_a_missing_artifact_is_a_fault_of_the_caller(tracker: Tracker, tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError), tracker.run("r") as run:
        run.artifact(tmp_path / "absent")


def test_a_store_that_fails_midway_warns_and_the_work_goes_on(
    store: str, tracker: Tracker, tmp_path: Path
) -> None:
    from fewshot_metalstm.tracking.mlflow_tracker import TrackingWarning

    path = tmp_path / "copy.db"
    shutil.copy(store.removeprefix("sqlite:///"), path)
    tracker = open_tracker(str(path), "test")

    def work() -> str:
        with tracker.run("r") as run:
            run.log(0, {"x": 1.0})
            connection = sqlite3.connect(path)
            connection.execute("alter table metrics rename to gone")
            connection.commit()
            connection.close()
        return "done"

    with pytest.warns(TrackingWarning, match="the metrics of 1 steps could not be written"):
        assert work() == "done"


def test_runs_of_mlflow_run_are_nested_in_the_project_run(
    store: str, client: MlflowClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    project = client.create_run(client.create_experiment("by mlflow run"))
    monkeypatch.setenv("MLFLOW_RUN_ID", project.info.run_id)
    monkeypatch.setenv("MLFLOW_EXPERIMENT_ID", project.info.experiment_id)
    with open_tracker(store, "test").run("meta-train") as run:
        pass
    back = read(client, run.id)
    assert back.info.experiment_id == project.info.experiment_id
    assert back.data.tags["mlflow.parentRunId"] == project.info.run_id
    assert client.get_run(project.info.run_id).info.status == "RUNNING"
    monkeypatch.setenv("MLFLOW_RUN_ID", "f" * 32)  # of another store
    with open_tracker(store, "test").run("meta-train") as run:
        pass
    assert "mlflow.parentRunId" not in read(client, run.id).data.tags


def test_a_deleted_experiment_is_restored(store: str, client: MlflowClient) -> None:
    client.delete_experiment(client.create_experiment("deleted"))
    with open_tracker(store, "deleted").run("r") as run:
        pass
    assert read(client, run.id).info.lifecycle_stage == "active"


def test_opening_is_quiet_and_leaves_only_the_database(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    open_tracker(None, "test")
    assert [str(p.relative_to(tmp_path)) for p in sorted(tmp_path.rglob("*"))] == [
        "runs",
        "runs/mlflow",
        "runs/mlflow/mlflow.db",
    ]
    assert capfd.readouterr() == ("", "")


@pytest.mark.slow
def test_processes_that_start_together_share_one_new_store(tmp_path: Path) -> None:
    code = (
        "import sys\n"
        "from fewshot_metalstm.tracking.tracker import open_tracker\n"
        "with open_tracker(sys.argv[1], 'test').run('r') as run:\n"
        "    print(run.id)\n"
    )
    processes = [
        subprocess.Popen(
            [sys.executable, "-c", code, str(tmp_path / "s")],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            env=os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)},
        )
        for _ in range(2)
    ]
    written = [process.communicate(timeout=120) for process in processes]
    assert [errors for _, errors in written] == ["", ""]
    from mlflow.tracking import MlflowClient

    client = MlflowClient(tracking_uri(str(tmp_path / "s")))
    first, second = (read(client, out.strip()) for out, _ in written)
    assert first.info.run_id != second.info.run_id
    assert first.info.experiment_id == second.info.experiment_id
    assert [path.name for path in (tmp_path / "s").iterdir()] == ["mlflow.db"]


def test_a_server_that_does_not_answer_is_one_line(tmp_path: Path) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    with pytest.raises(UserError, match="does not answer") as caught:
        open_tracker(f"http://127.0.0.1:{port}", "test")
    assert "\n" not in str(caught.value)


def test_runs_of_a_killed_process_are_ended_by_the_next_in_their_folder(
    tracker: Tracker, client: MlflowClient, tmp_path: Path
) -> None:
    folder, other = tmp_path / "it's a run", tmp_path / "other"
    code = (
        "import os, sys; from pathlib import Path; "
        "from fewshot_metalstm.tracking.tracker import open_tracker; "
        "held = open_tracker(sys.argv[1], 'test').run('r', folder=Path(sys.argv[2])); "
        "run = held.__enter__(); nested = run.child('c'); child = nested.__enter__(); "
        "print(run.id, child.id, flush=True); os._exit(9)"
    )
    ghosts = {
        place: subprocess.run(
            [sys.executable, "-c", code, str(tracker.uri), str(place)],
            stdout=subprocess.PIPE, text=True, check=False,
        ).stdout.split()
        for place in (folder, other)
    }  # fmt: skip
    assert [len(ids) for ids in ghosts.values()] == [2, 2]

    def statuses(place: Path) -> list[str]:
        return [read(client, each).info.status for each in ghosts[place]]

    assert statuses(folder) == ["RUNNING", "RUNNING"]
    with tracker.run("r", folder=folder) as run:
        assert statuses(folder) == ["KILLED", "KILLED"]
        assert statuses(other) == ["RUNNING", "RUNNING"]
        assert read(client, run.id).info.status == "RUNNING"
    assert read(client, run.id).info.status == "FINISHED"
