"""Seconds a meta-step against the number of ranks, what the ranks exchange, and the cost model.

Every round starts ``torchrun`` once for each number of ranks, on this host, with one thread and
one process a rank, and takes the same outer steps: the parameters after them must be equal to the
last bit, or nothing is reported. The exchange is timed by itself at several sizes. The model,

    seconds a step = episodes of a rank * seconds an episode * imbalance + rest
                     + latency + bytes of a rank / bandwidth,

takes the seconds an episode, the imbalance (how much longer the slowest rank has than the mean
one, from the seconds of the single episodes) and the rest (the update, the same on every rank)
from the runs on one rank, and latency and bandwidth from the exchange on two: the steps measured
on several ranks are not fitted, they are what the model is compared with. More ranks than cores
share them, which the model does not know.

Run: python -m benchmarks.bench_ranks [--ranks 1 2 4] [--suite demo] [--steps N] [--rounds N]
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from contextlib import suppress
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.timing import machine, save, show, spread

WARMUP = 2  # steps of each start that are not kept
REPEATS = 30  # of an exchange of one size
SHARES = (1 / 16, 1 / 4, 1.0, 4.0)  # of the learner's parameters, as sizes of an exchange


def measure(arguments: argparse.Namespace) -> None:
    """One rank: take the steps; rank 0 writes what they took."""
    import torch

    from fewshot_metalstm.kinds.tagging.episodes.load import load_suite_tasks
    from fewshot_metalstm.kinds.tagging.tagger.model import TaggerModel, new_tagger
    from fewshot_metalstm.kinds.tagging.training.recipe import MetaTrainConfig
    from fewshot_metalstm.kinds.tagging.training.source import TaggingSource
    from fewshot_metalstm.meta.follow import episode_pool
    from fewshot_metalstm.meta.join import joined
    from fewshot_metalstm.meta.outer import OuterLoop
    from fewshot_metalstm.meta.ranks import EndedElsewhere, Order, Ranks
    from fewshot_metalstm.nn.vectors import WordVectors

    def exchanges(ranks: Ranks, parameters: int, slots: int) -> list[dict[str, Any]]:
        found = []
        for share in SHARES:
            rows = torch.zeros(slots, int(share * parameters))
            times = []
            for turn in range(REPEATS + 3):
                ranks.share(lambda: None)  # so that none waits for another in what is timed
                start = time.perf_counter()
                ranks.mean(rows, range(arguments.meta_batch))
                if turn >= 3:
                    times.append(1000 * (time.perf_counter() - start))
            sent = bytes_of_rank(rows.shape[1], slots, ranks.size)
            found.append({"gradient_bytes": 4 * rows.shape[1], "bytes": sent, **spread(times)})
        return found

    def words(ranks: Ranks) -> dict[str, Any]:
        times = []
        for _ in range(REPEATS):
            start = time.perf_counter()
            if ranks.first:
                ranks.order(Order.STEP)
            else:
                ranks.hear()
            ranks.share(lambda: None)
            times.append(1000 * (time.perf_counter() - start))
        return spread(times)

    with joined() as ranks, suppress(EndedElsewhere):
        torch.set_num_threads(1)
        suite = load_suite_tasks(arguments.suite, data_dir=arguments.data_dir)
        config = MetaTrainConfig(tasks=arguments.suite)
        config = replace(config, outer=replace(config.outer, meta_batch=arguments.meta_batch))
        tokens = sorted(
            {w for t in suite.train for s in t.corpus.splits["train"] for w in s.tokens}
        )
        matrix = np.random.default_rng(0).normal(0, 0.1, (len(tokens), config.vectors.size))
        vectors = WordVectors(tuple(tokens), matrix.astype(np.float16), None, source="random")
        letters = tuple(sorted({letter for word in tokens for letter in word}))
        learner = new_tagger(config.tagger, vectors, letters, 0)
        source = TaggingSource(config, suite)
        source.use(TaggerModel(learner, vectors, letters), torch.device("cpu"))
        parameters = sum(p.numel() for p in learner.parameters())
        slots = -(-arguments.meta_batch // ranks.size)
        timed = exchanges(ranks, parameters, slots) if ranks.size > 1 else []
        said = words(ranks)
        with episode_pool(config, learner, source, torch.device("cpu"), 1, ranks) as pool:
            loop = OuterLoop(learner, config.outer)
            if not ranks.first:
                loop.follow(pool)
            steps, episodes = [], []
            run = pool.step

            def kept(step: int) -> Any:
                reports, rows = run(step)
                episodes.append([report.seconds for report in reports])
                return reports, rows

            pool.step = kept  # type: ignore[method-assign]
            for _ in range(WARMUP + arguments.steps):
                start = time.perf_counter()
                loop.step(pool)
                steps.append(time.perf_counter() - start)
        digest = hashlib.sha256()
        for parameter in learner.parameters():
            digest.update(parameter.detach().numpy().tobytes())
        result = {
            "parameters": parameters, "digest": digest.hexdigest(), "steps": steps[WARMUP:],
            "episodes": episodes[WARMUP:], "exchanges": timed, "words": said,
        }  # fmt: skip
        Path(arguments.measure).write_text(json.dumps(result), encoding="utf-8")


def bytes_of_rank(parameters: int, slots: int, ranks: int, item: int = 4) -> int:
    """Bytes that a rank sends (and receives) in an exchange of gradients."""
    part = -(-parameters // ranks)
    return item * part * (ranks - 1) * (slots + 1)


def start(arguments: argparse.Namespace, ranks: int) -> dict[str, Any]:
    """A run on ``ranks`` ranks under torchrun, in processes of its own."""
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "result.json"
        given = ["--measure", str(file), "--suite", arguments.suite, "--steps",
                 str(arguments.steps), "--meta-batch", str(arguments.meta_batch)]  # fmt: skip
        if arguments.data_dir is not None:
            given += ["--data-dir", str(arguments.data_dir)]
        subprocess.run(
            [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node",
             str(ranks), "-m", "benchmarks.bench_ranks", *given],
            check=True, env={**os.environ, "OMP_NUM_THREADS": "1"},
        )  # fmt: skip
        result: dict[str, Any] = json.loads(file.read_text(encoding="utf-8"))
        return result


def imbalance(episodes: list[list[float]], ranks: int) -> float:
    """How many times the mean rank's seconds the slowest rank has, on average over steps."""
    slowest = [max(sum(step[rank::ranks]) for rank in range(ranks)) for step in episodes]
    slots = -(-len(episodes[0]) // ranks)
    mean = statistics.mean(seconds for step in episodes for seconds in step)
    return statistics.mean(slowest) / (slots * mean)


def fit(exchanges: list[dict[str, Any]]) -> tuple[float, float]:
    """Latency in seconds and bandwidth in bytes a second: a line through the medians."""
    sizes = np.array([row["bytes"] for row in exchanges], dtype=float)
    seconds = np.array([row["median_ms"] / 1000 for row in exchanges])
    # Relative errors count, or the largest exchange alone would decide.
    columns = np.stack([np.ones_like(sizes), sizes], axis=1) / seconds[:, None]
    latency, slope = np.linalg.lstsq(columns, np.ones_like(seconds), rcond=None)[0]
    return max(float(latency), 0.0), 1 / max(float(slope), 1e-15)


def summary(arguments: argparse.Namespace, runs: dict[int, list[dict[str, Any]]]) -> dict[str, Any]:
    """Medians, the model's terms, and the model beside what was measured."""
    alone = runs[1]
    parameters = alone[0]["parameters"]
    episodes = [step for run in alone for step in run["episodes"]]
    episode = statistics.mean(seconds for step in episodes for seconds in step)
    steps_alone = [seconds for run in alone for seconds in run["steps"]]
    rest = statistics.median(t - sum(e) for t, e in zip(steps_alone, episodes, strict=True))
    model: dict[str, float] = {"episode_s": episode, "rest_s": rest}
    several = sorted(n for n in runs if n > 1)
    if several:
        few = several[0]
        rows = [row for run in runs[few] for row in run["exchanges"]]
        latency, bandwidth = fit(rows)
        control = statistics.median(run["words"]["median_ms"] for run in runs[few]) / 1000
        model |= {"latency_s": latency + control, "bytes_per_s": bandwidth}
    cells = []
    for n, found in sorted(runs.items()):
        slots = -(-arguments.meta_batch // n)
        sent = bytes_of_rank(parameters, slots, n)
        share = imbalance(episodes, n)
        predicted = slots * episode * share + rest
        if n > 1:
            predicted += model["latency_s"] + sent / model["bytes_per_s"]
        steps = [1000 * seconds for run in found for seconds in run["steps"]]
        at_size = [row for run in found for row in run["exchanges"]
                   if row["gradient_bytes"] == 4 * parameters]  # fmt: skip
        cells.append({
            "ranks": n, "step": spread(steps), "mean_ms": statistics.mean(steps),
            "imbalance": share, "bytes": sent,
            "exchange_ms": statistics.median(r["median_ms"] for r in at_size) if at_size else 0.0,
            "model_ms": 1000 * predicted, "more_ranks_than_cores": n > (os.cpu_count() or 1),
        })  # fmt: skip
    return {
        **machine("torch", "numpy"), "suite": arguments.suite, "meta_batch": arguments.meta_batch,
        "steps": arguments.steps, "rounds": arguments.rounds, "parameters": parameters,
        "gradient_bytes": 4 * parameters, "equal_to_the_last_bit": True, "model": model,
        "cells": cells,
        "exchanges": {str(n): [run["exchanges"] for run in runs[n]] for n in several},
    }  # fmt: skip


def main() -> None:
    """Measure, check that the parameters are equal, print the tables, write the JSON."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--ranks", type=int, nargs="+", default=[1, 2, 4])
    parser.add_argument("--suite", default="demo")
    parser.add_argument("--data-dir", type=Path)
    parser.add_argument("--meta-batch", type=int, default=4)
    parser.add_argument("--steps", type=int, default=15)
    parser.add_argument("--rounds", type=int, default=2)
    parser.add_argument("--measure", help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.measure:
        measure(arguments)
        return
    runs: dict[int, list[dict[str, Any]]] = {n: [] for n in sorted({1, *arguments.ranks})}
    for turn in range(arguments.rounds):
        for n in list(runs) if turn % 2 == 0 else reversed(runs):
            runs[n].append(start(arguments, n))
    digests = {run["digest"] for found in runs.values() for run in found}
    if len(digests) != 1:
        raise SystemExit("the parameters differ between numbers of ranks: nothing to report")
    result = summary(arguments, runs)
    file = save("ranks", result)
    rows = []
    for cell in result["cells"]:
        low, high = cell["step"]["quartiles_ms"]
        rows.append([
            f"{cell['ranks']}" + (" (more than cores)" if cell["more_ranks_than_cores"] else ""),
            f"{cell['step']['median_ms']:.0f} ({low:.0f}-{high:.0f})", f"{cell['mean_ms']:.0f}",
            f"{cell['model_ms']:.0f}", f"{result['cells'][0]['mean_ms'] / cell['mean_ms']:.2f}x",
            f"{cell['bytes'] / 1e6:.2f}", f"{cell['exchange_ms']:.2f}",
        ])  # fmt: skip
    show(
        f"meta-step on {result['suite']}, {result['meta_batch']} episodes, "
        f"{result['parameters']} parameters; equal to the last bit after the same steps",
        ["ranks", "ms a step, median (quartiles)", "mean", "model", "speed-up", "MB a rank",
         "exchange ms"], rows,
    )  # fmt: skip
    terms = ", ".join(f"{name} {value:.4g}" for name, value in result["model"].items())
    print(f"model: {terms}\nwrote {file}")


if __name__ == "__main__":
    main()
