"""Tracking off: nothing is imported, nothing is written, the same calls are taken."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from fewshot_metalstm.tracked_run import NullTracker
from fewshot_metalstm.tracking.tracker import open_tracker


def test_off_takes_every_call_and_writes_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    tracker = open_tracker(None, "x", enabled=False)
    assert isinstance(tracker, NullTracker)
    assert tracker.uri is None
    with tracker.run("r", params={"a": 1}, resume_id="abc") as run:
        assert run.id is None
        assert not run.resumed
        run.log(0, {"loss": 1.0})
        run.metrics({"f1": 1.0})
        run.artifact("absent")
        run.text("x", "x.txt")
        run.json({}, "x.json")
        run.flush()
        run.interrupted()
        with (
            run.child("c", params={"draw": 0}) as child,
            pytest.raises(ValueError, match="nested"),
            child.child("d"),
        ):
            pass
    assert list(tmp_path.iterdir()) == []


def test_off_imports_neither_mlflow_nor_matplotlib() -> None:
    code = (
        "import sys\n"
        "import fewshot_metalstm.tracking.pictures, fewshot_metalstm.tracking.server\n"
        "from fewshot_metalstm.tracking.store import tracking_uri\n"
        "from fewshot_metalstm.tracking.tracker import open_tracker\n"
        "tracking_uri(None, create=False)\n"
        "with open_tracker(None, 'x', enabled=False).run('r') as run:\n"
        "    run.log(0, {'x': 1.0})\n"
        "bad = {'mlflow', 'matplotlib', 'sqlalchemy', 'torch', 'numpy'} & set(sys.modules)\n"
        "sys.exit(', '.join(sorted(bad)) or None)\n"
    )
    result = subprocess.run(
        [sys.executable, "-c", code],
        capture_output=True,
        text=True,
        timeout=60,
        env=os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)},
    )
    assert (result.returncode, result.stderr) == (0, "")
