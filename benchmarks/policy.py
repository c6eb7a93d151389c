"""An adaptation policy, learned: ``python -m benchmarks.policy measure`` and ``... write``.

``measure`` adapts a checkpoint to supports of some tasks (:mod:`benchmarks.far_types`) by each of
:data:`RECIPES`, and from scratch, and writes a line a cell: the F1 on some test sentences, and the
signals of the support. A recipe that is the mean of others gives their lines as well. What is there
already is left as it is. ``signals`` does so without
adapting.

``write`` writes the policy, whose rules (:data:`RULES`) were chosen by hand on such lines, and says
what they bring on the lines that it is given: the mean F1 over cells, every cell counting alike.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import torch

from benchmarks import far_types
from fewshot_metalstm import runs
from fewshot_metalstm.adapt.cell import SCRATCH
from fewshot_metalstm.adapt.finetune import AdaptConfig, Adapted
from fewshot_metalstm.adapt.plan import algorithm_of
from fewshot_metalstm.adapt.policy import Condition, Policy, Recipe, Rule
from fewshot_metalstm.errors import UserError, at
from fewshot_metalstm.kinds.tagging.adapt.cell import TaggingCell, TaggingWork
from fewshot_metalstm.kinds.tagging.adapt.policy import GROUPS, HEAD, signals_of
from fewshot_metalstm.kinds.tagging.adapt.settings import AdaptRunConfig
from fewshot_metalstm.kinds.tagging.episodes.draws import load_draw
from fewshot_metalstm.kinds.tagging.episodes.task import Task
from fewshot_metalstm.kinds.tagging.tagger.decode import tag
from fewshot_metalstm.kinds.tagging.tagger.learner import Tagger
from fewshot_metalstm.kinds.tagging.tagger.model import (
    CHECKPOINT,
    TaggerModel,
    load_model,
)
from fewshot_metalstm.kinds.tagging.tagger.scoring import strict_scores
from fewshot_metalstm.machine import keep_freed_memory
from fewshot_metalstm.sweep.grid import numbers

USUAL, ANEW, FRESH, MIXED, THREE = "gentle", "anew", "fresh", "mixed", "three"
BOLD = {"optimiser": "adam", "lr": 0.005}
RECIPES = {
    USUAL: Recipe(),
    ANEW: Recipe(BOLD, {"basic": 1.0}),
    FRESH: Recipe(BOLD, dict.fromkeys((*GROUPS, HEAD), 1.0)),  # nothing of what sources taught
    MIXED: Recipe({"mentions": 0.5}, mean=(USUAL, ANEW), weights=(3.0, 1.0)),
    THREE: Recipe({"mentions": 1.25}, mean=(USUAL, ANEW, FRESH)),
}
MOST = 200  # shots; larger supports were not looked at
RULES = (
    # One shape or a few words are nearly all of the type.
    Rule(THREE, (
        Condition("recurring", least=0.9), Condition("known", below=0.6),
        Condition("shots", below=MOST),
    )),
    # No source knows the type: the more there is to learn it from, the less the sources count.
    Rule(THREE, (Condition("known", below=0.15), Condition("shots", least=35, below=MOST))),
    Rule(MIXED, (Condition("known", below=0.15), Condition("shots", least=8, below=MOST))),
    # What a source knows is best adapted gently, and a little better beside another.
    Rule(MIXED, (Condition("shots", least=35, below=MOST),)),
)  # fmt: skip
Line = dict[str, Any]


@dataclass(frozen=True)
class Pair:
    """A support's task and signals, and the F1 by recipe."""

    task: str
    signals: dict[str, float]
    f1: dict[str, float]


