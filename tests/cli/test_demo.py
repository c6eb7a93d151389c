"""``fewshot-metalstm demo``: what it runs and shows. Meta-training has tests of its own."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from fewshot_metalstm import pretrained
from fewshot_metalstm.cli import adapt, meta_train
from fewshot_metalstm.cli.main import main
from fewshot_metalstm.kinds.tagging.tagger.scoring import FIGURE
from fewshot_metalstm.meta.outcome import MetaTrainResult
from tests.pretrained.builders import EVERY, checkpoint, ship

QUICK = ("adapt.epochs=1", "adapt.min_steps=2", "scratch.epochs=1", "scratch.min_steps=2",
         "adapt.averages=1")  # fmt: skip


@pytest.fixture
def quicker(meta_trained: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Meta-training is done already, and adaptation takes a few steps."""
    result = MetaTrainResult(meta_trained / "checkpoint", 3, 1.0, 1.0, 5.0, 0, FIGURE)
    monkeypatch.setattr(meta_train, "run", lambda **_: (None, result))
    run: Callable[..., Any] = adapt.run
    monkeypatch.setattr(adapt, "run", lambda **given: run(**{**given, "overrides": QUICK}))


def demo(output: Path, *more: str) -> list[str]:
    return ["demo", "--output", str(output), "--draws", "1", "--workers", "1", "--no-tracking",
            *more]  # fmt: skip


def test_its_table_tells_synthetic_from_invented_text(
    tmp_path: Path, quicker: None, monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:  # fmt: skip
    place = ship(tmp_path / "ship", mtl_bio=checkpoint(**EVERY))
    monkeypatch.setattr(pretrained, "place", lambda: place)
    assert main(demo(tmp_path / "out")) == 0
    printed = capsys.readouterr()
    assert "using the checkpoint mtl-bio that ships with the package" in printed.err
    rows = [[cell.strip() for cell in line.split("│")[1:-1]] for line in printed.out.splitlines()]
    rows = [row[:5] for row in rows if len(row) == 6]
    assert rows == [
        ["demo-species", "synthetic", "meta-trained here", "5 shots", "adapted"],
        ["demo-species", "synthetic", "none", "5 shots", "from scratch"],
        ["demo-species", "synthetic", "meta-trained here", "20 shots", "adapted"],
        ["demo-species", "synthetic", "none", "20 shots", "from scratch"],
        ["demo-methods", "invented", "mtl-bio, shipped", "50 sentences", "adapted"],
        ["demo-methods", "invented", "none", "50 sentences", "from scratch"],
    ]
    assert printed.out.startswith("1. Meta-trained a start on the synthetic tasks (1 s).\n")
    assert "3. Adapted mtl-bio, which ships" in printed.out
    assert len(printed.out.splitlines()) <= 36, "one screen"
    *_, last = printed.out.partition("What to conclude:")
    assert "How it reads demo-methods, sentences that it has not seen:" in last
    assert f"report {tmp_path / 'out'} -o demo.html" in last
    assert last.count("- 5 shots of demo-species (synthetic): ") == 1
    assert last.count("- all sentences of demo-methods (invented text): ") == 1
    assert (tmp_path / "out" / "shipped" / "tagger" / "config.json").is_file()


def test_without_a_shipped_checkpoint_that_part_is_left_out(
    tmp_path: Path, quicker: None, monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:  # fmt: skip
    monkeypatch.setattr(pretrained, "place", lambda: tmp_path)
    assert main(demo(tmp_path / "out", "--json")) == 0
    printed = capsys.readouterr()
    assert "no checkpoint ships with this installation" in printed.err
    report = json.loads(printed.out)
    assert report["shipped"] is None
    assert [(r["shots"], r["synthetic"], r["invented"]) for r in report["adapt"]] == [
        (5, True, False), (20, True, False)
    ]  # fmt: skip
