"""The further meta-learners as a user runs them."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml

from tests.cli.builders import adapt, meta_train, refused, run_json


@pytest.mark.parametrize(
    ("algorithm", "tuned", "rate"),
    [("anil", "all", 0.1), ("reptile", "all", 1e-3), ("meta-sgd", "basic", 0.1)],
)
def test_adapt_tunes_all_unless_rates_were_learned(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], algorithm: str, tuned: str, rate: float
) -> None:
    run = tmp_path / "run"
    run_json(meta_train(run, "--algorithm", algorithm), capsys)
    config = yaml.safe_load((run / "config.yaml").read_text())
    assert config["inner"]["lr"] == rate
    assert config["joint"]["steps"] == 3, "the presets of the suite stay"
    command = [*adapt(tmp_path / "out", "--checkpoint", str(run)), "--draws", "1"]
    result = run_json(command, capsys)
    assert (result["method"], result["tune"]) == (algorithm, tuned)
    if algorithm == "anil":
        command = [*adapt(tmp_path / "head", "--checkpoint", str(run)), "--draws", "1"]
        assert run_json([*command, "--tune", "head"], capsys)["tune"] == "head"


def test_a_rate_that_is_given_goes_before_the_algorithms_own(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    command = meta_train(tmp_path / "run", "--algorithm", "reptile", "--inner-lr", "0.02")
    run_json([*command, "--set", "outer.optimiser=sgd"], capsys)
    config = yaml.safe_load((tmp_path / "run" / "config.yaml").read_text())
    assert config["inner"]["lr"] == 0.02
    assert config["outer"]["optimiser"] == "sgd"


def test_what_cannot_be_is_one_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    def error(*more: str) -> str:
        return refused(meta_train(tmp_path / "run", *more), capsys)

    assert "no second order" in error("--algorithm", "reptile", "--order", "2")
    assert "leave out --engine" in error("--algorithm", "maml++", "--engine", "func")
    assert "stages.anneal is 7" in error("--algorithm", "maml++", "--set", "stages.anneal=7")
    assert not (tmp_path / "run").exists(), "a mistake must leave nothing behind"