def main(arguments: Sequence[str]) -> int:
    """Read the options and do it; the exit code."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    commands = parser.add_subparsers(dest="command", required=True)
    for name in ("measure", "signals"):
        one = commands.add_parser(name)
        one.add_argument("--checkpoint", type=Path, required=True)
        one.add_argument("--tasks", required=True, help="names with commas between")
        one.add_argument("--shots", default="10,20,50")
        one.add_argument("--draws", type=int, default=1)
        one.add_argument("--recipes", default=f"{MIXED},{THREE}")
        one.add_argument("--test", type=int, default=600, help="test sentences")
        one.add_argument("--data-dir", type=Path, required=True)
        one.add_argument("--output", type=Path, required=True, help="a file of JSON lines")
    one = commands.add_parser("write")
    one.add_argument("cells", type=Path, nargs="+")
    one.add_argument("--output", type=Path, required=True, help="policy.json")
    given = parser.parse_args(arguments)
    try:
        if given.command == "write":
            write(given)
        else:
            measure(given)
    except UserError as problem:
        print(f"error: {problem}", file=sys.stderr)
        return 2
    return 0


def measure(given: argparse.Namespace) -> None:
    """Do the cells that are not in the file yet."""
    torch.set_num_threads(1)
    keep_freed_memory()
    folder = runs.model_folder(given.checkpoint, "checkpoint")
    model = load_model(folder, CHECKPOINT)
    known = {place_of(line) for line in read([given.output])} if given.output.exists() else set()
    recipes = given.recipes.split(",") if given.command == "measure" else [""]
    unknown = set(recipes) - {*RECIPES, SCRATCH, ""}
    if unknown:
        raise UserError(
            f"--recipes: {min(unknown)} is unknown; use {', '.join(RECIPES)}, {SCRATCH}"
        )
    shots_asked = numbers(given.shots, "--shots")
    if min(shots_asked) < 1:
        raise UserError(f"--shots is {given.shots}; give numbers of 1 or more, commas between")
    if given.draws < 1:
        raise UserError(f"--draws is {given.draws}; give how many, 1 or more")
    table = model.table()
    name = folder.name if folder.name != "checkpoint" else folder.parent.name
    for task_name in given.tasks.split(","):
        task = far_types.load(task_name, given.data_dir)
        for shots in shots_asked:
            for draw in range(given.draws):
                line: Line = {
                    "checkpoint": name, "task": task_name, "shots": shots, "draw": draw,
                }  # fmt: skip
                wanted = [r for r in recipes if place_of({**line, "recipe": r}) not in known]
                if not wanted:
                    continue
                signals = signals_at(model, task, shots, draw, table)
                line["signals"] = {k: round(v, 4) for k, v in signals.items()}
                if wanted == [""]:
                    found = [("", Line())]
                else:
                    found = scored(model, task, shots, draw, wanted, table, given.test)
                with given.output.open("a", encoding="utf-8") as stream:
                    for recipe, figures in found:
                        whole = {**line, "recipe": recipe, **figures}
                        if place_of(whole) not in known:
                            stream.write(json.dumps(whole) + "\n")


def place_of(line: Line) -> tuple[Any, ...]:
    """Which cell a line is of."""
    return tuple(line[k] for k in ("checkpoint", "task", "shots", "draw", "recipe"))


def work_of(
    model: TaggerModel, task: Task, shots: int, draw: int, recipe: str, table: Any
) -> TaggingWork:
    """The cell of a recipe, or of fresh weights, on a draw."""
    support = load_draw(task, shots, draw)
    config = AdaptRunConfig()
    if recipe == SCRATCH:
        cell = TaggingCell(SCRATCH, draw, 0, support.indices, "all", config.scratch)
    else:
        model = replace(model, policy=Policy(RECIPES, USUAL))
        cell = TaggingCell(
            algorithm_of(model), draw, 0, support.indices, "all", AdaptConfig(),
            recipe=recipe or USUAL,
        )  # fmt: skip
    return TaggingWork(cell, model, task, table)


def signals_at(
    model: TaggerModel, task: Task, shots: int, draw: int, table: Any
) -> dict[str, float]:
    """The signals of a draw under the usual start."""
    work = work_of(model, task, shots, draw, USUAL, table)
    return signals_of(work.start().learner, table, work.support, task.types)


def scored(
    model: TaggerModel,
    task: Task,
    shots: int,
    draw: int,
    recipes: Sequence[str],
    table: Any,
    most: int,
) -> list[tuple[str, Line]]:
    """F1 on some test sentences, and the seconds of the adaptation, of recipes and their parts.

    What is a part of several recipes is adapted once, and counts in the seconds of each.
    """
    test = far_types.some_of_test(task, most)
    tokens = [s.tokens for s in test]
    of = {name: RECIPES[name].mean or (name,) if name in RECIPES else (name,) for name in recipes}
    made: dict[str, tuple[Tagger, Adapted, float]] = {}
    for part in dict.fromkeys(part for parts in of.values() for part in parts):
        began = time.perf_counter()
        work = work_of(model, task, shots, draw, part, table)
        start = work.start()
        config = start.config or work.cell.adaptation
        adapted = work.tuned(start, work.batches(start.learner), config)
        made[part] = start.learner, adapted, time.perf_counter() - began
    for name, parts in of.items():
        if len(parts) > 1:
            work = work_of(model, task, shots, draw, name, table)
            start = work.start()
            _, each, seconds = zip(*(made[part] for part in parts), strict=True)
            whole = work.favouring(start, work.joined(start, each))
            made[name] = start.learner, whole, sum(seconds)
    found = []
    for name, (learner, adapted, took) in made.items():
        tags = tag(learner, adapted.params, table, tokens, task.types, work.lexicon)
        score = strict_scores([s.tags for s in test], tags)
        found.append((name, {
            "f1": round(score.f1, 2), "precision": round(score.precision, 2),
            "recall": round(score.recall, 2), "steps": adapted.steps,
            "seconds": round(took, 1),
        }))  # fmt: skip
    return found


def read(paths: Sequence[Path]) -> Iterator[Line]:
    """The lines of some files."""
    for path in paths:
        try:
            lines = path.read_text(encoding="utf-8").splitlines()
            yield from map(json.loads, lines)
        except (OSError, ValueError):
            raise at(path, None, "is no file of cells", "give what measure wrote") from None


def pairs(lines: Sequence[Line]) -> list[Pair]:
    """Every cell that was adapted by the usual recipe and by the one that begins anew."""
    found: dict[tuple[Any, ...], dict[str, Line]] = {}
    for line in lines:
        found.setdefault(place_of(line)[:-1], {})[line["recipe"]] = line
    return [
        Pair(
            place[1], each[USUAL]["signals"],
            {name: each[name]["f1"] for name in RECIPES if name in each},
        )
        for place, each in found.items() if {USUAL, ANEW} <= set(each)
    ]  # fmt: skip


def mean_of(cells: Sequence[Pair], policy: Policy) -> float:
    """Mean F1 by what the policy chooses for each cell; UserError if that was not measured."""
    total = 0.0
    for cell in cells:
        name = policy.choose(cell.signals).recipe
        if name not in cell.f1:
            raise UserError(f"{cell.task}: has no line of the recipe {name}; measure it")
        total += cell.f1[name]
    return total / len(cells)


def write(given: argparse.Namespace) -> None:
    """Say what the policy brings on some cells, rule by rule, and write it."""
    cells = pairs(list(read(given.cells)))
    n = len(cells)
    usual, anew = (sum(cell.f1[name] for cell in cells) / n for name in (USUAL, ANEW))
    best = sum(max(cell.f1[USUAL], cell.f1[ANEW]) for cell in cells) / n
    print(f"{n} cells of {len({cell.task for cell in cells})} tasks; mean F1 of {USUAL} "
          f"{usual:.1f}, of {ANEW} {anew:.1f}, of the better for each cell {best:.1f}")  # fmt: skip
    for number in range(1, len(RULES) + 1):
        by = mean_of(cells, Policy(RECIPES, USUAL, RULES[:number]))
        print(f"by {number} of the {len(RULES)} rules: {by:.1f}")
    chosen = mean_of(cells, Policy(RECIPES, USUAL, RULES))
    learned = {
        "cells": n, "tasks": sorted({cell.task for cell in cells}), "usual": round(usual, 2),
        "chosen": round(chosen, 2), "better_of_both": round(best, 2),
    }  # fmt: skip
    text = json.dumps(Policy(RECIPES, USUAL, RULES, learned).as_dict(), indent=1)
    given.output.write_text(text + "\n", encoding="utf-8")


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
