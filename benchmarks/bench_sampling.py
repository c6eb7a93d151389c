"""Sampling beside a meta-step, and loading a suite: ``python -m benchmarks.bench_sampling``.

A meta-step draws the episodes of its meta-batch, encodes them, and takes the first-order gradient
of each, at the usual sizes and on one core. (What else a step does, the update, is not counted, so
the share of sampling is an upper bound.) The suite is bionlp where it is at hand, or else the
synthetic one, which is small. Loading is measured in fresh processes, from the cache, without the
imports.
"""

from __future__ import annotations

import argparse
import subprocess
import sys
import time

import torch

from benchmarks import timing
from benchmarks.material import stand_in
from fewshot_metalstm.errors import UserError
from fewshot_metalstm.kinds.tagging.episodes.load import LoadedSuite, load_suite_tasks
from fewshot_metalstm.kinds.tagging.training.episodes import encode
from fewshot_metalstm.kinds.tagging.training.recipe import MetaTrainConfig, make_algorithm
from fewshot_metalstm.kinds.tagging.training.sources import training_episodes, word_table
from fewshot_metalstm.seeds import torch_generator

SHARE_GOAL, LOAD_GOAL = 0.02, 2.0
DRAW, ENCODE, GRADIENT, STEP = "draw", "encode", "gradients", "meta-step"


def main() -> None:
    """Measure, print and write ``results/sampling.json``."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--steps", type=int, default=30)
    parser.add_argument("--loads", type=int, default=5)
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    name = "bionlp"
    try:
        suite = load_suite_tasks(name)  # and with it the cache is filled
    except UserError as problem:
        print(f"{problem}; measuring on the synthetic suite")
        name = "demo"
        suite = load_suite_tasks(name)
    loads = [load(name) for _ in range(arguments.loads)]
    report(name, steps(suite, arguments.steps), loads)


def load(suite: str) -> float:
    """Milliseconds that a fresh process takes to load a suite."""
    code = (
        "import sys, time; "
        "from fewshot_metalstm.kinds.tagging.episodes.load import load_suite_tasks; "
        "start = time.perf_counter(); load_suite_tasks(sys.argv[1]); "
        "print(1000 * (time.perf_counter() - start))"
    )
    command = [sys.executable, "-c", code, suite]
    return float(subprocess.run(command, check=True, capture_output=True, text=True).stdout)


def steps(suite: LoadedSuite, number: int) -> dict[str, list[float]]:
    """Milliseconds of the parts of ``number`` meta-steps."""
    config = MetaTrainConfig()
    model = stand_in(suite.train[0])
    source = training_episodes(config, suite, word_table(model, suite), torch.device("cpu"))
    algorithm = make_algorithm(config)
    first, again = source.distribution.episode(0, 0), source.distribution.episode(0, 0)
    assert first.support_indices == again.support_indices, "an episode is a function of its place"
    warm(lambda: source.distribution.episode(10**6, 0))
    algorithm.outcome(model.learner, source.episode(0, 0), torch_generator(0))
    times: dict[str, list[float]] = {DRAW: [], ENCODE: [], GRADIENT: []}
    for step in range(number):
        spent = dict.fromkeys(times, 0.0)
        for index in range(config.outer.meta_batch):
            marks = [time.perf_counter()]
            drawn = source.distribution.episode(step, index)
            marks.append(time.perf_counter())
            encoded = encode(drawn, source.table)
            marks.append(time.perf_counter())
            algorithm.outcome(model.learner, encoded, torch_generator(step, index))
            marks.append(time.perf_counter())
            for part, start, end in zip(times, marks, marks[1:], strict=False):
                spent[part] += 1000 * (end - start)
        for part, value in spent.items():
            times[part].append(value)
    return {**times, STEP: [sum(parts) for parts in zip(*times.values(), strict=True)]}


def warm(work: timing.Form, times: int = 5) -> None:
    """Run something a few times, unmeasured."""
    for _ in range(times):
        work()


def report(name: str, times: dict[str, list[float]], loads: list[float]) -> None:
    """Print the tables and write the figures."""
    share = timing.ratio(times, DRAW, STEP)
    rows = []
    for part, values in times.items():
        spread = timing.spread(values)
        low, high = spread["quartiles_ms"]
        goal = ""
        if part == DRAW:
            met = "met" if share <= SHARE_GOAL else "missed"
            goal = f"{share:.2%} of a step (goal <= {SHARE_GOAL:.0%}: {met})"
        rows.append((part, f"{spread['median_ms']:.2f} ms", f"{low:.2f} - {high:.2f}", goal))
    batch = MetaTrainConfig().outer.meta_batch
    timing.show(
        f"a meta-step of {batch} episodes of {name}, first order, one core",
        ("part", "median", "quartiles", "goal"),
        rows,
    )
    seconds = timing.spread(loads)["median_ms"] / 1000
    met = "met" if seconds <= LOAD_GOAL else "missed"
    if name != "bionlp":
        met = "is for bionlp"
    goal = f"goal <= {LOAD_GOAL:g} s: {met}"
    timing.show(
        f"the suite {name} from the cache", ("median", "goal"), [(f"{seconds:.2f} s", goal)]
    )
    timing.save("sampling", {
        **timing.machine("torch", "numpy", "numba"), "suite": name, "meta_batch": batch,
        "steps": len(times[STEP]), "parts": {k: timing.spread(v) for k, v in times.items()},
        "share": share, "share_goal": SHARE_GOAL, "load": timing.spread(loads),
        "load_goal_seconds": LOAD_GOAL,
    })  # fmt: skip


if __name__ == "__main__":
    main()
