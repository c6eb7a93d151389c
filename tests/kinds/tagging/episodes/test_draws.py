"""Frozen draws: regenerated, checked, refused on another split."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from fewshot_metalstm.data.draws import FROZEN_DRAWS, draws_file
from fewshot_metalstm.data.suites import load_targets
from fewshot_metalstm.errors import UserError
from fewshot_metalstm.kinds.kind import Support
from fewshot_metalstm.kinds.tagging.episodes import draws
from fewshot_metalstm.kinds.tagging.episodes.draws import (
    check,
    draw,
    freeze,
    load_draw,
    read_frozen,
)
from fewshot_metalstm.kinds.tagging.episodes.load import load_target
from fewshot_metalstm.kinds.tagging.episodes.sampling import count_mentions
from fewshot_metalstm.kinds.tagging.episodes.task import Task
from fewshot_metalstm.kinds.tagging.kind import TAGGING
from tests.kinds.tagging.episodes.builders import filler, task


@pytest.fixture
def target() -> Task:
    return task("goal", filler("goal", 150, 300))


def test_draws_frozen_file_gives_what_the_sampler_draws(target: Task, tmp_path: Path) -> None:
    (path,) = freeze([target], tmp_path)
    assert path == draws_file("goal", tmp_path)
    assert check([target], tmp_path) == ()
    for shots in draws.FROZEN_SHOTS:
        for number in FROZEN_DRAWS:
            support = load_draw(target, shots, number, folder=tmp_path)
            assert support == draw(target, shots, number)
            assert shots <= support.counts["X"] <= 2 * shots
    assert len(path.read_text().splitlines()) == 12 + 25
    assert [file.name for file in tmp_path.iterdir()] == ["goal.json"]


def test_draws_differ_by_number_seed_and_target(target: Task) -> None:
    first = draw(target, 5, 0)
    other = Task("other", target.corpus, target.types)
    assert first == draw(target, 5, 0)
    assert first.indices != draw(target, 5, 1).indices
    assert first.indices != draw(target, 5, 0, seed=1).indices
    assert first.indices != draw(other, 5, 0).indices


def test_draws_without_a_frozen_one_are_drawn(target: Task, tmp_path: Path) -> None:
    freeze([target], tmp_path)
    assert load_draw(target, 7, 0, folder=tmp_path) == draw(target, 7, 0)
    assert load_draw(target, 5, 9, folder=tmp_path) == draw(target, 5, 9)
    assert load_draw(target, 5, 0, seed=3, folder=tmp_path) == draw(target, 5, 0, seed=3)
    none = load_draw(target, 5, 0, negatives=0.0, folder=tmp_path)
    assert none.negatives == 0
    assert load_draw(replace(target, name="own"), 5, 0, folder=tmp_path).counts == {"X": 5}


def test_draws_frozen_file_is_believed_over_the_sampler(target: Task, tmp_path: Path) -> None:
    (path,) = freeze([target], tmp_path)
    lines = path.read_text().splitlines()
    at = next(i for i, line in enumerate(lines) if '"shots":5,"draw":1' in line)
    line = lines[at]
    lines[at] = line[: line.index('"indices"')] + '"indices":[1,2,3,4,5,200,201,202,203,204]},'
    path.write_text("\n".join(lines))
    assert load_draw(target, 5, 1, folder=tmp_path).indices[:3] == (1, 2, 3)
    assert check([target], tmp_path) == (f"goal: draw 1 at 5 shots differs from {path}",)


def test_draws_of_another_split_are_refused(target: Task, tmp_path: Path) -> None:
    (path,) = freeze([target], tmp_path)
    changed = replace(target, corpus=replace(target.corpus, digests={"train": "else"}))
    with pytest.raises(UserError, match="another train split of goal") as caught:
        load_draw(changed, 5, 0, folder=tmp_path)
    assert str(caught.value).startswith(str(path))
    assert "data fetch goal" in str(caught.value)
    assert len(check([changed], tmp_path)) == 1


@pytest.mark.parametrize(
    "damage",
    [
        lambda text: text[: len(text) // 2],
        lambda text: text.replace('"format": 1', '"format": 9'),
        lambda text: text.replace('"shots":20,"draw":3', '"shots":20,"draw":2'),
        lambda text: text.replace('"sentences": 450', '"sentences": 10'),
        lambda text: "[]",
    ],
)
def test_draws_damaged_file_is_refused(target: Task, tmp_path: Path, damage: object) -> None:
    assert callable(damage)
    (path,) = freeze([target], tmp_path)
    path.write_text(damage(path.read_text()))
    with pytest.raises(UserError, match="not a file of frozen draws") as caught:
        read_frozen(path)
    assert "\n" not in str(caught.value)


def test_draws_check_tells_of_an_absent_file(target: Task, tmp_path: Path) -> None:
    (problem,) = check([target], tmp_path)
    assert "there is no" in problem


def test_draws_need_mentions_in_a_train_split() -> None:
    with pytest.raises(UserError, match="no train split"):
        draw(task("t", [], [], ["a/S-X"]), 5, 0)
    with pytest.raises(UserError, match="holds no mention"):
        draw(task("t", ["a b"], [], ["a/S-X"]), 5, 0)


def test_draws_say_what_a_small_corpus_could_not_give() -> None:
    support = draw(task("t", filler("t", 3, 1)), 5, 0)
    assert support.counts == {"X": 3}
    assert support.shortfall == "the corpus gave 3 of 5 X, 1 of 3 mention-free sentences"


def test_draws_packaged_files_hold_every_target_and_setting() -> None:
    for name in load_targets().official:
        frozen = read_frozen(draws_file(name))
        assert frozen.target == name
        assert len(frozen.supports) == 25
        for (shots, _), support in frozen.supports.items():
            assert all(count >= shots for count in support.counts.values())
            assert 2 * support.bearing == len(support.indices)


def test_draws_packaged_files_are_what_the_sampler_draws_on_the_real_corpora(
    real_data: Path,
) -> None:
    for name in load_targets().official:
        target = load_target(name, data_dir=real_data)
        assert check([target]) == ()
        support = load_draw(target, 50, 0)
        sentences = [target.split("train")[index] for index in support.indices]
        held = count_mentions(sentences, target.types).sum(axis=0).tolist()
        assert dict(zip(target.types, held, strict=True)) == support.counts
        assert all(50 <= count <= 100 for count in held)


def test_the_whole_split_says_which_types_it_lacks_and_needs_one_mention(target: Task) -> None:
    size = target.sizes["train"]
    assert TAGGING.support(target, 0, 0, 0) == Support(tuple(range(size)))
    more = TAGGING.support(replace(target, types=("X", "Cell")), 0, 0, 0)
    assert more == Support(tuple(range(size)), "the train split holds no mention of Cell")
    with pytest.raises(UserError, match="of target goal holds no mention; annotate some first"):
        TAGGING.support(replace(target, types=("Cell",)), 0, 0, 0)
