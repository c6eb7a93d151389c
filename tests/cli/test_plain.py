"""A tagger without Meta-LSTM as a user makes, adapts and sweeps it."""

from __future__ import annotations

from pathlib import Path

import pytest

from fewshot_metalstm.kinds.tagging.tagger.model import load_model
from tests.cli.builders import QUICK, adapt, meta_train, refused, run_json, settings

PLAIN = ("--set", "tagger.lstm.kind=plain")  # its older name
ONCE = ("--set", "adapt.averages=1")


def test_meta_train_adapt_and_sweep(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    run = tmp_path / "run"
    run_json(meta_train(run, *PLAIN), capsys)
    assert "kind: lstm" in (run / "config.yaml").read_text()
    names = {name for name, _ in load_model(run / "checkpoint").learner.named_parameters()}
    assert not {name for name in names if name.startswith("lstm.meta_")}
    command = adapt(tmp_path / "out", "--checkpoint", str(run), "--draws", "1", *ONCE)
    result = run_json(command, capsys)
    assert result["tune"] == "all"
    tagger = load_model(tmp_path / "out" / "tagger").learner
    assert tagger.config.lstm.kind == "lstm"
    methods = ",".join(f"{tune}={run}:tune={tune}" for tune in ("head", "all"))
    command = ["sweep", "--targets", "demo-species", "--shots", "5", "--draws", "0", "--methods",
               methods, "--output", str(tmp_path / "sweep"), "--runner", "pool", "--workers", "1",
               "--no-tracking", *settings(QUICK), *ONCE]  # fmt: skip
    result = run_json(command, capsys)
    assert [row["method"] for row in result["rows"]] == ["head", "all"]
    again = run_json(command, capsys)
    assert again["reused"] == 2
    other = [f"head={run}:tune=all" if part == methods else part for part in command]
    assert "comes from other settings (tune: " in refused(other, capsys)


def test_what_cannot_be_is_one_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    line = refused(meta_train(tmp_path / "run", "--set", "tagger.lstm.kind=gru"), capsys)
    assert "tagger.lstm.kind 'gru' is unknown; use meta-lstm, lstm, rnn, " in line
    assert not (tmp_path / "run").exists()
