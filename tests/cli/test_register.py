"""``adapt --register``; the command ``register`` is in ``tests/tracking/test_registry.py``."""

from __future__ import annotations

from pathlib import Path

import pytest

from fewshot_metalstm.tracking.store import tracking_uri
from tests.cli.builders import adapt, refused, run_json


def test_adapt_registers_what_it_adapted(
    meta_trained: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    from mlflow.tracking import MlflowClient

    import mlflow

    store = tmp_path / "store"
    arguments = adapt(tmp_path / "run", "--checkpoint", str(meta_trained), "--draws", "1",
                      "--no-score", "--set", "adapt.averages=1")  # fmt: skip
    line = refused([*arguments, "--register", "beasts"], capsys)
    assert "--no-tracking" in line
    arguments.remove("--no-tracking")
    report = run_json([*arguments, "--tracking-uri", str(store), "--register", "beasts"], capsys)
    uri = tracking_uri(str(store))
    client = MlflowClient(uri, registry_uri=uri)
    version = client.get_model_version("beasts", "1")
    assert version.run_id is not None
    assert client.get_run(version.run_id).data.tags["kind"] == "adapt"
    monkeypatch.setenv("MLFLOW_TRACKING_URI", uri)
    folder = Path(mlflow.artifacts.download_artifacts(str(version.source)))
    logged = folder / "artifacts" / "tagger" / "model.safetensors"
    assert logged.read_bytes() == (Path(report["tagger"]) / "model.safetensors").read_bytes()
