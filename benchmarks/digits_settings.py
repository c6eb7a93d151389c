"""Choosing the settings of digits without a look at any target.

Meta-training learns from the digits 0 to 5 upright and turned by 180 and 270 degrees; what it
learned is adapted to four of these digits turned by 90 degrees, with images of the devel split
(the last 10,000 of MNIST's train split). A turned class is new to the checkpoint, as 6 to 9 are to
a checkpoint of the whole suite; no image of 6 to 9 and none of the test split is read.

    python -m benchmarks.digits_settings --output FOLDER --algorithm fomaml \
        --train-set inner.lr=0.1 --adapt-set adapt.lr=0.01 --adapt-set adapt.lr=0.05

prints the mean accuracy over ``--episodes`` draws of four classes with ``--shots`` images each.
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
from fewshot_metalstm.data.suites import Suite, load_suite
from fewshot_metalstm.kinds.digits.episodes import draw_episode
from fewshot_metalstm.kinds.digits.kind import DIGITS
from fewshot_metalstm.kinds.digits.methods import NEIGHBOUR, do_cell, make_cells
from fewshot_metalstm.kinds.digits.reader import load_mnist
from fewshot_metalstm.kinds.digits.tasks import DigitSplit, DigitsTask, LoadedDigits, load_tasks
from fewshot_metalstm.kinds.kind import Support
from fewshot_metalstm.meta import registry
from fewshot_metalstm.meta.budget import joint_preset
from fewshot_metalstm.meta.driver import meta_train
from fewshot_metalstm.seeds import numpy_generator

NEW = "digits-012345-90"  # of the devel split: what no checkpoint here has learned from
WAYS, QUERY = 4, 100


def suite_without(name: str) -> LoadedDigits:
    """The suite of digits without the task ``name``, which is its meta-validation."""
    whole: Suite = load_suite("digits", kind="digits")
    tasks = tuple(spec for spec in whole.tasks if spec.corpus != name)
    held = tuple(replace(spec, split="devel") for spec in whole.tasks if spec.corpus == name)
    return load_tasks(replace(whole, tasks=tasks, validation=held), load_mnist())


def targets(task: DigitsTask, shots: int, number: int) -> list[tuple[DigitsTask, Support]]:
    """Draws of four classes of the devel split, each as a target with a support."""
    made = []
    for index in range(number):
        drawn = draw_episode(
            task, "devel", WAYS, shots, QUERY, numpy_generator(0, "settings", shots, index)
        )
        new = np.searchsorted(np.array(drawn.classes), task.splits["devel"].labels)

        def part(positions: Any, labels: Any = new) -> DigitSplit:
            whole = task.splits["devel"]
            return DigitSplit(
                whole.pixels[positions], labels[positions], np.arange(len(positions)),
                len(positions), whole.sha256,
            )  # fmt: skip

        splits = {"train": part(drawn.support), "test": part(drawn.query)}
        classes = tuple(task.classes[i] for i in drawn.classes)
        made.append((
            replace(task, classes=classes, splits=splits),
            Support(tuple(range(len(drawn.support)))),
        ))  # fmt: skip
    return made


def accuracy(
    model: Any, name: str, config: Any, given: Sequence[tuple[DigitsTask, Support]]
) -> str:
    """Mean accuracy of a method over targets, with its standard error and seconds."""
    began, values = time.perf_counter(), []
    for draw, (task, support) in enumerate(given):
        (cell,) = make_cells([name], config, [support], [draw], None)
        score = do_cell(cell, task, lambda: DIGITS.loaded(model)).score
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
    parser.add_argument("--episodes", type=int, default=20)
    parser.add_argument("--neighbour", action="store_true")
    given = parser.parse_args()
    torch.set_num_threads(1)
    suite = suite_without(NEW)
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
    drawn = targets(suite.validation[0], given.shots, given.episodes)
    for groups, name in ((given.adapt_set, given.algorithm), (given.scratch_set, SCRATCH)):
        for text in groups:
            own = resolve(DIGITS.adaptation_settings(), None, text.split(), {}, [])
            print(f"{name:10} {text:60} {accuracy(model, name, own, drawn)}", flush=True)
    if given.neighbour:
        own = resolve(DIGITS.adaptation_settings(), None, [], {}, [])
        print(f"{NEIGHBOUR:71} {accuracy(model, NEIGHBOUR, own, drawn)}")


if __name__ == "__main__":
    main()
