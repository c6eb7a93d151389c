"""The worked example of docs/language-model.md, done as the page says in an empty folder."""

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
    ran = follow_example("language-model.md", trained, "runs/characters", settings(QUICK))
    assert ran == ["adapt", "predict", "predict"]
    size = len(Path("later.txt").read_text("utf-8"))
    _, found, written = capsys.readouterr().out.partition("later.txt\t")
    bits, _, rest = written.partition("\t")
    assert found
    assert 0 < float(bits) < 9
    assert rest.startswith(f"{size}\n")
    assert len(rest) >= len(f"{size}\n") + 80  # what was written behind the text
    given = ["--gold", "later.txt", "--split", "train", "--html", "r.html", "--json"]
    look = run_json(["report", "runs/notes", *given], capsys)["taggers"][0]
    assert look["bpc"] == pytest.approx(float(bits), abs=0.001)
    assert look["characters"] == size
    assert "What characters cost" in Path("r.html").read_text("utf-8")
