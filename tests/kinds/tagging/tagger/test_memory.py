"""A memory of source heads: what is recalled, what is barred, what the outer loop learns of it."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
import torch

from fewshot_metalstm.adapt.finetune import AdaptConfig
from fewshot_metalstm.errors import UserError
from fewshot_metalstm.kinds.tagging.adapt.cell import TaggingCell as Cell
from fewshot_metalstm.kinds.tagging.adapt.cell import run_cell
from fewshot_metalstm.kinds.tagging.tagger.encoding import Batch
from fewshot_metalstm.kinds.tagging.tagger.heads import ANY, SourceHead, source_heads, with_head
from fewshot_metalstm.kinds.tagging.tagger.memory import (
    chosen_places,
    place_of,
    remember,
    without_memory,
)
from fewshot_metalstm.kinds.tagging.tagger.model import TAGGER, TaggerModel, load_model, save_model
from fewshot_metalstm.kinds.tagging.training.recipe import make_algorithm
from fewshot_metalstm.kinds.tagging.training.sources import barred
from fewshot_metalstm.meta.outcome import Interrupted
from tests.kinds.tagging.tagger.builders import CONFIG, TARGET, encoded, model, own, same, suite
from tests.kinds.tagging.tagger.test_heads import fresh
from tests.kinds.tagging.training.test_metatrain import (
    StopAfter,
    assert_same_run,
    final_weights,
    train,
)

REMEMBERING = replace(CONFIG, memory=True)
HEADS = source_heads({"a": fresh(2, 2), "b": fresh(1, 1)}, {"a": ("P", "Q"), "b": ("P",)})
SUPPORT = list(TARGET.split("train")[:9])


def remembering(heads: tuple[SourceHead, ...] = HEADS) -> TaggerModel:
    made = model()
    remember(made.learner, [head.params for head in heads])
    names = [(head.task, head.type) for head in heads]
    return replace(made, about={**made.about, "memory": names})


def support(made: TaggerModel) -> Batch:
    return encoded(made.table(), SUPPORT, TARGET.types)


def test_a_type_starts_from_the_head_of_lowest_loss() -> None:
    made = remembering()
    learner, batch = made.learner, support(made)
    places = chosen_places(learner, batch)
    start = learner.initial(batch)
    for row, place in enumerate(places.tolist()):
        for name in ("head_type", "head_type_bias"):
            assert torch.equal(start[name][row], getattr(learner, place_of(name))[place])
    shared = getattr(learner, place_of("head_outside"))[places].mean(0)
    assert torch.equal(start["head_outside"], shared)
    # Any other choice fits the type alone worse.
    for row, kind in enumerate(TARGET.types):
        alone = replace(
            batch, tags=torch.where((batch.tags - 1) // 4 == row, batch.tags - 4 * row, 0), types=1
        )
        alone = replace(alone, tags=alone.tags.clamp_min(0))
        losses = []
        for place in range(learner.config.memory):
            others = tuple(set(range(learner.config.memory)) - {place})
            params = learner.initial(replace(alone, barred=others))
            losses.append(float(learner.loss(params, alone).detach()))
        assert losses.index(min(losses)) == int(places[row]), kind


def test_the_last_place_is_the_head_for_any_type_and_is_never_barred() -> None:
    made = remembering()
    learner = made.learner
    batch = replace(support(made), barred=(0, 1, 2))
    assert chosen_places(learner, batch).tolist() == [3, 3]
    start = learner.initial(batch)
    assert torch.equal(start["head_type"][1], learner.head_type[0])
    assert torch.equal(start["head_outside"], learner.head_outside)


def test_the_gradient_reaches_the_chosen_places_alone() -> None:
    made = remembering()
    learner, batch = made.learner, support(made)
    learner.loss(learner.initial(batch), batch).backward()  # type: ignore[no-untyped-call]
    chosen = set(chosen_places(learner, batch).tolist())
    gradient = getattr(learner, place_of("head_type")).grad
    reached = {i for i, row in enumerate(gradient) if row.abs().max() > 0}
    assert reached == chosen
    assert learner.head_type.grad is None


def test_places_of_a_family_are_those_of_its_tasks() -> None:
    places = barred(REMEMBERING, suite())
    assert places == {"alpha-family": (0,), "beta-family": (1,), "gamma-family": (2, 3)}
    assert barred(CONFIG, suite()) == {}


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    output = tmp_path_factory.mktemp("remembering")
    train(output, REMEMBERING)
    return output


def test_meta_training_learns_the_memory(whole: Path) -> None:
    weights = final_weights(whole)
    assert weights["learner.memory_type"].shape == (5, 4, 16)
    read = load_model(whole / "checkpoint")
    assert read.learner.config.memory == 5
    assert read.about["memory"] == [
        ["alpha", "Cell"], ["beta", "Drug"], ["gamma", "Gene"], ["gamma", "Site"],
    ]  # fmt: skip
    assert not read.heads
    never = replace(REMEMBERING, outer=replace(REMEMBERING.outer, steps=1, lr=0.0))
    untaught = whole.parent / "untaught"
    train(untaught, never)
    before = final_weights(untaught)
    changed = [n for n in before if not torch.equal(before[n], weights[n])]
    assert {"learner.memory_type", "learner.memory_transitions"} <= set(changed)


@pytest.mark.parametrize(("phase", "step"), [("joint training", 4), ("outer loop", 2)])
def test_resumed_equals_uninterrupted(tmp_path: Path, whole: Path, phase: str, step: int) -> None:
    with pytest.raises(Interrupted):
        train(tmp_path, REMEMBERING, progress=StopAfter(phase, step))
    train(tmp_path, REMEMBERING, resume=True)
    assert_same_run(tmp_path, whole)


def test_two_workers_equal_one(tmp_path: Path, whole: Path) -> None:
    train(tmp_path, REMEMBERING, workers=2)
    assert_same_run(tmp_path, whole)


def test_joint_training_can_be_shared(tmp_path: Path) -> None:
    joint = replace(CONFIG, algorithm="joint", outer=replace(CONFIG.outer, steps=0))
    train(tmp_path / "joint", joint)
    config = replace(REMEMBERING, start=str(tmp_path / "joint"))
    train(tmp_path / "a", config)
    with pytest.raises(Interrupted):
        train(tmp_path / "b", config, progress=StopAfter("outer loop", 1))
    train(tmp_path / "b", config, resume=True)
    assert_same_run(tmp_path / "a", tmp_path / "b")
    start = load_model(tmp_path / "joint" / "checkpoint")
    initial = load_model(tmp_path / "a" / "state" / "initial")
    assert same(own(initial.learner), own(start.learner))
    assert initial.vectors.words == start.vectors.words
    # Its heads are kept in half precision: beside that nothing differs from a run of its own.
    train(tmp_path / "c", REMEMBERING)
    shared, alone = final_weights(tmp_path / "a"), final_weights(tmp_path / "c")
    assert shared.keys() == alone.keys()
    name = "learner.memory_type"
    assert torch.allclose(shared[name], alone[name], atol=0.05)


def test_a_start_that_does_not_fit_is_refused(tmp_path: Path, whole: Path) -> None:
    with pytest.raises(UserError, match="is not of joint training"):
        train(tmp_path / "a", replace(CONFIG, start=str(whole)))
    joint = replace(CONFIG, algorithm="joint", outer=replace(CONFIG.outer, steps=0))
    train(tmp_path / "joint", joint)
    start = str(tmp_path / "joint")
    other = replace(CONFIG, start=start, tagger=replace(CONFIG.tagger, filters=7))
    with pytest.raises(UserError, match="other settings of the section tagger"):
        train(tmp_path / "a", other)
    fewer = suite()
    fewer = replace(fewer, train=fewer.train[:2])
    with pytest.raises(UserError, match="was trained on other tasks"):
        train(tmp_path / "b", replace(CONFIG, start=start), given=fewer)


def test_a_memory_needs_heads_and_a_start_an_outer_loop() -> None:
    with pytest.raises(UserError, match="memory keeps the heads"):
        make_algorithm(replace(REMEMBERING, joint=replace(CONFIG.joint, steps=0)))
    with pytest.raises(UserError, match="--start is for an outer loop"):
        make_algorithm(replace(CONFIG, algorithm="joint", start="x"))


def test_a_head_of_its_own_is_not_recalled_away() -> None:
    """A copy with prototypes, say, for a head starts from them and has no memory."""
    made = remembering()
    before = own(made.learner)
    head = {name: fresh(2, 5)[name] for name in made.learner.head()}
    start = with_head(made.learner, head)
    assert start.config.memory == 0
    initial = start.initial(support(made))
    assert all(torch.equal(initial[name], head[name]) for name in head)
    assert without_memory(own(start)) == tuple(own(start))
    assert same(own(made.learner), before)


def test_an_adapted_tagger_says_its_start_and_has_no_memory(tmp_path: Path) -> None:
    made = remembering()
    save_model(made, tmp_path / "checkpoint")
    read = load_model(tmp_path / "checkpoint")
    assert same(own(read.learner), own(made.learner))
    config = AdaptConfig(epochs=1, min_steps=1, averages=2)
    cell = Cell("fomaml", 0, 0, tuple(range(9)), "basic", config, tmp_path / "tagger")
    result = run_cell(cell, read, TARGET, read.table())
    assert result.start.keys() == set(TARGET.types)
    assert set(result.start.values()) <= {*(head.name for head in HEADS), ANY}
    tagger = load_model(tmp_path / "tagger", TAGGER)
    assert tagger.learner.config.memory == 0
    names = tuple(own(tagger.learner))
    assert without_memory(names) == names
    assert tagger.about["start"] == dict(result.start)
    everything = run_cell(replace(cell, tune="all", save=None), read, TARGET, read.table())
    assert everything.score is not None
