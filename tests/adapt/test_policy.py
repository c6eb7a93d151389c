"""Policies: which recipe is chosen, and how they are written and read."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest

from fewshot_metalstm.adapt.finetune import AdaptConfig
from fewshot_metalstm.adapt.policy import (
    Choice,
    Condition,
    Policy,
    Recipe,
    Rule,
    load_policy,
    read_policy,
)
from fewshot_metalstm.errors import UserError

POLICY = Policy(
    {
        "near": Recipe(),
        "far": Recipe({"optimiser": "adam", "lr": 0.005}, {"basic": 1.0}),
        "both": Recipe({"lr": 0.5}, mean=("near", "far"), weights=(3.0, 1.0)),
    },
    "near",
    (
        Rule("far", (Condition("own", least=0.3), Condition("shots", least=5, below=100))),
        Rule("near", (Condition("own", below=-1.0),)),
    ),
    {"cells": 12},
)


def recipes_with(**both: object) -> dict[str, object]:
    """The recipes of the policy with another mean."""
    recipes = POLICY.as_dict()["recipes"]
    return {"recipes": recipes | {"both": recipes["both"] | both}}


def test_the_first_rule_that_holds_chooses() -> None:
    found = POLICY.choose({"own": 0.3, "shots": 99.0})
    assert found.recipe == "far"
    assert found.why == "own 0.3 (at least 0.3), shots 99 (at least 5, below 100)"
    assert found.as_dict()["signals"] == {"own": 0.3, "shots": 99.0}
    for signals in ({"own": 0.29, "shots": 50.0}, {"own": 0.5, "shots": 100.0}, {"own": 0.5}):
        found = POLICY.choose(signals)
        assert found.recipe == "near"
        assert found.why.startswith("no other suits own ")
    assert POLICY.choose({"own": -2.0}).why == "own -2 (below -1)"


def test_a_recipe_changes_what_it_names_alone() -> None:
    made = POLICY.recipes["far"].applied(AdaptConfig(epochs=7))
    assert (made.optimiser, made.lr, made.epochs) == ("adam", 0.005, 7)
    assert POLICY.recipes["near"].applied(made) == made


def test_a_recipe_by_its_name() -> None:
    assert POLICY.named("far") == Choice("far", "as it was asked for")
    with pytest.raises(UserError, match="recipe 'bold' is unknown; use auto, none, near, far"):
        POLICY.named("bold")


def test_what_was_written_is_read_again(tmp_path: Path) -> None:
    path = tmp_path / "policy.json"
    path.write_text(json.dumps(POLICY.as_dict()))
    assert load_policy(path) == POLICY
    older = POLICY.as_dict() | {"format": "fewshot-metalstm policy 2"}
    path.write_text(json.dumps(older))
    assert load_policy(path) == POLICY
    older["format"] = "fewshot-metalstm policy 1"
    for recipe in older["recipes"].values():
        del recipe["mean"]
    older["recipes"].pop("both")
    path.write_text(json.dumps(older))
    assert set(load_policy(path).recipes) == {"near", "far"}


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"format": "other"}, "its format is not"),
        ({"usual": "bold"}, "there is no recipe 'bold'"),
        ({"rules": [{"recipe": "bold", "when": {}}]}, "there is no recipe 'bold'"),
        ({"rules": [{"recipe": "far", "when": {"own": {"most": 1}}}]}, "a condition on own"),
        ({"rules": [{"recipe": "far", "when": {"own": {}}}]}, "a condition on own"),
        (
            {"rules": [{"recipe": "far", "when": {"own": {"least": 2, "below": 1}}}]},
            "no own is at least 2 and below 1",
        ),
        ({"recipes": {"near": {"settings": {}, "anew": {"basic": 2}}}}, "a share of fresh weights"),
        ({"recipes": 3}, "is no policy"),
        (recipes_with(mean=["near", "far", "near"]), "'both' is not the mean of others"),
        (recipes_with(mean=["near"]), "'both' is not the mean of others"),
        (recipes_with(mean=["near", "both"]), "'both' is not the mean of others"),
        (recipes_with(anew={"basic": 1}), "'both' is not the mean of others"),
        (recipes_with(weights=[1]), "'both' has no weight above 0 for each of its mean"),
        (recipes_with(weights=[1, 0]), "'both' has no weight above 0 for each of its mean"),
        (recipes_with(weights=[1, float("nan")]), "'both' has no weight above 0 for each"),
        (recipes_with(weights=[1, float("inf")]), "'both' has no weight above 0 for each"),
        (recipes_with(settings={"mentions": "lots"}), "mentions"),
        (recipes_with(settings={"mentions": -1}), "recipe 'both': mentions is -1; use 0 to 1000"),
        (recipes_with(settings={"foo": 1}), "foo"),
        (
            {"recipes": {**POLICY.as_dict()["recipes"], "none": {"settings": {}, "anew": {}}}},
            "a recipe cannot be called none",
        ),
        ({"learned": "x"}, "what is learned is no mapping"),
    ],
)
def test_what_cannot_be_is_refused(change: dict[str, object], told: str) -> None:
    text = json.dumps(POLICY.as_dict() | change)
    with pytest.raises(UserError, match=r"^policy\.json: is no policy .*give one") as problem:
        read_policy(text, "policy.json")
    assert told in str(problem.value)
    assert "\n" not in str(problem.value)


def test_what_is_no_policy_at_all(tmp_path: Path) -> None:
    for text in ("", "[]", "{}", "[" * 100_000):
        with pytest.raises(UserError, match="is no policy"):
            read_policy(text, "there")
    with pytest.raises(UserError, match=r"gone\.json: cannot be read; give the file"):
        load_policy(tmp_path / "gone.json")


def test_recipes_of_other_starts_are_written_in_a_format_of_their_own() -> None:
    assert POLICY.starts == 1
    assert POLICY.as_dict()["format"] == "fewshot-metalstm policy 3"
    assert all("start" not in each for each in POLICY.as_dict()["recipes"].values())
    second = Policy({"first": Recipe(), "second": Recipe(start=1)}, "first")
    stored = second.as_dict()
    assert (second.starts, stored["format"]) == (2, "fewshot-metalstm policy 4")
    assert read_policy(json.dumps(stored), "p") == second
    for start in (-1, "x", 1.5, True):
        stored["recipes"]["second"]["start"] = start
        with pytest.raises(UserError, match="a start is no whole number from 0"):
            read_policy(json.dumps(stored), "p")
    stored["recipes"]["second"] |= {"start": 0}
    mean = {"settings": {}, "anew": {}, "mean": ["first", "second"], "start": 1}
    stored["recipes"]["mean"] = mean
    with pytest.raises(UserError, match="'mean' is not the mean of others"):
        read_policy(json.dumps(stored), "p")


def test_every_start_is_adapted_by_what_is_chosen() -> None:
    several = POLICY.for_starts(2)
    assert (several.usual, several.rules, several.starts) == (POLICY.usual, POLICY.rules, 2)
    assert several.recipes == {
        "near": Recipe(mean=("near-1", "near-2")),
        "far": Recipe(mean=("far-1", "far-2")),
        "both": Recipe(
            {"lr": 0.5}, mean=("near-1", "near-2", "far-1", "far-2"), weights=(3.0, 3.0, 1.0, 1.0)
        ),
        "near-1": Recipe(),
        "near-2": Recipe(start=1),
        "far-1": POLICY.recipes["far"],
        "far-2": replace(POLICY.recipes["far"], start=1),
    }
    assert read_policy(json.dumps(several.as_dict()), "p") == several
    assert POLICY.for_starts(1) is POLICY
    assert several.for_starts(3) is several
