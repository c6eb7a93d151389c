"""The tracker that writes to MLflow. Imports MLflow: reach it through ``open_tracker`` only."""

from __future__ import annotations

import json as json_module
import os
import threading
import time
import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

from fewshot_metalstm.errors import UserError
from fewshot_metalstm.tracked_run import NO_PARAMS, NO_TAGS, DatasetInput, NullRun, Run
from fewshot_metalstm.tracking.buffer import MetricBuffer, Point
from fewshot_metalstm.tracking.database import connect, find_experiment, one_line, quieten
from fewshot_metalstm.tracking.entities import (
    MAX_PARAM,
    MetricKeys,
    dataset_inputs,
    flatten,
    metric_value,
)

quieten()

from mlflow.entities import Metric, Param, RunTag  # noqa: E402  (after quieten)
from mlflow.exceptions import MlflowException  # noqa: E402
from mlflow.tracking import MlflowClient  # noqa: E402

from fewshot_metalstm.tracking.ghosts import FOLDER, end_ghosts  # noqa: E402

_METRICS_A_BATCH = 1000  # MLflow's limits for one request
_PARAMS_A_BATCH = 100
_PARENT = "mlflow.parentRunId"


class TrackingWarning(UserWarning):
    """Something could not be written to the tracking store; the work itself goes on."""


class MlflowTracker:
    """Opens runs of one experiment in an MLflow store.

    See :class:`~fewshot_metalstm.tracked_run.Tracker`.

    When the process was started by ``mlflow run``, its runs go to that project run's experiment
    and are nested in it.
    """

    def __init__(self, client: MlflowClient, uri: str, experiment_id: str, parent: str | None):
        self._client = client
        self._uri = uri
        self._experiment_id = experiment_id
        self._parent = parent
        # Every write goes through this lock: SQLite has one writer.
        self._lock = threading.Lock()

    @classmethod
    def open(cls, uri: str, experiment: str) -> MlflowTracker:
        """Open the store at ``uri`` and find or make the experiment.

        Raises:
            UserError: the store cannot be opened or written.
        """
        client = connect(uri)
        parent = os.environ.get("MLFLOW_RUN_ID")
        if parent:
            # Set by `mlflow run`. A store chosen by --tracking-uri does not know that run.
            try:
                project_run = client.get_run(parent)
            except MlflowException:
                pass
            else:
                return cls(client, uri, project_run.info.experiment_id, parent)
        return cls(client, uri, find_experiment(client, uri, experiment), None)

    @property
    def uri(self) -> str:
        """The tracking URI."""
        return self._uri

    @contextmanager
    def run(
        self,
        name: str,
        *,
        params: Mapping[str, object] = NO_PARAMS,
        tags: Mapping[str, str] = NO_TAGS,
        datasets: Sequence[DatasetInput] = (),
        resume_id: str | None = None,
        folder: Path | None = None,
    ) -> Iterator[Run]:
        """A run of the experiment; see :class:`~fewshot_metalstm.tracked_run.Tracker`.

        Raises:
            UserError: the store does not take it.
        """
        labels = dict(tags)
        try:
            if folder is not None:
                labels[FOLDER] = str(folder.resolve())
                with self._lock:
                    end_ghosts(self._client, self._experiment_id, folder)
            run = self._resume(resume_id) if resume_id else None
            if run is None:
                labels |= {"resumed_from": resume_id} if resume_id else {}
                run = self._start(name, self._parent, nested=False)
        except MlflowException as problem:
            raise UserError(
                f"tracking store {self._uri}: cannot be written ({one_line(problem)}); mend that, "
                "choose another store with --tracking-uri, or pass --no-tracking"
            ) from problem
        run.describe(params, labels, datasets)
        with run.closing():
            yield run

    def _start(self, name: str, parent: str | None, *, nested: bool) -> MlflowRun:
        tags = {"mlflow.source.name": "fewshot-metalstm", "mlflow.source.type": "LOCAL"}
        if parent:
            tags[_PARENT] = parent
        with self._lock:
            info = self._client.create_run(self._experiment_id, tags=tags, run_name=name).info
        return MlflowRun(self, self._client, self._lock, info.run_id, nested=nested)

    def _resume(self, run_id: str) -> MlflowRun | None:
        try:
            old = self._client.get_run(run_id)
        except MlflowException:
            return None  # another store, or a run that was deleted for good
        if old.info.lifecycle_stage == "deleted":
            return None
        logged = {
            key: {metric.step for metric in self._client.get_metric_history(run_id, key)}
            for key in old.data.metrics
        }
        with self._lock:
            self._client.update_run(run_id, status="RUNNING")
        return MlflowRun(
            self, self._client, self._lock, run_id, logged=logged, params=dict(old.data.params)
        )


