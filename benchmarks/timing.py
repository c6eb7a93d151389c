"""What the benchmarks share: interleaved timing, the description of a machine, JSON and tables."""

from __future__ import annotations

import json
import os
import platform
import statistics
import time
from collections.abc import Callable, Mapping, Sequence
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from fewshot_metalstm.writing import write_text

RESULTS = Path(__file__).parent / "results"
Form = Callable[[], object]


def interleaved(
    forms: Mapping[str, Form], rounds: int, warmup: int = 2,
    clock: Callable[[], float] = time.perf_counter,
) -> dict[str, list[float]]:  # fmt: skip
    """Milliseconds of each form in each round.

    Every round runs every form once, in an order that turns round each time, so that a slow spell
    of the machine meets all of them; rounds of ``warmup`` come first and are not kept. Where the
    machine is busy with other work a ``clock`` of processor time says more than that on the wall.
    """
    times: dict[str, list[float]] = {name: [] for name in forms}
    for turn in range(warmup + rounds):
        order = list(forms)[:: 1 if turn % 2 == 0 else -1]
        for name in order:
            start = clock()
            forms[name]()
            if turn >= warmup:
                times[name].append(1000 * (clock() - start))
    return times


def spread(values: Sequence[float]) -> dict[str, Any]:
    """Median and quartiles of milliseconds."""
    if len(values) == 1:
        return {"median_ms": values[0], "quartiles_ms": [values[0], values[0]]}
    low, _, high = statistics.quantiles(values, n=4)
    return {"median_ms": statistics.median(values), "quartiles_ms": [low, high]}


def ratio(times: Mapping[str, Sequence[float]], slow: str, fast: str) -> float:
    """How many times as long ``slow`` takes as ``fast``: the median over rounds of one run."""
    return statistics.median(a / b for a, b in zip(times[slow], times[fast], strict=True))


def machine(*packages: str) -> dict[str, Any]:
    """The machine, Python, and versions of ``packages`` (None where one is not installed)."""
    versions: dict[str, str | None] = {}
    for package in packages:
        try:
            versions[package] = version(package)
        except PackageNotFoundError:
            versions[package] = None
    return {
        "cpu": _cpu(),
        "cores": os.cpu_count(),
        "python": platform.python_version(),
        "versions": versions,
    }


def _cpu() -> str:
    try:
        for line in Path("/proc/cpuinfo").read_text().splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    except OSError:
        pass
    return platform.processor() or platform.machine()


def save(name: str, result: Mapping[str, Any]) -> Path:
    """Write ``benchmarks/results/NAME.json``, whole or not at all."""
    path = RESULTS / f"{name}.json"
    write_text(json.dumps(result, indent=2) + "\n", path)
    return path


def verdict(value: float, goal: float, *, at_most: bool = False) -> str:
    """``2.31x (goal 3x: missed)``, for a ratio and the least (or most) it should be."""
    met = value <= goal if at_most else value >= goal
    sign = "<=" if at_most else ">="
    return f"{value:.2f}x (goal {sign} {goal:g}x: {'met' if met else 'missed'})"


def show(title: str, head: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    """Print a table with columns as wide as they need to be."""
    widths = [max(len(row[i]) for row in [head, *rows]) for i in range(len(head))]
    print(f"\n{title}")
    for row in (head, ["-" * w for w in widths], *rows):
        print("  ".join(cell.ljust(w) for cell, w in zip(row, widths, strict=True)).rstrip())
