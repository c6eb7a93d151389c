"""The entry points of mlflow/MLproject, read by MLflow itself and run by `mlflow run`."""

from __future__ import annotations

import os
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

from fewshot_metalstm.cli.main import main
from fewshot_metalstm.tracking.store import tracking_uri

ROOT = Path(__file__).resolve().parents[2]
PROJECT = ROOT / "mlflow"

pytestmark = pytest.mark.skipif(
    not (PROJECT / "MLproject").is_file(), reason="mlflow/MLproject is in the source tree only"
)


def test_the_folder_does_not_shadow_mlflow() -> None:
    assert not (PROJECT / "__init__.py").exists()


@pytest.mark.parametrize("name", ["demo", "meta-train", "adapt"])
def test_entry_points_use_options_that_the_commands_have(
    name: str, capsys: pytest.CaptureFixture[str]
) -> None:
    import yaml

    project = yaml.safe_load((PROJECT / "MLproject").read_text())
    entry = project["entry_points"][name]
    filled = entry["command"]
    for parameter in entry["parameters"]:
        assert f"{{{parameter}}}" in filled, f"{parameter} is not used"
        filled = filled.replace(f"{{{parameter}}}", "1")
    words = shlex.split(filled.replace("$(", " ").replace(")", " "))
    assert words[3:5] == ["fewshot-metalstm", name]
    assert main([name, "--help"]) == 0
    helped = capsys.readouterr().out.replace(",", " ").split()
    options = [word for word in words if word.startswith("--")]
    assert options
    assert [option for option in options if option not in helped] == []


@pytest.mark.slow
def test_mlflow_run_adapts_a_tagger(tmp_path: Path) -> None:
    """`adapt` by `mlflow run`: its runs are nested in the project run of the same store."""
    uri = tracking_uri(str(tmp_path / "store"))
    binaries = str(Path(sys.executable).parent)
    result = subprocess.run(
        [
            *(sys.executable, "-m", "mlflow", "run", str(PROJECT), "-e", "adapt"),
            *("--env-manager", "local", "-P", f"output={tmp_path / 'out put'}"),
            *("-P", "target=demo-species", "-P", "checkpoint=bionlp"),
            *("-P", "shots=5", "-P", "draws=1"),
        ],
        capture_output=True,
        text=True,
        timeout=600,
        cwd=tmp_path,
        env=os.environ
        | {
            "MLFLOW_TRACKING_URI": uri,
            "MLFLOW_DISABLE_TELEMETRY": "true",
            "OMP_NUM_THREADS": "1",
            "PATH": os.pathsep.join([binaries, os.environ.get("PATH", "")]),
        },
    )
    assert result.returncode == 0, result.stdout + result.stderr
    assert any((tmp_path / "out put").iterdir())
    from mlflow.tracking import MlflowClient

    client = MlflowClient(uri)
    runs = client.search_runs(
        [experiment.experiment_id for experiment in client.search_experiments()]
    )
    (project,) = (run for run in runs if "mlflow.project.entryPoint" in run.data.tags)
    assert project.info.status == "FINISHED"
    nested = [run for run in runs if run.data.tags.get("mlflow.parentRunId") == project.info.run_id]
    assert nested
    assert {run.info.status for run in nested} == {"FINISHED"}
    assert any("few_shot_f1" in run.data.metrics for run in runs)
