"""Prototypes and nearest neighbours as a user runs them."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from fewshot_metalstm.cli.main import main
from tests.cli.builders import QUICK, adapt, meta_train, refused, run_json, settings


@pytest.mark.parametrize(
    ("algorithm", "tuned"),
    [("protonet", "prototypes"), ("structshot", "structshot")],
)
def test_from_meta_training_to_prediction(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], algorithm: str, tuned: str
) -> None:
    run = tmp_path / "run"
    run_json(meta_train(run, "--algorithm", algorithm), capsys)
    command = [*adapt(tmp_path / "out", "--checkpoint", str(run)), "--draws", "2"]
    result = run_json(command, capsys)
    assert (result["method"], result["tune"]) == (algorithm, tuned)
    tagger = tmp_path / "out" / "tagger"
    assert (tagger / "neighbours.safetensors").is_file() == (algorithm != "protonet")
    capsys.readouterr()
    assert main(["evaluate", str(tagger), "--target", "demo-species", "--json"]) == 0
    assert json.loads(capsys.readouterr().out)["f1"] == result["draws"][0]["f1"]
    text = tmp_path / "notes.txt"
    text.write_text("Mice were infected with E. coli.\n", encoding="utf-8")
    assert main(["predict", str(tagger), str(text)]) == 0
    assert "Mice" in capsys.readouterr().out
    if algorithm == "protonet":
        command = adapt(tmp_path / "tuned", "--checkpoint", str(run), "--draws", "1")
        then = settings(["prototypes.tune=head", "prototypes.epochs=1", "prototypes.min_steps=4"])
        assert run_json([*command, *then], capsys)["tune"] == "head"


def test_one_joint_checkpoint_serves_all_rows_of_a_sweep(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    run = tmp_path / "joint"
    run_json(meta_train(run, "--algorithm", "joint"), capsys)
    ways = ("prototypes", "nnshot", "structshot")
    methods = ",".join(["joint=" + str(run), *(f"{way}={run}:tune={way}" for way in ways)])
    command = [
        "sweep", "--targets", "demo-species", "--shots", "5", "--draws", "0", "--methods", methods,
        "--output", str(tmp_path / "sweep"), "--no-tracking", "--workers", "1",
        "--runner", "pool", *settings(QUICK),
    ]  # fmt: skip
    swept = run_json(command, capsys)
    found = {row["method"]: row["f1"]["mean"] for row in swept["rows"]}
    assert set(found) == {"joint", *ways}
    for way in ways:
        out = adapt(tmp_path / way, "--checkpoint", str(run), "--draws", "1", "--tune", way)
        result = run_json(out, capsys)
        assert (result["method"], result["tune"]) == ("joint", way)
        assert result["mean_f1"] == found[way]


def test_what_cannot_be_is_one_line(
    tmp_path: Path, meta_trained: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    error = refused(meta_train(tmp_path / "run", "--algorithm", "protonet", "--order", "2"), capsys)
    assert "protonet has no inner loop" in error
    command = adapt(tmp_path / "out", "--checkpoint", str(meta_trained), "--draws", "1")
    assert "use nnshot" in refused([*command, "--tune", "structshot"], capsys)
