"""The worked example of docs/forecasting.md, done as the page says in an empty folder."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.cli.builders import QUICK, settings
from tests.docs.example import follow_example


def test_the_worked_example(
    trained: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:  # fmt: skip
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("fewshot_metalstm.pretrained.place", lambda: tmp_path / "none")
    ran = follow_example("forecasting.md", trained, "runs/tiny", settings(QUICK))
    assert ran == ["adapt", "predict", "view"]
    assert "of what the LSTM corrects" in capsys.readouterr().err
    lines = Path("tomorrow.csv").read_text("utf-8").splitlines()
    assert lines[0] == "unique_id,ds,q10,q50,q90"
    assert lines[1].startswith("shop,2026-03-23 00:00:00,")
    assert len(lines) == 25
    assert "shop" in Path("shop.html").read_text("utf-8")
