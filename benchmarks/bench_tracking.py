"""What logging costs a training step: the same steps with tracking off and on, interleaved.

A step is emulated by matrix products of a given length on the same cores as the writer's thread,
so that what the writer takes from the training (cores, interpreter lock) shows as longer steps.
Run: python -m benchmarks.bench_tracking [--rounds N] [--steps N] [--milliseconds N]
"""

from __future__ import annotations

import argparse
import statistics
import tempfile
import time

import numpy as np

from benchmarks import timing
from fewshot_metalstm.tracked_run import Run
from fewshot_metalstm.tracking.tracker import open_tracker

LIMIT_PERCENT = 3.0
METRICS = (
    "loss_before",
    "loss_after",
    "inner_lr",
    "outer_lr",
    "grad_norm",
    "inner_grad_norm",
    "query_f1",
    "seconds",
)


def products_for(milliseconds: float, matrix: np.ndarray) -> int:
    """How many matrix products take that long here."""
    start, count = time.perf_counter(), 0
    while time.perf_counter() - start < 1.0:
        matrix @ matrix
        count += 1
    return max(1, round(count * milliseconds / 1000))


def block(run: Run, first: int, steps: int, products: int, matrix: np.ndarray) -> list[float]:
    """Wall-clock and processor seconds of ``steps`` steps and of writing what they logged."""
    wall, cpu = time.perf_counter(), time.process_time()
    for step in range(first, first + steps):
        for _ in range(products):
            matrix @ matrix
        run.log(step, dict.fromkeys(METRICS, float(step)))
    run.flush()  # a block pays for its own writes and leaves none to the next
    return [time.perf_counter() - wall, time.process_time() - cpu]


def measure(rounds: int, steps: int, milliseconds: float) -> dict[str, object]:
    """Time ``rounds`` pairs of blocks, off and on, in turns; and single calls."""
    matrix = np.random.default_rng(0).standard_normal((192, 192), dtype=np.float32)
    products = products_for(milliseconds, matrix)
    seconds: dict[str, list[list[float]]] = {"off": [], "on": []}
    with tempfile.TemporaryDirectory() as folder:
        tracker = open_tracker(folder, "benchmark")
        with (
            open_tracker(None, "benchmark", enabled=False).run("off") as off,
            tracker.run("on") as on,
        ):
            for run in (off, on):
                block(run, 0, 2, products, matrix)
            for index in range(rounds):
                pair = [("off", off), ("on", on)]
                for name, run in pair if index % 2 == 0 else reversed(pair):
                    seconds[name].append(block(run, 10 + index * steps, steps, products, matrix))
            # Writing alone, beside no work: what the writer needs of one core for a step.
            start = time.perf_counter()
            for step in range(steps):
                on.log(10**6 + step, dict.fromkeys(METRICS, 1.0))
            call = (time.perf_counter() - start) / steps
            start = time.process_time()
            on.flush()
            write = (time.process_time() - start) / steps
    percent = [
        [100 * (one[kind] / other[kind] - 1) for kind in (0, 1)]
        for one, other in zip(seconds["on"], seconds["off"], strict=True)
    ]
    off_step = statistics.median(wall for wall, _ in seconds["off"]) / steps
    return {
        "step_ms_off": 1000 * off_step,
        "step_ms_on": 1000 * statistics.median(wall for wall, _ in seconds["on"]) / steps,
        "overhead_percent_wall": statistics.median(wall for wall, _ in percent),
        "overhead_percent_cpu": statistics.median(cpu for _, cpu in percent),
        "overhead_percent_wall_each": [round(wall, 2) for wall, _ in percent],
        "overhead_percent_cpu_each": [round(cpu, 2) for _, cpu in percent],
        "overhead_percent_limit": LIMIT_PERCENT,
        "log_call_microseconds": 1e6 * call,
        "write_ms_a_step": 1000 * write,
        "write_percent_of_step": 100 * write / off_step,
        "metrics_a_step": len(METRICS),
        "steps_a_block": steps,
        "rounds": rounds,
    }


def main() -> None:
    """Measure, print a table, write the JSON."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=4)
    parser.add_argument("--steps", type=int, default=50, help="steps a block")
    parser.add_argument("--milliseconds", type=float, default=200.0, help="length of a step")
    arguments = parser.parse_args()
    result = measure(arguments.rounds, arguments.steps, arguments.milliseconds)
    rows = []
    for name, value in result.items():
        shown = f"{value:.2f}" if isinstance(value, float) else str(value)
        goal = ""
        if name in ("overhead_percent_wall", "overhead_percent_cpu"):
            met = "met" if float(str(value)) <= LIMIT_PERCENT else "missed"
            goal = f"goal <= {LIMIT_PERCENT:g}%: {met}"
        rows.append((name.replace("_", " "), shown, goal))
    timing.show("what logging costs a step", ("figure", "value", "goal"), rows)
    timing.save("tracking", {**timing.machine("mlflow", "numpy"), **result})


if __name__ == "__main__":
    main()
