"""The worked example of docs/classification.md, done as the page says in an empty folder."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from fewshot_metalstm.cli.main import PROGRAM, main
from tests.cli.builders import settings
from tests.docs.pages import ROOT, SHELL, logical_lines, read, statements
from tests.kinds.classification.builders import QUICK


def test_the_worked_example(made: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch,
                            capsys: pytest.CaptureFixture[str]) -> None:  # fmt: skip
    monkeypatch.chdir(tmp_path)
    shutil.copytree(made / "checkpoint", tmp_path / "runs" / "tiny" / "checkpoint")
    blocks = read(ROOT / "docs" / "classification.md").blocks
    for block in blocks:
        if block.title is not None:
            Path(block.title).write_text(block.text, encoding="utf-8")
    example = next(block for block in blocks if block.language == SHELL)
    ran = []
    for line in logical_lines(example.text):
        (words,) = statements(line)
        assert words[0] == PROGRAM
        quick = ["--no-tracking", "--workers", "1", *settings(QUICK)] if words[1] == "adapt" else []
        assert main([*words[1:], *quick]) == 0, line
        ran.append(words[1])
    assert ran == ["adapt", "predict", "suggest", "view", "evaluate"]
    out = capsys.readouterr().out
    assert "new.txt\t1\t" in out
    assert "percent of the labels are right" in Path("shops.html").read_text("utf-8")


def test_a_checkpoint_is_packed_with_its_card(
    made: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    output = tmp_path / "small"
    assert main(["pack", str(made), "--output", str(output)]) == 0
    card = (output / "MODEL_CARD.md").read_text("utf-8")
    assert "pipeline_tag: text-classification" in card
    assert "reviews-apparel" in card
    before = (made / "checkpoint" / "model.safetensors").stat().st_size
    assert (output / "model.safetensors").stat().st_size < before
    assert main(["pack", str(made), "--output", str(tmp_path / "x"), "--limit", "0.001"]) == 2
    assert "packed, over 0.001" in capsys.readouterr().err
