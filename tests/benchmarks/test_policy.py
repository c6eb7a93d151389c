"""The fit of a policy, and the rules of the silver corpus."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from benchmarks import far_types, policy
from fewshot_metalstm.adapt.policy import load_policy
from fewshot_metalstm.kinds.tagging.episodes.load import load_target
from fewshot_metalstm.kinds.tagging.episodes.task import Task
from tests.kinds.tagging.tagger.builders import TARGET

CELLS = (  # signals; F1 by recipe, of those that were measured
    ({"recurring": 1.0, "known": 0.5, "shots": 10.0}, {"gentle": 60, "anew": 70, "three": 72}),
    ({"recurring": 0.5, "known": 0.0, "shots": 20.0}, {"gentle": 20, "anew": 25, "mixed": 30}),
    ({"recurring": 0.2, "known": 0.1, "shots": 50.0}, {"gentle": 50, "anew": 58, "three": 57}),
    ({"recurring": 0.2, "known": 0.2, "shots": 34.0}, {"gentle": 50, "anew": 40}),
    ({"recurring": 0.5, "known": 0.0, "shots": 7.0}, {"gentle": 50, "anew": 40}),
    ({"recurring": 1.0, "known": 0.0, "shots": 200.0}, {"gentle": 70, "anew": 60}),
    ({"recurring": 1.0, "known": 0.6, "shots": 50.0}, {"gentle": 50, "anew": 48, "mixed": 49}),
)


def write(path: Path) -> Path:
    lines = [
        {"checkpoint": "c", "task": "a", "shots": 10, "draw": number, "recipe": recipe,
         "signals": signals, "f1": f1}
        for number, (signals, figures) in enumerate(CELLS)
        for recipe, f1 in {**figures, "scratch": 1.0}.items()
    ]  # fmt: skip
    path.write_text("".join(json.dumps(line) + "\n" for line in lines))
    return path


def test_what_the_rules_bring(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    cells = write(tmp_path / "cells.jsonl")
    assert policy.main(["write", str(cells), "--output", str(tmp_path / "policy.json")]) == 0
    made = load_policy(tmp_path / "policy.json")
    chosen = [made.choose(signals).recipe for signals, _ in CELLS]
    assert chosen == [
        policy.THREE, policy.MIXED, policy.THREE, *[policy.USUAL] * 3, policy.MIXED,
    ]  # fmt: skip
    assert made.learned["chosen"] == 54.0
    assert made.learned["better_of_both"] == 53.29, "of the two that are averaged"
    told = capsys.readouterr().out
    assert "mean F1 of gentle 50.0, of anew 48.7, of the better for each cell 53.3" in told
    assert "by 1 of the 4 rules: 51.7" in told


def test_a_recipe_that_is_chosen_has_to_be_measured(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    cells = write(tmp_path / "cells.jsonl")
    lines = [line for line in cells.read_text().splitlines() if '"mixed"' not in line]
    cells.write_text("\n".join(lines))
    assert policy.main(["write", str(cells), "--output", str(tmp_path / "policy.json")]) == 2
    assert capsys.readouterr().err == "error: a: has no line of the recipe mixed; measure it\n"


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


def test_a_folder_of_a_task_for_a_sweep(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    drugs = Task("goal:Drug", TARGET.corpus, ("Drug",))
    monkeypatch.setattr(far_types, "load", lambda name, data: {"goal:Drug": drugs}[name])
    asked = ["--data-dir", str(tmp_path), "--output", str(tmp_path), "--test", "5"]
    far_types.main(["goal:Drug", *asked])
    written = load_target(str(tmp_path / "goal-Drug"))
    assert written.types == ("Drug",)
    assert written.split("train") == drugs.split("train")
    assert written.split("test") == tuple(map(drugs.view, far_types.some_of_test(drugs, 5)))


@pytest.mark.parametrize(
    ("option", "given", "told"),
    [
        ("--draws", "0", "--draws is 0; give how many, 1 or more"),
        ("--shots", "10,0", "--shots is 10,0; give numbers of 1 or more, commas between"),
        ("--shots", "10,-1", "--shots 10,-1: '-1' is no number; write for example 0-4,7"),
        ("--shots", "ten", "--shots ten: 'ten' is no number; write for example 0-4,7"),
    ],
)
def test_what_cannot_be_measured_is_refused(
    option: str, given: str, told: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    places = ["--data-dir", str(tmp_path), "--output", str(tmp_path / "cells.jsonl")]
    asked = ["--checkpoint", "bionlp", "--tasks", "linnaeus", option, given]
    assert policy.main(["measure", *asked, *places]) == 2
    assert capsys.readouterr().err == f"error: {told}\n"
