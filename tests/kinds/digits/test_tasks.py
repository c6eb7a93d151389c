"""Tasks of digits: names, turns, and what no meta-learner may see of a target."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from fewshot_metalstm.data.suites import TaskSpec, load_suite
from fewshot_metalstm.errors import UserError
from fewshot_metalstm.kinds.digits.tasks import (
    load_target,
    load_tasks,
    looks_like_name,
    parse_name,
    task_name,
)
from tests.kinds.digits.builders import made_up

SUITE = load_suite("digits", kind="digits")


@pytest.mark.parametrize(
    ("name", "classes", "turn"),
    [("digits-6789", "6789", 0), ("digits-012345-90", "012345", 90), ("digits-19-270", "19", 270)],
)
def test_names_say_classes_and_turn(name: str, classes: str, turn: int) -> None:
    assert parse_name(name) == (tuple(classes), turn)
    assert task_name(classes, turn) == name
    assert looks_like_name(name)


@pytest.mark.parametrize(
    "name", ["digits-6", "digits-98", "digits-66", "digits-12-45", "digits-", "mnist", "linnaeus"]
)
def test_other_names_are_refused(name: str) -> None:
    with pytest.raises(UserError, match="there is no task"):
        parse_name(name)


def test_the_suite_has_no_digit_of_a_target_and_no_image_on_two_sides() -> None:
    mnist = made_up()
    loaded = load_tasks(SUITE, mnist)
    assert [task.name for task in loaded.train] == [
        "digits-012345", "digits-012345-90", "digits-012345-180", "digits-012345-270",
    ]  # fmt: skip
    assert loaded.report.targets == ("digits-6789",)
    for task in (*loaded.train, *loaded.validation):
        for split in task.splits.values():
            digits = mnist.train.labels[split.places]
            assert set(digits.tolist()) == {0, 1, 2, 3, 4, 5}
            assert [task.classes[n] for n in split.labels] == [str(d) for d in digits]
    first = loaded.train[0].splits
    assert not set(first["train"].places.tolist()) & set(first["devel"].places.tolist())
    assert first["devel"].places.min() >= 300  # the last sixth of 360


def test_a_target_takes_its_digits_out_of_every_task() -> None:
    loaded = load_tasks(SUITE, made_up(), ["digits-01"])
    assert {task.classes for task in loaded.train} == {("2", "3", "4", "5")}
    assert loaded.report.targets == ("digits-6789", "digits-01")
    assert len(loaded.report.changes) == 4
    assert "digits-6789, digits-01" in loaded.report.summary()[0]
    with pytest.raises(UserError, match="no two digits left"):
        load_tasks(SUITE, made_up(), ["digits-01234"])


def test_tasks_that_become_alike_are_one() -> None:
    suite = replace(SUITE, tasks=(TaskSpec("digits-0126"), TaskSpec("digits-0127")), validation=())
    assert [task.name for task in load_tasks(suite, made_up()).train] == ["digits-012"]


@pytest.mark.parametrize("turn", [0, 90, 180, 270])
def test_images_are_turned_counter_clockwise(turn: int) -> None:
    mnist = made_up()
    task = load_target("digits-68" + (f"-{turn}" if turn else ""), mnist)
    split = task.splits["test"]
    shown = task.images("test", [0, 3])
    for image, position in zip(shown, (0, 3), strict=True):
        expected = mnist.test.pixels[split.places[position]]
        for _ in range(turn // 90):
            expected = expected.T[::-1]  # a quarter turn, written out
        np.testing.assert_array_equal(image, expected)


def test_what_every_task_says_of_itself() -> None:
    task = load_target("digits-68", made_up())
    assert (task.kind, task.types, task.data, task.family) == (
        "digits",
        ("6", "8"),
        "mnist",
        "mnist",
    )
    assert task.sizes == {"train": 72, "test": 24}
    assert not task.synthetic
    assert not task.invented


def test_positions_of_places() -> None:
    split = load_target("digits-68", made_up()).splits["train"]
    places = split.places[[1, 5, 60]].tolist()
    np.testing.assert_array_equal(split.at(places), [1, 5, 60])
    with pytest.raises(ValueError, match="none of the task's classes"):
        split.at([int(split.places[0]) + 1])
