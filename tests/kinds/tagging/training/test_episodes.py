"""Tagging episodes and meta-validation."""

from __future__ import annotations

import pytest
import torch

from fewshot_metalstm.kinds.tagging.episodes.distribution import TaskDistribution
from fewshot_metalstm.kinds.tagging.tagger.encoding import Batch, labels
from fewshot_metalstm.kinds.tagging.tagger.scoring import strict_scores
from fewshot_metalstm.kinds.tagging.training.episodes import (
    EncodedEpisodes,
    F1Validation,
    JointBatches,
    validation_episodes,
)
from fewshot_metalstm.meta.algorithm import InnerConfig
from fewshot_metalstm.meta.fomaml import FirstOrderMAML, descend
from tests.kinds.tagging.tagger.builders import model, own, same, suite

SUITE = suite()
DRAWN = TaskDistribution(SUITE.train, shots=(2, 3), query=6, seed=1)
HELD_OUT = TaskDistribution(SUITE.validation, shots=3, query=12, seed=2, split="devel")


def test_episodes_are_those_of_the_distribution() -> None:
    source = EncodedEpisodes(DRAWN, model().table())
    for step, index in ((0, 0), (3, 1)):
        made, plain = source.episode(step, index), DRAWN.episode(step, index)
        names = labels(plain.task.types)
        for batch, sentences in ((made.support, plain.support), (made.query, plain.query)):
            rows = zip(batch.tags.tolist(), sentences, strict=True)
            assert all([names[i] for i in row[: len(s)]] == list(s.tags) for row, s in rows)
        assert made.name == plain.name
    again = EncodedEpisodes(DRAWN, model().table()).episode(3, 1)
    assert torch.equal(again.query.index, source.episode(3, 1).query.index)


def test_joint_batches_are_queries_and_every_task_has_a_head() -> None:
    batches = JointBatches(DRAWN, model().table())
    heads = batches.tasks()
    assert set(heads) == {"alpha", "beta", "gamma"}
    kinds = {name: batch.types for name, batch in heads.items() if isinstance(batch, Batch)}
    assert kinds == {"alpha": 1, "beta": 1, "gamma": 2}
    for step in range(5):
        made = batches.batch(step)
        plain = DRAWN.episode(step, 0)
        assert made.task == plain.task.name
        assert isinstance(made.batch, Batch)
        assert len(made.batch) == len(plain.query)


def test_validation_visits_the_tasks_in_turn_and_is_fixed() -> None:
    episodes = validation_episodes(HELD_OUT, 5)
    assert [e.task.name for e in episodes] == ["alpha", "delta", "alpha", "delta", "alpha"]
    assert len({e.name for e in episodes}) == 5
    assert [e.query_indices for e in episodes] == [
        e.query_indices for e in validation_episodes(HELD_OUT, 5)
    ]


def test_validation_is_the_mean_strict_f1_after_the_inner_loop() -> None:
    made = model()
    learner, table = made.learner, made.table()
    inner = InnerConfig(steps=30, lr=0.3)
    validator = F1Validation(validation_episodes(HELD_OUT, 4), table)
    before = own(learner)
    scores = [validator.score(learner, FirstOrderMAML(inner), i) for i in range(len(validator))]
    assert same(own(learner), before)
    wanted = []
    for episode in validator.episodes:
        support = table.batch(table.encode(episode.support, episode.task.types))
        query = table.batch(table.encode(episode.query, episode.task.types))
        start = learner.initial(support)
        fast, _, _ = descend(learner, start, learner.adapted(), support, inner, None)
        names = labels(episode.task.types)
        paths = learner.decode_with({n: p.detach() for n, p in fast.items()}, query)
        predicted = [[names[i] for i in path] for path in paths]
        wanted.append(strict_scores([s.tags for s in episode.query], predicted).f1)
    assert validator.combine(scores) == pytest.approx(sum(wanted) / 4)
    assert sum(wanted) > 0, "an F1 of 0 everywhere would show nothing"


def test_validation_is_for_taggers() -> None:
    from tests.meta.toys import Regressor

    validator = F1Validation(validation_episodes(HELD_OUT, 1), model().table())
    with pytest.raises(TypeError, match="tagger"):
        validator.score(Regressor(), FirstOrderMAML(), 0)
