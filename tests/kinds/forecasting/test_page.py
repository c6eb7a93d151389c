"""The worked example of docs/forecasting.md, done as the page says in an empty folder."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.cli.builders import QUICK, run_json, settings
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
    given = ["--gold", "shop.csv", "--split", "train", "--html", "r.html", "--json"]
    look = run_json(["report", "runs/shop", *given], capsys)["taggers"][0]
    assert len(look["mase_by_hour"]) == len(look["held_by_hour"]) == 24
    assert sum(look["mase_by_hour"]) / 24 == pytest.approx(look["mase"], abs=1e-3)
    page = Path("r.html").read_text("utf-8")
    assert "Hour by hour ahead" in page
    assert "How good the forecasts of shop are" in page
