"""The optional baselines from the command line: what is asked for, and what is missing."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from tests.cli.builders import adapt, refused, run_json, settings
from tests.kinds.tagging.adapt.needed import spacy_or_skip, tiny_bert, transformers_or_skip


def sweep(output: Path, method: str, *more: str) -> list[str]:
    """A sweep of one baseline alone, on the embedded target; no checkpoint is needed."""
    return ["sweep", "--targets", "demo-species", "--shots", "5", "--draws", "0", "--methods",
            method, "--output", str(output), "--runner", "pool", "--workers", "1",
            "--no-tracking", *more]  # fmt: skip


@pytest.mark.parametrize(("method", "package", "extra"), [
    ("crf", "pycrfsuite", "baselines"), ("spacy", "spacy", "spacy"),
    ("transformer", "transformers", "transformers"),
])  # fmt: skip
def test_an_absent_package_is_told_with_its_extra(
    method: str, package: str, extra: str, tmp_path: Path, meta_trained: Path,
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str],
) -> None:  # fmt: skip
    monkeypatch.setitem(sys.modules, package, None)
    cure = f"which is not installed; pip install 'fewshot-metalstm[{extra}]'"
    assert cure in refused(sweep(tmp_path / "sweep", method), capsys)
    arguments = adapt(
        tmp_path / "out", "--checkpoint", str(meta_trained), "--draws", "1", "--baseline", method
    )
    assert cure in refused(arguments, capsys)


def test_spacy_in_a_sweep(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    spacy_or_skip()
    quick = settings(["spacy.epochs=1", "spacy.min_steps=20"])
    told = run_json(sweep(tmp_path / "out", "spacy", *quick), capsys)
    (row,) = told["rows"]
    assert row["method"] == "spacy"
    assert row["f1"]["mean"] is not None
    assert (told["checkpoint"], told["checkpoints"]) == ("", {})
    assert [note for note in told["notes"] if note.startswith("spacy: spacy 3")]


def test_a_transformer_beside_a_checkpoint(
    tmp_path: Path, meta_trained: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    transformers_or_skip()
    model = tiny_bert(tmp_path / "models" / "tiny")
    quick = settings([f"transformer.model={model}", "transformer.epochs=1",
                      "transformer.min_steps=3"])  # fmt: skip
    arguments = adapt(tmp_path / "out", "--checkpoint", str(meta_trained), "--draws", "1",
                      "--baseline", "transformer", *quick)  # fmt: skip
    told = run_json(arguments, capsys)
    (draw,) = told["baselines"]["transformer"]["draws"]
    assert draw["f1"] is not None
    assert draw["about"]["model"] == "tiny"
    page = (tmp_path / "out" / "report.md").read_text()
    assert f"- transformer: model tiny, sha256 {draw['about']['sha256']}, parameters " in page


def test_a_transformer_needs_a_model(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    transformers_or_skip()
    line = refused(sweep(tmp_path / "out", "transformer"), capsys)
    assert "transformer.model names no model; --set transformer.model=FOLDER" in line
    absent = settings([f"transformer.model={tmp_path / 'none'}"])
    line = refused(sweep(tmp_path / "out", "transformer", *absent), capsys)
    assert "none: no such folder, and the local cache" in line
