"""Few-shot digits: every way to get a reader, on the target digits-6789.

    python -m benchmarks.digits FOLDER --seeds 0,1,2

meta-trains by every algorithm with the default settings, sweeps 5 shots over the frozen draws 0 to
4 and writes the table to ``FOLDER/digits.json``. All of it are commands that a user types, which
are printed first; what is finished in FOLDER is kept. Intervals are over the draws, each the mean
of the seeds, and differences are paired by draw.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

from fewshot_metalstm.figure import Spread
from fewshot_metalstm.kinds.digits.reader import load_mnist

TARGET = "digits-6789"
PROGRAM = (sys.executable, "-m", "fewshot_metalstm.cli.main")
# What meta-train is given, by the name of the method.
TRAINED = {
    "joint": ("--algorithm", "joint"),
    # Its last weights: meta-validation would keep those of joint training.
    "fomaml-after": (
        "--algorithm", "fomaml", "--start", "{joint}", "--set", "outer.validate_every=0"
    ),
    "protonet-after": (
        "--algorithm", "protonet", "--start", "{joint}", "--outer-steps", "300", "--outer-lr",
        "1e-3",
    ),
    "fomaml": ("--algorithm", "fomaml"),
}  # fmt: skip
# Methods of the sweep: a checkpoint, or a baseline.
METHODS = {
    "joint": "joint={joint}", "fomaml": "fomaml={fomaml}",
    "fomaml-after": "fomaml-after={fomaml-after}", "protonet": "protonet={protonet-after}",
    "protonet-tuned": "protonet-tuned={protonet-after}:tune=all",
    "joint-prototypes": "joint-prototypes={joint}:tune=prototypes", "scratch": "scratch",
    "neighbour": "neighbour",
}  # fmt: skip


def run(arguments: list[str]) -> None:
    """Type a command of this package; its own words are left on the terminal."""
    print("fewshot-metalstm " + " ".join(arguments), flush=True)
    subprocess.run([*PROGRAM, *arguments], check=True)


def train(folder: Path, method: str, seed: int) -> Path:
    """The run of a method's meta-training, made unless it is there."""
    output = folder / f"{method}-{seed}"
    if not (output / "done").is_file():
        resume = ["--resume"] if (output / "state" / "training.safetensors").is_file() else []
        given = [part.format(joint=folder / f"joint-{seed}") for part in TRAINED[method]]
        run(["meta-train", "--tasks", "digits", *given, "--seed", str(seed), "--output",
             str(output), "--workers", "1", "--no-tracking", "--quiet", "--json",
             *resume])  # fmt: skip
        (output / "done").touch()
    return output


def sweep(folder: Path, seed: int, shots: str) -> Path:
    """The sweep over the checkpoints of a seed."""
    output = folder / f"sweep-{seed}"
    places = {method: str(folder / f"{method}-{seed}") for method in TRAINED}
    methods = ",".join(text.format(**places) for text in METHODS.values())
    run(["sweep", "--targets", TARGET, "--shots", shots, "--draws", "0-4", "--methods", methods,
         "--output", str(output), "--workers", "1", "--no-tracking", "--quiet",
         "--json"])  # fmt: skip
    return output


def table(folder: Path, seeds: list[int]) -> list[dict[str, Any]]:
    """A row for each method and shots: mean, interval, difference from joint, seconds."""
    found: dict[tuple[int, str], dict[tuple[int, int], Any]] = {}
    for seed in seeds:
        for path in (folder / f"sweep-{seed}" / "cells").glob("*.json"):
            stored = json.loads(path.read_text("utf-8"))
            settings, result = stored["settings"], stored["result"]
            key = (int(settings["shots"]), str(settings["method"]))
            found.setdefault(key, {})[seed, int(settings["draw"])] = result
    rows = []
    for (shots, method), cells in sorted(found.items()):
        joint = found[shots, "joint"]
        draws = sorted({draw for _, draw in cells})

        def by_draw(of: dict[tuple[int, int], Any], draws: list[int] = draws) -> list[float]:
            return [
                sum(of[seed, draw]["score"]["accuracy"] for seed in seeds) / len(seeds)
                for draw in draws
            ]

        means, others = by_draw(cells), by_draw(joint)
        seconds = sum(cell["seconds"] for cell in cells.values()) / len(cells)
        rows.append({
            "method": method, "shots": shots, "seeds": seeds, "draws": len(draws),
            "accuracy": Spread.of(means).as_dict(),
            "minus_joint": Spread.of(
                [a - b for a, b in zip(means, others, strict=True)]
            ).as_dict(),
            "by_seed": [
                round(sum(cells[s, d]["score"]["accuracy"] for d in draws) / len(draws), 2)
                for s in seeds
            ],
            "by_draw": [round(mean, 2) for mean in means],
            "seconds": round(seconds, 2),
        })  # fmt: skip
    return rows


def main() -> None:
    """Train, sweep, and write the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--seeds", default="0,1,2")
    parser.add_argument("--shots", default="5")
    parser.add_argument("--train-only", action="store_true")
    given = parser.parse_args()
    seeds = [int(seed) for seed in given.seeds.split(",")]
    trained = []
    for seed in seeds:
        for method in TRAINED:
            output = train(given.folder, method, seed)
            config = json.loads((output / "checkpoint" / "config.json").read_text("utf-8"))
            about = config["about"]
            trained.append({
                "method": method, "seed": seed, "outer_step": about["outer_step"],
                "sha256": config["sha256"]["model.safetensors"],
            })  # fmt: skip
    if given.train_only:
        return
    for seed in seeds:
        sweep(given.folder, seed, given.shots)
    mnist = load_mnist()
    result = {
        "target": TARGET, "data": {"train": mnist.train.sha256, "test": mnist.test.sha256},
        "trained": trained, "rows": table(given.folder, seeds),
    }  # fmt: skip
    (given.folder / "digits.json").write_text(json.dumps(result, indent=1) + "\n", "utf-8")
    print(json.dumps(result["rows"], indent=1))


if __name__ == "__main__":
    main()
