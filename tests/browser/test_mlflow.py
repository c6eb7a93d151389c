"""MLflow's pages, as `ui` opens them: the comparison, with its columns chosen."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from fewshot_metalstm.tracking.shared_view import comparison_page
from fewshot_metalstm.tracking.store import EXPERIMENT, tracking_uri
from fewshot_metalstm.tracking.tracker import open_tracker
from tests.serving import free_port, wait_for


@pytest.mark.slow
def test_ui_opens_the_comparison(page: Any, tmp_path: Path) -> None:
    with open_tracker(str(tmp_path), EXPERIMENT).run("adapt goal 5", tags={"kind": "adapt"}) as run:
        for draw, f1 in ((0, 40.0), (1, 50.0)):
            params = {"target": "goal", "shots": 5, "method": "fomaml", "draw": draw}
            with run.child(f"goal {draw}", params=params, tags={"kind": "draw"}) as child:
                child.metrics({"few_shot_f1": f1, "precision": f1, "recall": f1})
    assert comparison_page(tracking_uri(str(tmp_path))) is not None
    port = free_port()
    server = subprocess.Popen(
        [sys.executable, "-m", "fewshot_metalstm", "ui", "--tracking-uri", str(tmp_path),
         "--port", str(port)],
        stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, start_new_session=True,
        env=os.environ | {"PYTHONPATH": os.pathsep.join(sys.path)},
    )  # fmt: skip
    try:
        assert server.stdout is not None
        output = [server.stdout.readline() for _ in range(2)]
        address = output[1].split()[-1]
        wait_for(f"http://127.0.0.1:{port}/health", server)
        page.set_viewport_size({"width": 2200, "height": 900})  # columns out of sight are not there
        page.goto(address)
        group = page.get_by_text("Group: target: goal, shots: 5, method: fomaml")
        group.first.wait_for(timeout=300_000)
        for name in ("few_shot_f1", "precision", "recall"):
            assert page.locator(".ag-header-cell", has_text=name).count() == 1, name
        assert page.get_by_text("45 (average)").first.is_visible()
        assert page.locator(".ag-header-cell", has_text="Source").count() == 0
    finally:
        os.killpg(server.pid, signal.SIGTERM)
        server.communicate(timeout=30)
