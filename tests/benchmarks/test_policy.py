"""The fit of a policy, and the rules of the silver corpus."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from benchmarks import far_types, policy
from fewshot_metalstm.adapt.policy import load_policy

CELLS = (  # signals; F1 of the usual recipe, of the one that begins anew, of their mean
    ({"recurring": 1.0, "own": 0.1, "known": 0.5, "shots": 10.0}, 60.0, 70.0, 0.0),
    ({"recurring": 0.5, "own": 0.4, "known": 0.0, "shots": 20.0}, 20.0, 25.0, 30.0),
    ({"recurring": 0.2, "own": -0.2, "known": 0.1, "shots": 50.0}, 50.0, 58.0, 57.0),
    ({"recurring": 0.2, "own": -0.2, "known": 0.1, "shots": 34.0}, 50.0, 40.0, 0.0),
    ({"recurring": 0.5, "own": 0.4, "known": 0.0, "shots": 19.0}, 50.0, 40.0, 0.0),
    ({"recurring": 1.0, "own": 0.9, "known": 0.0, "shots": 200.0}, 70.0, 60.0, 0.0),
    ({"recurring": 1.0, "own": 0.1, "known": 0.6, "shots": 50.0}, 50.0, 48.0, 0.0),
)  # fmt: skip


def write(path: Path) -> Path:
    lines = [
        {"checkpoint": "c", "task": "a", "shots": 10, "draw": number, "recipe": recipe,
         "signals": signals, "f1": f1}
        for number, (signals, *figures) in enumerate(CELLS)
        for recipe, f1 in zip((*policy.RECIPES, "scratch"), (*figures, 1.0), strict=True)
        if f1
    ]  # fmt: skip
    path.write_text("".join(json.dumps(line) + "\n" for line in lines))
    return path


def test_what_the_rules_bring(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    cells = write(tmp_path / "cells.jsonl")
    assert policy.main(["write", str(cells), "--output", str(tmp_path / "policy.json")]) == 0
    made = load_policy(tmp_path / "policy.json")
    chosen = [made.choose(signals).recipe for signals, *_ in CELLS]
    assert chosen == [policy.ANEW, policy.BOTH, policy.BOTH, *[policy.USUAL] * 4]
    assert made.learned["chosen"] == 53.86
    assert made.learned["better_of_both"] == 53.29, "of the two that are averaged"
    told = capsys.readouterr().out
    assert "mean F1 of gentle 50.0, of anew 48.7, of the better for each cell 53.3" in told
    assert "by 1 of the 3 rules: 51.4" in told


def test_a_recipe_that_is_chosen_has_to_be_measured(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    cells = write(tmp_path / "cells.jsonl")
    lines = [line for line in cells.read_text().splitlines() if '"both"' not in line]
    cells.write_text("\n".join(lines))
    assert policy.main(["write", str(cells), "--output", str(tmp_path / "policy.json")]) == 2
    assert capsys.readouterr().err == "error: a: has no line of the recipe both; measure it\n"


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
