"""The nearest neighbour on pixels, beside a plain loop."""

from __future__ import annotations

import numpy as np

from fewshot_metalstm.kinds.digits.neighbours import nearest, score_neighbours
from tests.kinds.digits.builders import target


def test_as_a_plain_loop_has_it() -> None:
    rng = np.random.default_rng(0)
    support = rng.integers(0, 256, (6, 28, 28), dtype=np.uint8)
    images = rng.integers(0, 256, (20, 28, 28), dtype=np.uint8)
    expected = [
        min(range(6), key=lambda k: sum((int(a) - int(b)) ** 2 for a, b in zip(
            image.ravel(), support[k].ravel(), strict=True)))
        for image in images
    ]  # fmt: skip
    assert nearest(support, images).tolist() == expected


def test_of_two_as_near_the_first_is_taken() -> None:
    image = np.full((1, 28, 28), 9, np.uint8)
    assert nearest(np.concatenate([image + 1, image - 1, image + 1]), image).tolist() == [0]


def test_a_whole_split_is_scored() -> None:
    task = target("digits-67-90")
    split = task.splits["train"]
    support = [int(split.of_class(0)[0]), int(split.of_class(1)[0])]
    found = score_neighbours(task, support, "test")
    labels = task.labels("train", support)
    known, images = task.images("train", support), task.images("test", range(24))
    right = labels[nearest(known, images)] == task.splits["test"].labels
    assert found.value == 100 * right.mean()
    assert found.value > 90  # boxes in other places
