"""Tasks that share a tagger by function, by layers, or with sentinels."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
import torch

from fewshot_metalstm.errors import UserError
from fewshot_metalstm.kinds.tagging.adapt.cell import run_cell
from fewshot_metalstm.kinds.tagging.adapt.methods import make_cell
from fewshot_metalstm.kinds.tagging.adapt.settings import AdaptRunConfig
from fewshot_metalstm.kinds.tagging.corpora.sentence import Sentence, Span
from fewshot_metalstm.kinds.tagging.kind import TAGGING
from fewshot_metalstm.kinds.tagging.tagger.confidence import read
from fewshot_metalstm.kinds.tagging.tagger.model import CHECKPOINT, TAGGER, load_model, new_tagger
from fewshot_metalstm.kinds.tagging.tagger.sentinels import (
    marked_sentence,
    union_of,
    unmarked,
    unmarked_mentions,
)
from fewshot_metalstm.kinds.tagging.training.metatrain import meta_train
from fewshot_metalstm.kinds.tagging.training.recipe import check
from fewshot_metalstm.kinds.tagging.training.supervised import TaggerTrainConfig, TaggingTraining
from fewshot_metalstm.meta.joint import JointConfig, JointTraining, TaskBatch, heads_in, state_of
from fewshot_metalstm.meta.outcome import Progress
from fewshot_metalstm.train.loop import Training
from tests.kinds.tagging.tagger.builders import CONFIG as META
from tests.kinds.tagging.tagger.builders import TARGET, model, suite
from tests.kinds.tagging.training.test_supervised import CONFIG, TWO, run

PRIVATE = pytest.mark.parametrize("sharing", ["function", "stacked", "parallel"])


def shared(sharing: str) -> TaggerTrainConfig:
    return replace(CONFIG, tagger=replace(CONFIG.tagger, sharing=sharing))


@PRIVATE
def test_a_step_of_one_task_leaves_the_other_task_alone(sharing: str) -> None:
    source = TaggingTraining(shared(sharing), TWO)
    made = source.fresh(Progress())
    source.use(made, torch.device("cpu"), {t.name: range(t.sizes["train"]) for t in TWO})
    training = Training(made.learner, source.heads(made), CONFIG.train, 10)
    before = {n: v.clone() for n, v in training.weights().items()}
    training.step("one", source.batch("one", "train", [0, 1, 2]), torch.Generator().manual_seed(0))
    moved = {n for n, v in training.weights().items() if not torch.equal(v, before[n])}
    own = set(made.learner.private())
    assert {"lstm.basic_wx", "head_type"} <= own
    assert not any(name.startswith("lstm.meta_") for name in own)
    assert {n for n in moved if "@" in n} == {f"head.{name}@one" for name in own}
    assert "shared.lstm.meta_b" in moved
    assert not any("basic_" in n for n in moved if n.startswith("shared."))


@PRIVATE
def test_joint_training_keeps_and_merges_what_is_private(sharing: str) -> None:
    config = replace(CONFIG.tagger, sharing=sharing)
    known = model()
    table, learner = known.table(), new_tagger(config, known.vectors, known.alphabet, 0)
    batches = {t.name: table.batch(table.encode(t.split("train")[:4], t.types)) for t in TWO}
    joint = JointTraining(learner, batches, JointConfig(steps=2))
    joint.step(TaskBatch("two", batches["two"]), torch.Generator().manual_seed(0))
    joint.step(TaskBatch("one", batches["one"]), torch.Generator().manual_seed(0))
    name = "lstm.basic_wx"
    one, two = joint.heads["one"][name], joint.heads["two"][name]
    assert not torch.equal(one, two)
    assert torch.equal(heads_in(state_of(joint.heads))["two"][name], two)
    joint.finish()
    torch.testing.assert_close(learner.get_parameter(name), (one + two).detach() / 2)


@pytest.mark.parametrize("sharing", ["stacked", "parallel", "function", "sentinel"])
def test_trained_tasks_are_taggers_and_a_checkpoint(tmp_path: Path, sharing: str) -> None:
    result = run(tmp_path / "r", TWO, shared(sharing))
    for own, task in zip(result.tasks, TWO, strict=True):
        made = load_model(own.model, TAGGER)
        assert made.types == task.types
        score = TAGGING.score(TAGGING.loaded(made), task, "test")
        assert score.value == pytest.approx(own.scores["test"].value), "as it was scored"
    made = load_model(tmp_path / "r" / "checkpoint", CHECKPOINT)
    assert made.learner.config.sharing == sharing
    names = {head.type for head in made.heads}
    assert names == {name for task in TWO for name in task.types}, "no head of a sentinel"
    cell = make_cell("joint", AdaptRunConfig(recipe="none"), 0, tuple(range(6)), tmp_path / "t")
    assert run_cell(cell, made, TARGET, made.table()).score is not None
    assert load_model(tmp_path / "t", TAGGER).learner.sentinel == ""


def test_sentinels_come_and_go() -> None:
    sentence = Sentence(("a", "b"), ("S-X", "O"))
    ends = marked_sentence(sentence, "c")
    assert ends.tokens == ("<c>", "a", "b", "<c>")
    assert ends.tags == ("S-<c>", "S-X", "O", "S-<c>")
    assert unmarked(ends.tags, "c") == sentence.tags
    assert unmarked(("S-<c>", "S-<c>", "S-X", "S-<c>"), "c") == ("O", "S-X"), "a stray one is none"
    spans = (Span(0, 1, "<c>"), Span(1, 2, "X"), Span(3, 4, "<c>"))
    assert unmarked_mentions(spans, (0.9, 0.5, 0.9), "c") == ((Span(0, 1, "X"),), (0.5,))
    union = union_of({"two": ("X", "Z"), "one": ("X", "Y")})
    assert union == ("X", "Y", "Z", "<one>", "<two>")


def test_a_tagger_with_sentinels_reads_text_without_them(tmp_path: Path) -> None:
    result = run(tmp_path / "r", TWO, shared("sentinel"))
    made = load_model(result.tasks[0].model, TAGGER)
    assert made.learner.sentinel == "one"
    tokens = [*[s.tokens for s in TWO[0].split("test")][:5], ()]
    readings = read(made, tokens)
    assert [len(reading.tags) for reading in readings] == [len(t) for t in tokens]
    for reading in readings:
        assert len(reading.mentions) == len(reading.confidences)
        assert all(mention.type in made.types for mention in reading.mentions)


def test_a_suite_is_trained_jointly_with_sentinels(tmp_path: Path) -> None:
    config = replace(
        META, algorithm="joint", tagger=replace(META.tagger, sharing="sentinel"),
        joint=JointConfig(steps=2, batch=4), outer=replace(META.outer, steps=1, meta_batch=1),
        validation=replace(META.validation, episodes=0),
    )  # fmt: skip
    meta_train(config, suite(), tmp_path / "run", device=torch.device("cpu"))
    made = load_model(tmp_path / "run" / "checkpoint", CHECKPOINT)
    assert {head.type for head in made.heads} == {n for t in suite().train for n in t.types}
    cell = make_cell("joint", AdaptRunConfig(recipe="none"), 0, tuple(range(6)))
    assert run_cell(cell, made, TARGET, made.table()).score is not None


def test_sentinels_are_for_joint_training_alone() -> None:
    config = replace(META, algorithm="fomaml", tagger=replace(META.tagger, sharing="sentinel"))
    with pytest.raises(UserError, match="--sharing sentinel is a way of joint training"):
        check(config)