class MlflowRun:
    """One MLflow run, made by :class:`MlflowTracker` only.

    See :class:`~fewshot_metalstm.tracked_run.Run`.
    """

    def __init__(
        self,
        tracker: MlflowTracker,
        client: MlflowClient,
        lock: threading.Lock,
        run_id: str,
        *,
        nested: bool = False,
        logged: Mapping[str, set[int]] | None = None,
        params: Mapping[str, str] | None = None,
    ) -> None:
        self._tracker = tracker
        self._client = client
        self._lock = lock
        self._id = run_id
        self._nested = nested
        self._resumed = logged is not None
        self._logged = {} if logged is None else logged
        self._params: Mapping[str, str] = {} if params is None else params
        self._keys = MetricKeys()
        self._buffer = MetricBuffer(self._send)
        self._status = "FINISHED"

    @property
    def id(self) -> str:
        """The run's identifier in the store."""
        return self._id

    @property
    def resumed(self) -> bool:
        """Whether the run was in the store already."""
        return self._resumed

    def log(self, step: int, metrics: Mapping[str, float]) -> None:
        """Note metrics of one step; written by the buffer's thread."""
        self._buffer.add(step, metrics)

    def metrics(self, metrics: Mapping[str, float]) -> None:
        """Write final metrics at once."""
        now = int(time.time() * 1000)
        values = [Metric(self._keys[k], metric_value(v), now, 0) for k, v in metrics.items()]
        self._write("the final metrics", lambda: self._log_metrics(values))

    def artifact(self, path: Path | str, folder: str | None = None) -> None:
        """Copy a file or a folder's contents to the artifacts."""
        source = Path(path)
        if not source.exists():
            raise FileNotFoundError(f"{source}: no such file or folder to keep as an artifact")
        copy = self._client.log_artifacts if source.is_dir() else self._client.log_artifact
        self._write(f"artifact {source.name}", lambda: copy(self._id, str(source), folder))

    def text(self, text: str, name: str) -> None:
        """Write a text artifact."""
        self._write(f"artifact {name}", lambda: self._client.log_text(self._id, text, name))

    def json(self, value: object, name: str) -> None:
        """Write a JSON artifact."""
        self.text(json_module.dumps(value, indent=2, ensure_ascii=False, default=str) + "\n", name)

    @contextmanager
    def child(
        self,
        name: str,
        *,
        params: Mapping[str, object] = NO_PARAMS,
        tags: Mapping[str, str] = NO_TAGS,
    ) -> Iterator[Run]:
        """A run nested in this one; one that forgets everything if the store fails meanwhile."""
        if self._nested:
            raise ValueError(f"{name}: a nested run has no nested runs of its own")
        try:
            run = self._tracker._start(name, self._id, nested=True)
        except MlflowException as problem:
            self._warn(f"the run {name} within it", problem)
            yield NullRun(nested=True)
            return
        run.describe(params, tags, ())
        with run.closing():
            yield run

    def flush(self) -> None:
        """Write the noted metrics now."""
        self._buffer.flush()

    def interrupted(self) -> None:
        """Let the run end as KILLED."""
        self._status = "KILLED"

    def describe(
        self,
        params: Mapping[str, object],
        tags: Mapping[str, str],
        datasets: Sequence[DatasetInput],
    ) -> None:
        """Write parameters, tags and dataset inputs. Called once, by the tracker."""
        flat = flatten(params)
        whole = {key: value for key, value in flat.items() if len(value) > MAX_PARAM}
        if whole:  # too long for MLflow: kept whole as an artifact, which the parameter names
            self.json(whole, "long_params.json")
            flat |= dict.fromkeys(whole, "in artifact long_params.json")
        labels = dict(tags)
        for key, value in flat.items():
            if self._params.get(key, value) != value:
                labels[f"resumed.{key}"] = value
        new = [Param(key, value) for key, value in flat.items() if key not in self._params]
        marks = [RunTag(key, value) for key, value in labels.items()]

        def write() -> None:
            for start in range(0, max(len(new), len(marks)), _PARAMS_A_BATCH):
                part = slice(start, start + _PARAMS_A_BATCH)
                self._client.log_batch(
                    self._id, params=new[part], tags=marks[part], synchronous=True
                )
            if datasets:
                self._client.log_inputs(self._id, dataset_inputs(datasets))

        self._write("parameters and tags", write)

    @contextmanager
    def closing(self) -> Iterator[None]:
        """End the run with the status that fits how the block ends."""
        try:
            yield
        except (KeyboardInterrupt, SystemExit, GeneratorExit):
            self._close("KILLED")
            raise
        except BaseException:
            self._close("FAILED")
            raise
        else:
            self._close(self._status)

    def _close(self, status: str) -> None:
        unsent = self._buffer.close()
        if unsent and self._buffer.problem is not None:
            self._warn(f"the metrics of {unsent} steps", self._buffer.problem)
        self._write("the end of the run", lambda: self._client.set_terminated(self._id, status))

    def _send(self, points: list[Point]) -> None:
        metrics = []
        for timestamp, step, values in points:
            for name, value in values.items():
                key = self._keys[name]
                if step not in self._logged.get(key, ()):
                    metrics.append(Metric(key, metric_value(value), timestamp, step))
        with self._lock:
            self._log_metrics(metrics)

    def _log_metrics(self, metrics: list[Metric]) -> None:
        for start in range(0, len(metrics), _METRICS_A_BATCH):
            part = metrics[start : start + _METRICS_A_BATCH]
            self._client.log_batch(self._id, metrics=part, synchronous=True)

    def _write(self, what: str, write: Callable[[], object]) -> None:
        """Write under the lock; a store that fails costs a warning, not the work being tracked."""
        try:
            with self._lock:
                write()
        except (MlflowException, OSError) as problem:
            self._warn(what, problem)

    def _warn(self, what: str, problem: Exception) -> None:
        warnings.warn(
            f"run {self._id}: {what} could not be written to the tracking store "
            f"{self._tracker.uri} ({one_line(problem)})",
            TrackingWarning,
            stacklevel=4,
        )
