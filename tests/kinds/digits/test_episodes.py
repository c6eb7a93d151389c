"""Episodes, joint batches and validation: disjoint, whole classes, pure functions."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch

from fewshot_metalstm.data.suites import load_suite
from fewshot_metalstm.errors import UserError
from fewshot_metalstm.kinds.digits.encoding import Scaling
from fewshot_metalstm.kinds.digits.episodes import (
    AccuracyValidation,
    EncodedEpisodes,
    JointBatches,
)
from fewshot_metalstm.kinds.digits.settings import EpisodesConfig, ValidationConfig
from fewshot_metalstm.kinds.digits.tasks import load_tasks
from fewshot_metalstm.kinds.digits.warp import NO_WARP, WarpConfig, warped
from fewshot_metalstm.meta.fomaml import FirstOrderMAML
from tests.kinds.digits.builders import made_up, reader

SUITE = load_tasks(load_suite("digits", kind="digits"), made_up())
SCALING = Scaling.of(SUITE.train)
EPISODES = EncodedEpisodes(SUITE.train, EpisodesConfig(2, 4, 1, 3, 2), SCALING)


def test_support_and_query_are_disjoint_and_hold_each_class() -> None:
    ways, shots, names = set(), set(), set()
    for index in range(60):
        drawn, episode = EPISODES.draw(3, index), EPISODES.episode(3, index)
        assert not set(drawn.support.tolist()) & set(drawn.query.tolist())
        number = len(drawn.classes)
        counts = torch.bincount(episode.support.labels, minlength=number)
        assert len(set(counts.tolist())) == 1
        assert torch.bincount(episode.query.labels).tolist() == [2] * number
        assert episode.support.classes == episode.query.classes == number
        split = drawn.task.splits["train"]
        assert {int(c) for c in split.labels[drawn.support]} == set(drawn.classes)
        ways.add(number)
        shots.add(int(counts[0]))
        names.add(drawn.task.name)
    assert ways == {2, 3, 4}
    assert shots == {1, 2, 3}
    assert len(names) == 4


def test_an_episode_is_a_function_of_seed_step_and_index() -> None:
    again = EncodedEpisodes(SUITE.train, EPISODES.config, SCALING)
    a, b = EPISODES.episode(5, 1), again.episode(5, 1)
    torch.testing.assert_close(a.support.rows, b.support.rows, rtol=0, atol=0)
    others = [again.episode(5, 2), again.episode(6, 1), replace(again, seed=1).episode(5, 1)]
    for other in others:
        same = other.support.rows.shape == a.support.rows.shape
        assert not same or not torch.equal(other.support.rows, a.support.rows)


def test_classes_are_warped_alike_in_support_and_query() -> None:
    """With a warp episodes are of the same images, and each class has one warp."""
    given = replace(EPISODES, warp=WarpConfig())
    drawn = given.draw(3, 0)
    plain, changed = EPISODES.episode(3, 0), given.episode(3, 0)
    assert drawn.warps is not None
    assert torch.equal(plain.support.labels, changed.support.labels)
    for part, positions in ((changed.support, drawn.support), (changed.query, drawn.query)):
        own = drawn.warps[drawn.task.labels("train", positions)]
        images = warped(drawn.task.images("train", positions), own)
        torch.testing.assert_close(part.rows, SCALING.rows(images))
    assert not torch.allclose(plain.query.rows, changed.query.rows)


def test_too_few_images_are_refused() -> None:
    short = replace(EPISODES, config=EpisodesConfig(2, 2, 40, 40, 10))
    with pytest.raises(UserError, match=r"too few for 40 shots and 10 query images"):
        short.episode(0, 0)


def test_joint_batches_are_of_one_task_with_all_its_classes() -> None:
    batches = JointBatches(SUITE.train, 7, SCALING)
    assert set(batches.tasks()) == {task.name for task in SUITE.train}
    seen = {batches.batch(step).task for step in range(30)}
    assert len(seen) == 4
    first, again = batches.batch(4), JointBatches(SUITE.train, 7, SCALING).batch(4)
    assert first.task == again.task
    assert len(first.batch) == 7  # type: ignore[arg-type]
    assert first.batch.classes == 6  # type: ignore[attr-defined]


def test_validation_visits_every_task_on_held_out_images() -> None:
    config = ValidationConfig(8, 3, 2, 3, NO_WARP)
    validation = AccuracyValidation(SUITE.validation, config, SCALING)
    drawn = [validation.draw(index) for index in range(len(validation))]
    assert len({one.task.name for one in drawn}) == 4
    assert all(len(one.classes) == 3 for one in drawn)
    assert all(one.warps is None for one in drawn)
    warped = AccuracyValidation(SUITE.validation, ValidationConfig(8, 3, 2, 3), SCALING).draw(0)
    assert warped.warps is not None
    assert warped.support.tolist() == drawn[0].support.tolist()
    learner = reader().float()
    scores = [validation.score(learner, FirstOrderMAML(), index) for index in range(2)]
    assert all(total == 9 for _, total in scores)
    assert validation.combine([(3, 4), (1, 2)]) == pytest.approx(62.5)
