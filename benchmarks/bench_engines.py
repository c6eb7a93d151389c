"""A meta-step of eight tasks by each engine, second and first order, with peak memory.

A tagger of default size on 5-shot episodes of the synthetic suite (16 query sentences), five inner
steps, clipping and noise as by default. Before any timing all engines must give the same outer
gradient in float64. The loops for first order are written with higher and learn2learn as their
users would: the inner graph is dropped at every step. Memory is the peak resident size of a
process of its own, less what it had before the meta-step.
Run: python -m benchmarks.bench_engines [--rounds N] [--tasks N] [--threads N]
"""

from __future__ import annotations

import argparse
import json
import string
import subprocess
import sys
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from benchmarks import timing
from fewshot_metalstm.compat import learn2learn
from fewshot_metalstm.kinds.tagging.episodes.distribution import TaskDistribution
from fewshot_metalstm.kinds.tagging.episodes.load import load_suite_tasks
from fewshot_metalstm.kinds.tagging.tagger.encoding import Batch, WordTable
from fewshot_metalstm.kinds.tagging.tagger.learner import Tagger
from fewshot_metalstm.kinds.tagging.tagger.model import new_tagger
from fewshot_metalstm.kinds.tagging.tagger.network import TaggerConfig
from fewshot_metalstm.kinds.tagging.training.episodes import encode
from fewshot_metalstm.meta.algorithm import Algorithm, InnerConfig, clipper
from fewshot_metalstm.meta.fomaml import FirstOrderMAML
from fewshot_metalstm.meta.func import FuncMAML
from fewshot_metalstm.meta.l2l import Learn2LearnMAML
from fewshot_metalstm.meta.learner import Episode, Learner
from fewshot_metalstm.meta.maml import MAML
from fewshot_metalstm.meta.unrolled import Adapted
from fewshot_metalstm.nn.vectors import WordVectors

TASKS = 8
VECTOR = 100
INNER = InnerConfig()
SECOND, FIRST = 2.5, 1.5  # goals
MetaStep = Callable[[Learner, Sequence[Episode]], list[Tensor]]


def prepare() -> tuple[Tagger, list[Episode]]:
    """A tagger with fresh weights and random word vectors, and the episodes of one meta-step."""
    suite = load_suite_tasks("demo")
    distribution = TaskDistribution(
        suite.train, shots=5, query=16, single_type_from_multi=0.5, max_types=2
    )
    words = sorted(
        {w for task in suite.train for s in task.corpus.splits["train"] for w in s.tokens}
    )
    matrix = np.random.default_rng(0).normal(size=(len(words), VECTOR)).astype(np.float16)
    vectors = WordVectors(tuple(words), matrix, None, source="random")
    alphabet = tuple(string.ascii_letters + string.digits)
    table = WordTable(vectors, alphabet)
    episodes = [encode(distribution.episode(0, i), table) for i in range(TASKS)]
    return new_tagger(TaggerConfig(), vectors, alphabet, 0), episodes


def noise(number: int) -> list[torch.Generator]:
    """A generator for each episode."""
    return [torch.Generator().manual_seed(i) for i in range(number)]


def by(algorithm: Algorithm) -> MetaStep:
    """The outer gradients of all episodes, as many at once as the algorithm likes."""

    def step(learner: Learner, episodes: Sequence[Episode]) -> list[Tensor]:
        gradients = []
        generators = noise(len(episodes))
        for start in range(0, len(episodes), algorithm.tasks):
            part = slice(start, start + algorithm.tasks)
            for outcome in algorithm.outcomes(learner, episodes[part], generators[part]):
                gradients.append(torch.cat([g.flatten() for g in outcome.gradient]))
        return gradients

    return step


def loop(adapt: Callable[[Adapted, Episode, torch.Generator], list[Tensor]]) -> MetaStep:
    """A loop over tasks whose ``adapt`` gives the adapted parameters."""

    def step(learner: Learner, episodes: Sequence[Episode]) -> list[Tensor]:
        gradients = []
        for episode, generator in zip(episodes, noise(len(episodes)), strict=True):
            start = learner.initial(episode.support)
            with torch.no_grad():
                learner.loss(start, episode.query)  # the engines tell this loss too
            leaves = {n: v.detach().requires_grad_() for n, v in start.items()}
            module = Adapted(learner, leaves, learner.adapted())
            end = module.params(adapt(module, episode, generator))
            query = learner.loss(end, episode.query)
            by_end = torch.autograd.grad(query, list(end.values()), materialize_grads=True)
            found = torch.autograd.grad(
                list(start.values()), list(learner.parameters()), by_end, materialize_grads=True
            )
            gradients.append(torch.cat([g.flatten() for g in found]))
        return gradients

    return step


def higher_first(module: Adapted, episode: Episode, generator: torch.Generator) -> list[Tensor]:
    """First order with higher: no graph through the updates."""
    import higher

    fast = higher.monkeypatch(module, copy_initial_weights=False, track_higher_grads=False)
    optimiser = higher.get_diff_optim(
        torch.optim.SGD(module.parameters(), lr=INNER.lr), module.parameters(), fmodel=fast,
        track_higher_grads=False,
    )  # fmt: skip
    clip = clipper(INNER.clip, [])
    for _ in range(INNER.steps):
        optimiser.step(fast(episode.support, generator), grad_callback=clip)
    return list(fast.parameters())


