"""From the command to the saved tagger, beside spaCy: ``python -m benchmarks.bench_adapt``.

Both get the same 50-shot support (draw 0 of linnaeus, or of the synthetic target where linnaeus is
not at hand) and run as commands of their own, with their start and their reading of files:

- `fewshot-metalstm adapt --shots 50 --no-score`, as it is and with `--no-tracking`;
- `spacy train` with the settings of `spacy init config --pipeline ner`, the support being both its
  training and its development set. Convergence is what spaCy itself takes for it: it stops when
  the score has not risen for 1600 steps (its `patience`). When the best score was first seen is in
  the table too; it is known only afterwards, and to 200 steps.

Each may use one thread.
"""

from __future__ import annotations

import argparse
import re
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from benchmarks import peer, timing
from benchmarks.material import Material, material

SECONDS_GOAL, SPACY_GOAL = 15.0, 3.0
OURS, UNTRACKED = "adapt --no-score", "adapt --no-score --no-tracking"
SPACY, BEST = "spacy train", "spacy train, best score first seen"
# Epoch, step, two losses, F, P, R, score.
_ROW = re.compile(r"\s*(\d+)\s+(\d+)(?:\s+[\d.]+){5}\s+([\d.]+)\s*$")


def main() -> None:
    """Measure, print and write ``results/adapt.json``."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--checkpoint", type=Path, help="a meta-trained one; else a stand-in")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--spacy-rounds", type=int, default=1, help="each takes minutes")
    arguments = parser.parse_args()
    seconds: dict[str, list[float]] = {OURS: [], UNTRACKED: []}
    best_step = 0
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        given = material(arguments.checkpoint, folder)
        python = peer.interpreter()
        if python is None:
            print(peer.ABSENT)
        else:
            seconds |= {SPACY: [], BEST: []}
            config = prepare_spacy(given, python, folder)
        same_taggers(given, folder)
        for turn in range(max(arguments.rounds, arguments.spacy_rounds)):
            if turn < arguments.rounds:
                for what, more in ((OURS, ()), (UNTRACKED, ("--no-tracking",))):
                    seconds[what].append(adapt(given, folder / f"{turn}{len(more)}", more))
            if python is not None and turn < arguments.spacy_rounds:
                whole, first, best_step = train_spacy(python, config, folder / f"spacy{turn}")
                seconds[SPACY].append(whole)
                seconds[BEST].append(first)
    report(given, seconds, best_step)


def adapt(given: Material, output: Path, more: Sequence[str] = ()) -> float:
    """Seconds of the command."""
    command = [
        sys.executable, "-m", "fewshot_metalstm", "adapt", "--target", given.target.name,
        "--shots", "50", "--checkpoint", str(given.checkpoint), "--output", str(output),
        "--no-score", "--quiet", "--tracking-uri", f"sqlite:///{output}-mlflow.db", *more,
    ]  # fmt: skip
    start = time.perf_counter()
    subprocess.run(command, check=True, env=peer.environment(), stdout=subprocess.DEVNULL)
    seconds = time.perf_counter() - start
    if not (output / "tagger" / "model.safetensors").is_file():
        raise SystemExit("adapt saved no tagger")
    return seconds


def same_taggers(given: Material, folder: Path) -> None:
    """Scored or not, one tagger comes out; :class:`AssertionError` else."""
    adapt(given, folder / "bare", ["--no-tracking", "--set", "adapt.averages=1"])
    command = [
        sys.executable, "-m", "fewshot_metalstm", "adapt", "--target", given.target.name,
        "--shots", "50", "--checkpoint", str(given.checkpoint), "--output", str(folder / "scored"),
        "--quiet", "--no-tracking", "--draws", "1", "--set", "adapt.averages=1",
    ]  # fmt: skip
    subprocess.run(command, check=True, env=peer.environment(), stdout=subprocess.DEVNULL)
    bare, scored = (folder / n / "tagger" / "model.safetensors" for n in ("bare", "scored"))
    assert bare.read_bytes() == scored.read_bytes(), "scoring changed the tagger"


def prepare_spacy(given: Material, python: Path, folder: Path) -> list[str]:
    """Write spaCy's data and settings; the arguments of `spacy train`."""
    data, config = folder / "support.spacy", folder / "config.cfg"
    log = folder / "peers.log"
    with peer.Server(python, ["-m", "benchmarks.peers.spacy_ner"], log) as server:
        sentences = [(s.tokens, s.tags) for s in given.sentences()]
        server.ask("write_docs", sentences=sentences, path=str(data))
    subprocess.run(
        [str(python), "-m", "spacy", "init", "config", str(config), "--lang", "en",
         "--pipeline", "ner"],
        check=True, env=peer.environment(), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
    )  # fmt: skip
    return [str(config), "--paths.train", str(data), "--paths.dev", str(data)]


def train_spacy(python: Path, arguments: Sequence[str], output: Path) -> tuple[float, float, int]:
    """Seconds of the command, seconds until its best score was first seen, and at which step."""
    command = [str(python), "-u", "-m", "spacy", "train", *arguments, "--output", str(output)]
    best, first, step = -1.0, 0.0, 0
    start = time.perf_counter()
    with subprocess.Popen(
        command, env=peer.environment(), stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    ) as process:
        assert process.stdout is not None
        for line in process.stdout:
            row = _ROW.match(line)
            if row is not None and float(row[3]) > best:
                best, first, step = float(row[3]), time.perf_counter() - start, int(row[2])
    if process.returncode or best < 0:
        raise SystemExit(f"spacy train failed with exit code {process.returncode}")
    return time.perf_counter() - start, first, step


def report(given: Material, seconds: dict[str, list[float]], best_step: int) -> None:
    """Print the table and write the figures."""
    middle = {name: statistics.median(values) for name, values in seconds.items()}
    result: dict[str, Any] = {
        **timing.machine("torch", "numba", "mlflow"), **given.describe(),
        "seconds": seconds, "goal_seconds": SECONDS_GOAL, "goal_spacy": SPACY_GOAL,
        "spacy_best_step": best_step,
    }  # fmt: skip
    rows = []
    for name, value in middle.items():
        goal = ""
        if name in (OURS, UNTRACKED):
            met = "met" if value <= SECONDS_GOAL else "missed"
            goal = f"goal <= {SECONDS_GOAL:g} s: {met}"
        elif name == SPACY:
            goal = f"ours is faster by {timing.verdict(value / middle[OURS], SPACY_GOAL)}"
        else:
            goal = f"{value / middle[OURS]:.2f}x ours (step {best_step})"
        spread = f"{min(seconds[name]):.1f} - {max(seconds[name]):.1f}"
        rows.append((name, f"{value:.1f} s", spread, goal))
    timing.show(
        f"50 shots of {given.target.name}, command to saved tagger",
        ("command", "median", "least - most", "goal"),
        rows,
    )
    timing.save("adapt", result)


if __name__ == "__main__":
    main()
