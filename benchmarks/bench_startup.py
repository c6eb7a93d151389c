"""How long `--help` takes beside importing torch: ``python -m benchmarks.bench_startup``."""

from __future__ import annotations

import argparse
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

from benchmarks import timing

GOAL = 1 / 3
HELP, TORCH, BARE = "fewshot-metalstm --help", "import torch", "python alone"


def main() -> None:
    """Measure, print and write ``results/startup.json``."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=9)
    arguments = parser.parse_args()
    script = Path(sys.executable).parent / "fewshot-metalstm"
    command = [str(script)] if script.is_file() else [sys.executable, "-m", "fewshot_metalstm"]
    commands = {
        HELP: [*command, "--help"],
        TORCH: [sys.executable, "-c", "import torch"],
        BARE: [sys.executable, "-c", "pass"],
    }
    if "meta-train" not in run(commands[HELP]):
        raise SystemExit("--help does not name the commands")
    forms = {name: lambda line=line: run(line) for name, line in commands.items()}
    times = timing.interleaved(forms, arguments.rounds)
    share = timing.ratio(times, HELP, TORCH)
    rows = []
    for name, values in times.items():
        spread = timing.spread(values)
        low, high = spread["quartiles_ms"]
        beside = timing.verdict(share, GOAL, at_most=True) if name == HELP else ""
        rows.append((name, f"{spread['median_ms']:.0f} ms", f"{low:.0f} - {high:.0f}", beside))
    timing.show("start-up, a process each", ("command", "median", "quartiles", "of torch's"), rows)
    timing.save("startup", {
        **timing.machine("torch", "click"), "rounds": arguments.rounds,
        "times": {name: timing.spread(values) for name, values in times.items()},
        "share_of_torch": share, "goal": GOAL,
    })  # fmt: skip


def run(command: Sequence[str]) -> str:
    """Run a command to its end; its output."""
    return subprocess.run(command, check=True, capture_output=True, text=True).stdout


if __name__ == "__main__":
    main()
