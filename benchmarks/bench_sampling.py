"""Time to draw an episode from 12,000 sentences: ``python -m benchmarks.bench_sampling``."""

from __future__ import annotations

import json
import platform
import statistics
import time
from pathlib import Path

import numpy as np

from fewshot_metalstm.episodes.sampling import TaskIndex
from fewshot_metalstm.seeds import numpy_generator

ROUNDS = 500


def main() -> None:
    """Measure, print and write ``results/sampling.json``."""
    counts = np.zeros((12_000, 1), dtype=np.int64)
    counts[:2_000, 0] = 1
    index = TaskIndex.from_counts(counts, ("A",))
    seconds = []
    for seed in range(ROUNDS):
        rng = numpy_generator(seed)
        start = time.perf_counter()
        index.query(index.support(20, rng), 32, rng)
        seconds.append(time.perf_counter() - start)
    result = {
        "sentences": 12_000, "shots": 20, "query": 32, "rounds": ROUNDS,
        "median_ms": round(1e3 * statistics.median(seconds), 4),
        "quartiles_ms": [round(1e3 * q, 4) for q in statistics.quantiles(seconds, n=4)],
        "numpy": np.__version__, "python": platform.python_version(),
    }  # fmt: skip
    target = Path(__file__).parent / "results" / "sampling.json"
    target.write_text(json.dumps(result, indent=2) + "\n", encoding="utf-8")
    print(f"an episode of 20 shots and 32 query sentences: {result['median_ms']} ms (median)")


if __name__ == "__main__":
    main()
