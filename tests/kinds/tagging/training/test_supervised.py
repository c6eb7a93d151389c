"""Supervised training of taggers: what the kind gives to it."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch

from fewshot_metalstm.encoders.training import EncodedVectorsConfig
from fewshot_metalstm.errors import UserError
from fewshot_metalstm.kinds.tagging.adapt.card import tagger_card
from fewshot_metalstm.kinds.tagging.adapt.tagger import score_split
from fewshot_metalstm.kinds.tagging.kind import TAGGING
from fewshot_metalstm.kinds.tagging.tagger.heads import source_heads
from fewshot_metalstm.kinds.tagging.tagger.lexicon import lexicon_of
from fewshot_metalstm.kinds.tagging.tagger.model import (
    CHECKPOINT,
    TAGGER,
    TaggerModel,
    load_model,
    new_tagger,
    save_model,
)
from fewshot_metalstm.kinds.tagging.training.supervised import TaggerTrainConfig, TaggingTraining
from fewshot_metalstm.meta.outcome import Progress
from fewshot_metalstm.train.result import TrainResult
from fewshot_metalstm.train.session import train
from fewshot_metalstm.train.settings import SupervisedConfig
from tests.kinds.tagging.tagger.builders import TAGGER as SIZES
from tests.kinds.tagging.tagger.builders import task

CPU = torch.device("cpu")
CONFIG = TaggerTrainConfig(
    train=SupervisedConfig(epochs=2, batch=8, average=0.5),
    vectors=EncodedVectorsConfig(size=8, epochs=1, min_count=1, buckets=50),
    tagger=SIZES,
    lexicon=(1.0, 0.0),
)
ONE = [task("one", ("X", "Y"))]
TWO = [*ONE, task("two", ("Z",))]


def run(output: Path, tasks: list[Any], config: TaggerTrainConfig = CONFIG) -> TrainResult:
    source = TaggingTraining(config, tasks)
    return train(source, output, kind="tagging", items="sentences", device=CPU)


def started(source: TaggingTraining) -> TaggerModel:
    """A source that is ready to be asked."""
    model = source.fresh(Progress())
    source.use(model, CPU, {task.name: range(task.sizes["train"]) for task in source.tasks})
    return model


def test_loss_and_score_are_those_of_the_learner() -> None:
    source = TaggingTraining(CONFIG, ONE)
    model = started(source)
    params = dict(model.learner.named_parameters()) | dict(source.heads(model)["one"])
    params = {name: value.detach() for name, value in params.items()}
    every = range(25)
    got = source.evaluate("one", "devel", every, params)
    batch = source.batch("one", "devel", every)
    assert got.loss == pytest.approx(float(model.learner.loss(params, batch)), rel=1e-5)
    # The bonus is the one that is best on devel, as an adapted tagger would decode with it.
    lexicons = [lexicon_of(ONE[0].split("train"), ("X", "Y"), bonus) for bonus in (1.0, 0.0, 50.0)]
    wanted = [score_split(model.learner, params, model.table(), ONE[0], "devel", each)
              for each in lexicons]  # fmt: skip
    assert got.score == max(wanted[:2], key=lambda score: score.value)
    far = source.evaluate("one", "devel", every, params, {"lexicon": 50.0})
    assert (far.score, far.tuned) == (wanted[2], {"lexicon": 50.0})
    assert wanted[1] != wanted[2]
    usual = source.evaluate("one", "devel", every, params, {})
    assert (usual.score, usual.tuned) == (wanted[0], {"lexicon": 1.0})
    assert source.lengths("one") == [len(s) for s in ONE[0].split("train")]


def test_a_tagger_may_lack_its_crf_and_characters_and_have_attention(tmp_path: Path) -> None:
    parts = replace(SIZES, crf=False, filters=0, attention=2)
    config = replace(CONFIG, tagger=parts)
    source = TaggingTraining(config, ONE)
    model = started(source)
    params = dict(model.learner.named_parameters()) | dict(source.heads(model)["one"])
    batch = source.batch("one", "devel", range(25))
    loss = model.learner.loss(params, batch)
    assert torch.isfinite(loss)
    # Every weight has a place in the graph, as what trains wants it; some have no part in the loss.
    named = {n: p for n, p in params.items() if p.requires_grad}
    gradients = dict(zip(named, torch.autograd.grad(loss, list(named.values())), strict=True))
    assert gradients["attention.read_weight"].any()
    assert not gradients["head_transitions"].any()
    assert not gradients["characters.embedding"].any()
    detached = {name: value.detach() for name, value in params.items()}
    got = source.evaluate("one", "devel", range(25), detached)
    assert got.loss == pytest.approx(loss.item(), rel=1e-5)
    result = run(tmp_path, ONE, config)
    tagger = load_model(tmp_path / "tagger", TAGGER)
    assert tagger.learner.config.attention == 2
    assert not tagger.learner.config.crf
    assert TAGGING.score(TAGGING.loaded(tagger), ONE[0], "test").value == pytest.approx(
        result.tasks[0].scores["test"].value
    )


def test_vectors_and_letters_come_from_train_alone() -> None:
    model = started(TaggingTraining(CONFIG, ONE))
    words = {word for sentence in ONE[0].split("train") for word in sentence.tokens}
    assert set(model.alphabet) == {letter for word in words for letter in word}
    assert len(model.vectors.words) <= len(words)


def test_the_tagger_scores_as_the_run_said(tmp_path: Path) -> None:
    result = run(tmp_path, ONE)
    tagger = load_model(tmp_path / "tagger", TAGGER)
    score = TAGGING.score(TAGGING.loaded(tagger), ONE[0], "test")
    assert score.value == pytest.approx(result.tasks[0].scores["test"].value)
    assert tagger.about["test_f1"] == round(score.value, 2)
    assert tagger.about["epoch"] == result.epoch
    assert (tagger.about["method"], tagger.about["target"]) == ("train", "one")
    assert tagger.about["support_sentences"] == 40
    assert tagger.lexicon.bonus == result.tasks[0].tuned["lexicon"] in (0.0, 1.0)
    assert tagger.types == ("X", "Y")
    assert result.checkpoint is None
    page = tagger_card(tagger, "mine")
    assert "a Meta-LSTM with a CRF, trained on annotated sentences." in page
    assert "- examples: 40 sentences of `one`" in page
    assert "the epoch was chosen by devel" in page
    assert "support" not in page


def test_several_tasks_give_a_tagger_each_and_a_checkpoint_to_adapt(tmp_path: Path) -> None:
    result = run(tmp_path, TWO)
    assert [t.model for t in result.tasks] == [tmp_path / n / "tagger" for n in ("one", "two")]
    taggers = [load_model(t.model, TAGGER) for t in result.tasks]
    assert [tagger.types for tagger in taggers] == [("X", "Y"), ("Z",)]
    assert taggers[0].about["jointly_with"] == ["two"]
    first, second = (dict(tagger.learner.named_parameters()) for tagger in taggers)
    for name in first:
        shared = name not in taggers[0].learner.head()
        same = first[name].shape == second[name].shape and torch.equal(first[name], second[name])
        assert same == shared, name
    joint = load_model(tmp_path / "checkpoint", CHECKPOINT)
    assert [head.name for head in joint.heads] == ["one/X", "one/Y", "two/Z"]
    assert joint.about["families"] == ["one-family", "two-family"]
    assert joint.about["targets_excluded"] == []
    assert joint.about["algorithm"] == "joint"
    assert joint.about["corpora"]["one"] == dict(ONE[0].digests)
    assert TAGGING.seen(joint.about, TWO[1])
    assert not TAGGING.seen(joint.about, task("three"))
    # And it can be started from.
    again = run(tmp_path / "again", [task("three")], replace(CONFIG, start=str(result.checkpoint)))
    about = load_model(again.tasks[0].model, TAGGER).about
    assert about["from"]["families"] == ["one-family", "two-family"]


def checkpoint(folder: Path) -> TaggerModel:
    """A checkpoint with two source heads, one of which is the tagger's own."""
    source = TaggingTraining(CONFIG, ONE)
    model = source.fresh(Progress())
    own = {name: getattr(model.learner, name) for name in model.learner.head()}
    bad = {name: value - 5.0 for name, value in own.items()}
    heads = source_heads({"a": bad, "b": own}, {"a": ("P",), "b": ("Q",)})
    made = replace(model, heads=heads, about={"algorithm": "joint", "families": []})
    save_model(made, folder)
    return made


