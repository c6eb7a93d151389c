"""``fewshot-metalstm pack`` as a user runs it."""

from __future__ import annotations

import shutil
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from fewshot_metalstm.cli.main import main
from fewshot_metalstm.kinds.tagging.tagger.model import CHECKPOINT, load_model, save_model
from tests.cli.builders import adapt, refused, run_json


def test_pack_then_adapt(
    tmp_path: Path, meta_trained: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["pack", str(meta_trained), "--output", str(tmp_path / "tiny")]) == 0
    printed = capsys.readouterr().out
    assert f"{tmp_path / 'tiny'}: 0." in printed
    assert "cosine distance" in printed
    page = (tmp_path / "tiny" / "MODEL_CARD.md").read_text()
    assert "# fewshot-metalstm: tiny" in page
    assert "fewshot-metalstm meta-train --tasks demo" in page
    assert "- training took" in page
    load_model(tmp_path / "tiny", CHECKPOINT)
    report = run_json(
        adapt(tmp_path / "out", "--checkpoint", str(tmp_path / "tiny"), "--draws", "1"), capsys
    )
    assert report["checkpoint"] == str(tmp_path / "tiny")


def test_figures_of_a_sweep_that_adapted_it(
    tmp_path: Path, meta_trained: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    pack = ["pack", str(meta_trained), "--output", str(tmp_path / "tiny")]
    assert main(pack) == 0
    sweep = ["sweep", "--targets", "demo-species", "--shots", "5", "--draws", "0", "--runner",
             "pool", "--workers", "1", "--no-tracking", "--set", "adapt.averages=1", "--set",
             "adapt.min_steps=2", "--set", "adapt.epochs=1"]  # fmt: skip
    for name, checkpoint in (("packed", tmp_path / "tiny"), ("before", meta_trained)):
        output = tmp_path / name
        run_json([*sweep, "--methods", f"mine={checkpoint},crf", "--output", str(output)], capsys)
        result = run_json([*pack, "--results", str(output)], capsys)
        assert set(result) >= {"folder", "bytes", "turned", "words_dropped"}
        assert "| demo-species | 5 | this checkpoint | " in (
            (tmp_path / "tiny" / "MODEL_CARD.md").read_text()
        )
    before = (tmp_path / "tiny" / "MODEL_CARD.md").read_bytes()
    line = refused([*pack, "--results", str(tmp_path)], capsys, quiet=False)
    assert "none of its figures is of this checkpoint" in line
    assert (tmp_path / "tiny" / "MODEL_CARD.md").read_bytes() == before
    line = refused([*pack, "--limit", "nan"], capsys, quiet=False)
    assert "'--limit': nan is not a finite number" in line
    line = refused([*pack, "--limit", "0.001"], capsys, quiet=False)
    assert "over 0.001 MB however it is packed" in line
    assert "holds no model" in refused(
        ["pack", str(tmp_path / "absent"), "--output", str(tmp_path / "x")], capsys, quiet=False
    )


def test_sentences_of_a_checkpoint_without_are_those_that_training_writes(
    tmp_path: Path, meta_trained: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    model = load_model(meta_trained / "checkpoint", CHECKPOINT)
    assert model.sentences

    def old(**about: Any) -> Path:
        """The run as of a version that kept no digests."""
        run = tmp_path / "old"
        shutil.rmtree(run, ignore_errors=True)
        run.mkdir()
        shutil.copy(meta_trained / "config.yaml", run)
        save_model(
            replace(model, sentences=b"", about={**model.about, **about}), run / "checkpoint"
        )
        return run

    packed = tmp_path / "tiny"
    assert main(["pack", str(old()), "--output", str(packed)]) == 0
    assert load_model(packed, CHECKPOINT).sentences == b""
    again = ["pack", str(packed), "--output", str(packed), "--sentences"]
    for _ in range(2):  # once more where they are
        assert main(again) == 0
        assert load_model(packed, CHECKPOINT).sentences == model.sentences
    wrong = dict(model.about["corpora"])
    wrong.pop(sorted(wrong)[0])
    line = refused([*again[:1], str(old(corpora=wrong)), *again[2:]], capsys, quiet=False)
    assert "learned from other sentences than suite demo has now (by 'corpora'" in line
    shutil.copytree(meta_trained / "checkpoint", tmp_path / "bare")
    line = refused([*again[:1], str(tmp_path / "bare"), *again[2:]], capsys, quiet=False)
    assert "does not say the settings of its training" in line
    assert load_model(packed, CHECKPOINT).sentences == model.sentences
