"""The worked example of docs/translation.md, done as the page says in an empty folder."""

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
    ran = follow_example("translation.md", trained, "runs/topics", settings(QUICK))
    assert ran == ["adapt", "predict", "evaluate"]
    assert len(Path("text.de").read_text("utf-8").split("\n")) == 3
    assert "chrF" in capsys.readouterr().out
    given = ["--gold", "pairs.tsv", "--split", "train", "--html", "r.html", "--json"]
    look = run_json(["report", "runs/beach", *given], capsys)["taggers"][0]
    assert look["pairs"] == 8
    assert len(look["worst"]) == 5
    page = Path("r.html").read_text("utf-8")
    assert "Worst and best translations" in page
    assert "Einige Leute schwimmen weit draußen." in page
