"""The fit of a policy, and the rules of the silver corpus."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from benchmarks import far_types, policy
from fewshot_metalstm.adapt.policy import load_policy

CELLS = (  # task, signal, F1 of the usual recipe, of the other
    ("a", -0.2, 60.0, 40.0), ("a", 0.1, 70.0, 69.0), ("b", 0.3, 50.0, 58.0), ("c", 0.7, 20.0, 35.0),
)  # fmt: skip


def write(path: Path) -> Path:
    lines = [
        {"checkpoint": "c", "task": task, "shots": 10, "draw": number, "recipe": recipe,
         "signals": {"own": value, "known": 0.5, "shots": 10.0}, "f1": f1}
        for number, (task, value, usual, anew) in enumerate(CELLS)
        for recipe, f1 in ((policy.USUAL, usual), (policy.ANEW, anew), ("scratch", 1.0))
    ]  # fmt: skip
    path.write_text("".join(json.dumps(line) + "\n" for line in lines))
    return path


def test_the_bound_with_the_highest_mean_is_taken(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    cells = write(tmp_path / "cells.jsonl")
    assert policy.main(["fit", str(cells), "--output", str(tmp_path / "policy.json")]) == 0
    made = load_policy(tmp_path / "policy.json")
    assert made.rules[0].when[0].least == 0.2
    assert made.choose({"own": 0.25, "known": 0.5}).recipe == policy.ANEW
    assert made.choose({"own": 0.15, "known": 0.5}).recipe == policy.USUAL
    assert made.choose({"own": 0.0, "known": 0.1, "shots": 50.0}).recipe == policy.ANEW
    assert made.choose({"own": 0.0, "known": 0.1, "shots": 49.0}).recipe == policy.USUAL
    assert made.learned["chosen"] == pytest.approx((60 + 70 + 58 + 35) / 4, abs=0.01)
    assert "by own >= 0.2 55.8" in capsys.readouterr().out


def test_where_the_other_recipe_is_never_better_it_is_never_taken() -> None:
    f1 = {policy.USUAL: 50.0, policy.ANEW: 40.0}
    cells = [policy.Pair("a", {"own": value, "known": 0.5}, f1) for value in (0.1, 0.9)]
    assert policy.bound_of(cells) > 0.9


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