def learn2learn_first(
    module: Adapted, episode: Episode, generator: torch.Generator
) -> list[Tensor]:
    """First order with learn2learn's clone; clipping comes between the gradient and the update."""
    package = learn2learn.load()
    clone = package.algorithms.MAML(module, lr=INNER.lr, first_order=True).clone()
    clip = clipper(INNER.clip, [])
    for _ in range(INNER.steps):
        loss = clone(episode.support, generator)
        gradients = torch.autograd.grad(loss, list(clone.module.parameters()))
        clone.module = package.algorithms.maml.maml_update(clone.module, INNER.lr, clip(gradients))
    return list(clone.module.parameters())


def forms(tasks: int) -> dict[str, dict[str, MetaStep]]:
    """Every way to take a meta-step, by order."""
    return {
        "second": {
            "func": by(FuncMAML(INNER, tasks=tasks)),
            "higher": by(MAML(INNER)),
            "learn2learn": by(Learn2LearnMAML(INNER)),
        },
        "first": {
            "ours": by(FirstOrderMAML(INNER)),
            "higher": loop(higher_first),
            "learn2learn": loop(learn2learn_first),
        },
    }


def check(ways: dict[str, dict[str, MetaStep]], learner: Tagger, episodes: list[Episode]) -> float:
    """Stop unless all ways give one gradient in float64; returns the largest relative distance."""

    def double(batch: Batch) -> Batch:
        return replace(batch, vectors=batch.vectors.double(), case=batch.case.double())

    given = [replace(e, support=double(e.support), query=double(e.query)) for e in episodes]
    learner.double()
    farthest = 0.0
    for order, named in ways.items():
        results = {name: step(learner, given) for name, step in named.items()}
        first = next(iter(results.values()))
        for name, other in results.items():
            for a, b in zip(first, other, strict=True):
                distance = float((a - b).norm() / b.norm())
                farthest = max(farthest, distance)
                if not distance < 1e-9:
                    raise SystemExit(f"{order} order, {name}: gradients differ by {distance:.1e}")
    learner.float()
    return farthest


def resident(field: str) -> float:
    """MiB of resident memory: ``VmRSS`` now, ``VmHWM`` at most. NaN where Linux does not tell."""
    try:
        for line in Path("/proc/self/status").read_text().splitlines():
            if line.startswith(field):
                return int(line.split()[1]) / 1024
    except OSError:
        pass
    return float("nan")


def peak(order: str, name: str, tasks: int) -> float:
    """MiB that a meta-step adds at most to a process of its own."""
    command = [sys.executable, "-m", "benchmarks.bench_engines", "--tasks", str(tasks)]
    made = subprocess.run(
        [*command, "--memory", order, name], capture_output=True, text=True, check=True
    )
    return float(made.stdout.split()[-1])


def memory_of(step: MetaStep) -> None:
    """Print what a meta-step adds to the resident memory of this process."""
    torch.set_num_threads(1)
    learner, episodes = prepare()
    by(FirstOrderMAML(replace(INNER, steps=1)))(learner, episodes[:1])  # compiles what is compiled
    before = resident("VmRSS")
    step(learner, episodes)
    print(resident("VmHWM") - before)


def main() -> None:
    """Check, measure, print a table, write the JSON."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=10)
    parser.add_argument("--tasks", type=int, default=2, help="tasks that func takes at once")
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--memory", nargs=2, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    ways = forms(arguments.tasks)
    if arguments.memory:
        order, name = arguments.memory
        memory_of(ways[order][name])
        return
    torch.set_num_threads(arguments.threads)
    learner, episodes = prepare()
    result: dict[str, Any] = {
        "machine": timing.machine("torch", "higher", "learn2learn", "numba"),
        "threads": arguments.threads,
        "rounds": arguments.rounds,
        "tasks": TASKS,
        "tasks_at_once": arguments.tasks,
        "inner_steps": INNER.steps,
        "largest_relative_distance_float64": check(ways, learner, episodes),
    }
    for order, goal in (("second", SECOND), ("first", FIRST)):
        named = ways[order]
        ready = {n: (lambda step=step: step(learner, episodes)) for n, step in named.items()}
        times = timing.interleaved(ready, arguments.rounds, warmup=1)
        ours, *others = named
        rows, result[order] = [], {}
        for name in named:
            cell: dict[str, Any] = timing.spread(times[name])
            cell["peak_mib"] = peak(order, name, arguments.tasks)
            told = ""
            if name in others:
                cell["over_ours"] = timing.ratio(times, name, ours)
                told = timing.verdict(cell["over_ours"], goal)
            result[order][name] = cell
            quartiles = "-".join(f"{q:.0f}" for q in cell["quartiles_ms"])
            rows.append(
                [name, f"{cell['median_ms']:.0f} ({quartiles})", f"{cell['peak_mib']:.0f}", told]
            )
        timing.show(
            f"meta-step of {TASKS} tasks, {order} order, {arguments.threads} thread(s)",
            ["engine", "ms", "peak MiB", f"over {ours}"],
            rows,
        )
    print(f"\nwritten to {timing.save('engines', result)}")
    print(json.dumps(result["machine"]))


if __name__ == "__main__":
    main()
