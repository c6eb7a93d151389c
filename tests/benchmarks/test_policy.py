"""The fit of a policy, and the rules of the silver corpus."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from benchmarks import far_types, policy
from fewshot_metalstm.adapt.policy import load_policy

CELLS = (  # signals, F1 of the usual recipe, of the other
    ({"recurring": 1.0, "own": 0.1, "known": 0.5, "shots": 10.0}, 60.0, 70.0),
    ({"recurring": 0.5, "own": 0.4, "known": 0.0, "shots": 20.0}, 20.0, 30.0),
    ({"recurring": 0.2, "own": -0.2, "known": 0.1, "shots": 50.0}, 50.0, 58.0),
    ({"recurring": 0.2, "own": -0.2, "known": 0.1, "shots": 34.0}, 50.0, 40.0),
    ({"recurring": 1.0, "own": 0.9, "known": 0.0, "shots": 200.0}, 70.0, 60.0),
    ({"recurring": 1.0, "own": 0.1, "known": 0.6, "shots": 50.0}, 50.0, 48.0),
)  # fmt: skip


def write(path: Path) -> Path:
    lines = [
        {"checkpoint": "c", "task": "a", "shots": 10, "draw": number, "recipe": recipe,
         "signals": signals, "f1": f1}
        for number, (signals, usual, anew) in enumerate(CELLS)
        for recipe, f1 in ((policy.USUAL, usual), (policy.ANEW, anew), ("scratch", 1.0))
    ]  # fmt: skip
    path.write_text("".join(json.dumps(line) + "\n" for line in lines))
    return path


def test_what_the_rules_bring(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    cells = write(tmp_path / "cells.jsonl")
    assert policy.main(["write", str(cells), "--output", str(tmp_path / "policy.json")]) == 0
    made = load_policy(tmp_path / "policy.json")
    chosen = [made.choose(signals).recipe for signals, _, _ in CELLS]
    assert chosen == [policy.ANEW] * 3 + [policy.USUAL] * 3
    assert made.learned["chosen"] == made.learned["better_of_both"] == 54.67
    told = capsys.readouterr().out
    assert "mean F1 of gentle 50.0, of anew 51.0, of the better for each cell 54.7" in told
    assert "by 1 of the 3 rules: 51.7" in told


def test_rules_of_the_silver_corpus() -> None:
    tokens = [
        "the",
        "V600E",
        "and",
        "Val66Met",
        "gave",
        "2",
        ".",
        "5",
        "mg",
        "or",
        "30",
        "days",
        "in",
        "7",
        "D2R",
        "mice",
    ]
    found = far_types.by_rule(tokens)
    mentions = [t for t, tag in zip(found.tokens, found.tags, strict=True) if tag == "S-Mutation"]
    assert mentions == ["V600E", "Val66Met"]
    quantities = [tag[0] for tag in found.tags if tag.endswith("Quantity")]
    assert quantities == ["B", "I", "I", "E", "B", "E"]