def test_a_start_gives_weights_vectors_and_its_best_heads(tmp_path: Path) -> None:
    made = checkpoint(tmp_path)
    noise = replace(CONFIG.tagger, word_dropout=0.1)
    source = TaggingTraining(replace(CONFIG, start=str(tmp_path), tagger=noise), TWO)
    model = started(source)
    assert model.learner.config == noise
    assert model.vectors.words == made.vectors.words
    given = dict(made.learner.named_parameters())
    for name, value in model.learner.named_parameters():
        assert torch.equal(value, given[name])
    head = source.heads(model)["one"]
    assert len(head["head_type"]) == 2
    best = made.heads[1].params["head_type"]
    torch.testing.assert_close(head["head_type"][:1], best, rtol=1e-3, atol=1e-3)  # half precision


def test_a_start_of_other_sizes_is_refused(tmp_path: Path) -> None:
    checkpoint(tmp_path)
    own = TaggingTraining(
        TaggerTrainConfig(start=str(tmp_path), train=CONFIG.train), ONE
    )  # sizes that nobody asked for are the checkpoint's
    assert own.config.tagger == SIZES
    other = replace(SIZES, filters=9)
    with pytest.raises(UserError, match="has other sizes than the section tagger asks for"):
        TaggingTraining(replace(CONFIG, start=str(tmp_path), tagger=other), ONE)


def test_fresh_weights_are_a_function_of_the_seed() -> None:
    first = started(TaggingTraining(CONFIG, ONE))
    wanted = new_tagger(SIZES, first.vectors, first.alphabet, 0)
    for name, value in first.learner.named_parameters():
        assert torch.equal(value, dict(wanted.named_parameters())[name])


def test_held_out_sentences_are_not_in_the_lexicon() -> None:
    source = TaggingTraining(CONFIG, ONE)
    model = source.fresh(Progress())
    source.use(model, CPU, {"one": range(10)})
    wanted = lexicon_of(ONE[0].split("train")[:10], ("X", "Y"), 1.0)
    assert source._lexicons["one"] == wanted
    with pytest.raises(UserError, match=r"lexicon holds -1; use 0 to 1000"):
        TaggingTraining(replace(CONFIG, lexicon=(-1.0,)), ONE)
