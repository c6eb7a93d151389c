"""Episodes as a pure function of (seed, step, index), and how tasks are chosen."""

from __future__ import annotations

from collections import Counter

import pytest

from fewshot_metalstm.errors import UserError
from fewshot_metalstm.kinds.tagging.episodes.distribution import Episode, TaskDistribution
from fewshot_metalstm.kinds.tagging.episodes.sampling import sentence_key
from fewshot_metalstm.kinds.tagging.episodes.task import Task
from tests.kinds.tagging.episodes.builders import filler, task


def plain(name: str = "one", bearing: int = 40, free: int = 60) -> Task:
    return task(name, filler(name, bearing, free))


def multi(name: str = "many") -> Task:
    return task(name, [*filler("a", 40, 20, "A"), *filler("b", 40, 20, "B"), "c d/S-C"])


def facts(episode: Episode) -> tuple[object, ...]:
    return (
        episode.task.name,
        episode.task.types,
        episode.support,
        episode.query,
        episode.support_indices,
        episode.query_indices,
        episode.shots,
        episode.name,
    )


def test_distribution_draws_tasks_by_size_to_the_temperature() -> None:
    tasks = [plain("small", 20, 5), plain("large", 100, 300)]
    probability = 5 / (5 + 20)  # the roots of 25 and 400 sentences
    held = TaskDistribution(tasks, shots=2, query=4, temperature=0.5)
    assert held.probabilities == pytest.approx((probability, 1 - probability))
    assert TaskDistribution(tasks, shots=2, query=4, temperature=0).probabilities == (0.5, 0.5)
    names = Counter(held.episode(step, 0).task.name for step in range(2000))
    assert names["small"] / 2000 == pytest.approx(probability, abs=0.03)


def test_distribution_episode_is_a_pure_function_of_seed_step_and_index() -> None:
    def make(seed: int) -> TaskDistribution:
        return TaskDistribution(
            [plain(), multi()], shots=(1, 5), query=6, seed=seed, single_type_from_multi=0.5
        )

    forwards, backwards = make(3), make(3)
    keys = [(step, index) for step in range(10) for index in range(3)]
    there = {key: facts(forwards.episode(*key)) for key in keys}
    back = {key: facts(backwards.episode(*key)) for key in reversed(keys)}
    assert there == back
    assert len({each[4] for each in there.values()}) > 20
    assert there != {key: facts(make(4).episode(*key)) for key in keys}


def test_distribution_support_and_query_are_disjoint_and_hold_the_shots() -> None:
    held = TaskDistribution([plain()], shots=(2, 5), query=10, negatives=2.0)
    seen = set()
    for step in range(50):
        episode = held.episode(step, 0)
        keys = {sentence_key(s) for s in episode.support}
        assert not keys & {sentence_key(s) for s in episode.query}
        mentions = sum(tag == "S-X" for s in episode.support for tag in s.tags)
        assert episode.shots <= mentions <= 2 * episode.shots
        assert len(episode.support) == 3 * mentions
        assert len(episode.query) == 10
        seen.add(episode.shots)
    assert seen == {2, 3, 4, 5}


def test_distribution_sub_tasks_mask_the_other_types_and_skip_poor_ones() -> None:
    held = TaskDistribution([multi()], shots=3, query=6, single_type_from_multi=1.0)
    names = set()
    for step in range(40):
        episode = held.episode(step, 0)
        names.add(episode.task.name)
        tags = {tag[2:] for s in (*episode.support, *episode.query) for tag in s.tags if tag != "O"}
        assert tags <= set(episode.task.types) < {"A", "B", "C"}
        assert episode.name.startswith(episode.task.name)
    assert names == {"many:A", "many:B", "many:A+B"}  # one mention of C is no episode


def test_distribution_without_sub_tasks_keeps_every_type() -> None:
    held = TaskDistribution([multi()], shots=3, query=6)
    assert {held.episode(step, 0).task.types for step in range(10)} == {("A", "B", "C")}


def test_distribution_a_task_over_some_types_shows_only_those() -> None:
    corpus = multi().corpus
    held = TaskDistribution([Task("many:A", corpus, ("A",))], shots=3, query=8, negatives=3)
    for step in range(10):
        episode = held.episode(step, 0)
        assert {t for s in episode.support for t in s.tags} == {"O", "S-A"}


def test_distribution_never_draws_excluded_or_long_sentences_and_says_so() -> None:
    texts = [*filler("x", 10, 10), "one two three four five/S-X", "Hidden text/S-X"]
    held = TaskDistribution(
        [task("t", texts)], shots=2, query=30, max_tokens=4, exclude=frozenset({"hidden\ttext"})
    )
    drawn: set[int] = set()
    for step in range(40):
        episode = held.episode(step, 0)
        drawn |= {*episode.support_indices, *episode.query_indices}
    assert drawn == set(range(20))
    assert held.sizes == (20,)
    assert "t (train): 1 sentences excluded" in held.notes
    assert "t (train): 1 sentences over 4 tokens left out" in held.notes


def test_distribution_lowers_the_shots_so_that_a_query_remains() -> None:
    held = TaskDistribution([plain("few", 6, 30)], shots=20, query=4)
    assert any("shots lowered to at most 3" in note for note in held.notes)
    for step in range(20):
        episode = held.episode(step, 0)
        assert episode.shots == 3
        assert any(tag != "O" for s in episode.query for tag in s.tags)


def test_distribution_visits_a_named_task_on_another_split() -> None:
    two = task("two", ["x"], filler("d", 20, 20))
    held = TaskDistribution([two], shots=2, query=5, split="devel")
    episode = held.task_episode(0, 7)
    assert episode.task.name == "two"
    assert all(s.tokens[0].startswith("d") for s in (*episode.support, *episode.query))
    assert facts(episode) == facts(held.task_episode(0, 7))
    assert facts(episode) != facts(held.task_episode(0, 8))


@pytest.mark.parametrize(
    ("settings", "says"),
    [
        ({"shots": (5, 2)}, "shots 5 to 2"),
        ({"shots": 0}, "shots 0 to 0"),
        ({"query": 0}, "query is 0"),
        ({"negatives": -1.0}, "negatives is -1.0"),
        ({"single_type_from_multi": 2.0}, "use 0 to 1"),
        ({"split": "devel"}, "one has no devel split"),
    ],
)
def test_distribution_refuses_impossible_settings(settings: dict[str, object], says: str) -> None:
    arguments: dict[str, object] = {"shots": 2, "query": 4, **settings}
    with pytest.raises(UserError, match=says):
        TaskDistribution([plain()], **arguments)  # type: ignore[arg-type]


def test_distribution_refuses_a_task_that_cannot_give_an_episode() -> None:
    with pytest.raises(UserError, match=r"lone \(train\) has 1 mention-bearing"):
        TaskDistribution([plain("lone", 1, 50)], shots=1, query=4)
    with pytest.raises(UserError, match="no task"):
        TaskDistribution([], shots=1, query=4)
