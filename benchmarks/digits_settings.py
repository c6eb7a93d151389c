"""Choosing the settings of digits without a look at any target.

Some of the digits 0 to 5 (``--held``, two of them) are kept out of meta-training altogether, in
every turn. What it learned of the others is adapted to them: four classes, the two digits upright
and turned by 90 degrees, with images of the devel split (the last 10,000 of MNIST's train split).
So the classes are as new to the checkpoint as 6 to 9 are to a checkpoint of the whole suite; no
image of 6 to 9 and none of the test split is read.

    python -m benchmarks.digits_settings --output FOLDER --algorithm fomaml \\
        --train-set inner.lr=0.1 --adapt-set adapt.lr=0.01 --adapt-set adapt.lr=0.05

prints the mean accuracy over ``--draws`` supports of ``--shots`` images of each class.
"""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import torch

from fewshot_metalstm.adapt.cell import SCRATCH
from fewshot_metalstm.config import resolve
from fewshot_metalstm.data.suites import load_suite
from fewshot_metalstm.kinds.digits.episodes import draw_episode
from fewshot_metalstm.kinds.digits.kind import DIGITS
from fewshot_metalstm.kinds.digits.methods import METHODS, NEIGHBOUR
from fewshot_metalstm.kinds.digits.reader import load_mnist
from fewshot_metalstm.kinds.digits.tasks import DigitSplit, DigitsTask, LoadedDigits, load_tasks
from fewshot_metalstm.kinds.kind import Support
from fewshot_metalstm.meta import registry
from fewshot_metalstm.meta.budget import joint_preset
from fewshot_metalstm.meta.driver import meta_train
from fewshot_metalstm.seeds import numpy_generator

QUERY = 200  # devel images of each class that a draw is scored on


def target(held: str) -> DigitsTask:
    """Four classes of the devel split: the held digits, upright and turned."""
    task = suite_of("").train[0]
    split = task.splits["devel"]
    parts = [(digit, turn) for turn in (0, 90) for digit in held]
    pixels, labels = [], []
    for number, (digit, turn) in enumerate(parts):
        upright = split.pixels[split.of_class(task.classes.index(digit))]
        pixels.append(np.rot90(upright, turn // 90, axes=(1, 2)))
        labels.append(np.full(len(upright), number))
    whole = DigitSplit(
        np.concatenate(pixels), np.concatenate(labels), np.arange(sum(map(len, labels))),
        sum(map(len, labels)), split.sha256,
    )  # fmt: skip
    names = tuple(f"{digit}-{turn}" for digit, turn in parts)
    return DigitsTask("held", "held", names, 0, {"devel": whole})


def suite_of(held: str) -> LoadedDigits:
    """The suite of digits without the held ones."""
    exclude = [f"digits-{held}"] if held else []
    return load_tasks(load_suite("digits", kind="digits"), load_mnist(), exclude)


def targets(task: DigitsTask, shots: int, number: int) -> list[tuple[DigitsTask, Support]]:
    """Draws of a support, each as a target of its own."""
    made, whole = [], task.splits["devel"]

    def part(positions: Any) -> DigitSplit:
        return DigitSplit(
            whole.pixels[positions], whole.labels[positions], np.arange(len(positions)),
            len(positions), whole.sha256,
        )  # fmt: skip

    for index in range(number):
        rng = numpy_generator(0, "settings", shots, index)
        drawn = draw_episode(task, "devel", len(task.classes), shots, QUERY, rng)
        splits = {"train": part(drawn.support), "test": part(drawn.query)}
        support = Support(tuple(range(len(drawn.support))))
        made.append((replace(task, splits=splits), support))
    return made


def accuracy(
    model: Any, name: str, config: Any, given: Sequence[tuple[DigitsTask, Support]]
) -> str:
    """Mean accuracy of a method over targets, with its standard error and seconds."""
    began, values = time.perf_counter(), []
    for draw, (task, support) in enumerate(given):
        (cell,) = METHODS.cells([name], config, [support], [draw], None)
        score = METHODS.do(cell, task, lambda: DIGITS.loaded(model)).score
        assert score is not None
        values.append(score.value)
    error = float(np.std(values, ddof=1)) / len(values) ** 0.5
    seconds = (time.perf_counter() - began) / len(values)
    return f"{np.mean(values):6.2f} +- {error:.2f}  {seconds:.2f} s"


def main() -> None:
    """Train unless the checkpoint is there, then adapt with each group of settings."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--output", type=Path, required=True)
    parser.add_argument("--algorithm", default="fomaml")
    parser.add_argument("--train-set", action="append", default=[])
    parser.add_argument("--adapt-set", action="append", default=[])
    parser.add_argument("--scratch-set", action="append", default=[])
    parser.add_argument("--shots", type=int, default=5)
    parser.add_argument("--draws", type=int, default=12)
    parser.add_argument("--held", default="45")
    parser.add_argument("--neighbour", action="store_true")
    given = parser.parse_args()
    torch.set_num_threads(1)
    suite = suite_of(given.held)
    settings, named = DIGITS.training_settings(), {"algorithm": given.algorithm}
    config = resolve(settings, None, given.train_set, named, registry.presets(given.algorithm))
    base = (*registry.presets(given.algorithm), *joint_preset(config))
    config = DIGITS.settled(resolve(settings, None, given.train_set, named, base))
    checkpoint = given.output / "checkpoint"
    if not checkpoint.is_dir():
        result = meta_train(
            config, DIGITS.source(config, suite), given.output, device=torch.device("cpu"),
            workers=1,
        )  # fmt: skip
        print(json.dumps(result.as_dict()), flush=True)
    model = DIGITS.load_model(checkpoint)
    drawn = targets(target(given.held), given.shots, given.draws)
    for groups, name in ((given.adapt_set, given.algorithm), (given.scratch_set, SCRATCH)):
        for text in groups:
            own = resolve(DIGITS.adaptation_settings(), None, text.split(), {}, [])
            print(f"{name:10} {text:60} {accuracy(model, name, own, drawn)}", flush=True)
    if given.neighbour:
        own = resolve(DIGITS.adaptation_settings(), None, [], {}, [])
        print(f"{NEIGHBOUR:71} {accuracy(model, NEIGHBOUR, own, drawn)}")


if __name__ == "__main__":
    main()
