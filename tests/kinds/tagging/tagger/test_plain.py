"""A tagger with a plain LSTM: what adapts, all algorithms, saving; and models from before it."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest
import torch

from fewshot_metalstm.data.digests import sealed
from fewshot_metalstm.errors import UserError
from fewshot_metalstm.kinds.tagging.adapt.tuning import tuned_names
from fewshot_metalstm.kinds.tagging.tagger.encoding import Batch
from fewshot_metalstm.kinds.tagging.tagger.lexicon import Lexicon
from fewshot_metalstm.kinds.tagging.tagger.model import (
    TaggerModel,
    adapted_model,
    load_model,
    new_tagger,
    save_model,
)
from fewshot_metalstm.kinds.tagging.training.recipe import MetaTrainConfig, make_algorithm
from fewshot_metalstm.meta.algorithm import InnerConfig
from fewshot_metalstm.meta.func import FuncMAML
from fewshot_metalstm.meta.learner import Episode
from fewshot_metalstm.meta.maml import MAML
from fewshot_metalstm.meta.outer import OuterConfig, OuterLoop
from fewshot_metalstm.meta.pool import EpisodePool
from fewshot_metalstm.nn.cell_config import MetaLSTMConfig
from tests.kinds.tagging.tagger.builders import TAGGER, double, encoded, model, own, same, sentences
from tests.meta.toys import flatten, noise

LSTM = {"lstm.basic_wx", "lstm.basic_wh", "lstm.basic_b"}


def plain(types: int = 1) -> TaggerModel:
    made = model(types)
    config = replace(TAGGER, lstm=replace(TAGGER.lstm, kind="plain"))
    learner = new_tagger(config, made.vectors, made.alphabet, 7, types)
    return replace(made, learner=learner)


def episodes() -> list[Episode]:
    """Of two tasks whose batches differ in types and in every size."""
    table, made = plain().table(), []
    for number, types in enumerate((("Cell",), ("Gene", "Site"))):
        pair = (sentences(3 + number, types, number), sentences(4, types, 10 + number))
        support, query = (double(encoded(table, given, types)) for given in pair)
        made.append(Episode(support, query, types[0]))
    return made


def test_the_whole_lstm_and_the_head_are_the_tasks_own() -> None:
    learner = plain().learner
    assert set(learner.basic()) == LSTM
    assert set(tuned_names(learner, "basic")) == LSTM | set(learner.head())
    rest = set(tuned_names(learner, "all")) - set(tuned_names(learner, "basic"))
    assert rest
    assert all(name.startswith("characters.") for name in rest)
    sizes = [
        sum(p.numel() for n, p in made.learner.named_parameters() if n.startswith("lstm."))
        for made in (plain(), model())
    ]
    assert sizes[0] == pytest.approx(sizes[1], rel=0.1)
    assert learner.head_outside.shape == (1, learner.lstm.outputs)


@pytest.mark.parametrize("noisy", [False, True])
def test_the_engine_func_gives_highers_gradient(noisy: bool) -> None:
    inner = InnerConfig(steps=2, lr=0.1, clip=1.0, noise=noisy)
    learner, given = plain().learner.double(), episodes()
    ours = FuncMAML(inner).outcomes(learner, given, [noise(i) for i in range(2)])
    for i, (episode, outcome) in enumerate(zip(given, ours, strict=True)):
        other = MAML(inner).outcome(learner, episode, noise(i))
        torch.testing.assert_close(
            flatten(outcome.gradient), flatten(other.gradient), rtol=1e-9, atol=1e-11
        )
        first = MAML(inner, order=1).outcome(learner, episode, noise(i))
        assert not torch.allclose(flatten(first.gradient), flatten(other.gradient), rtol=1e-3)


@pytest.mark.parametrize("kind", ["hyper-lstm", "qrnn"])
def test_the_engine_func_serves_other_cells(kind: str) -> None:
    """With what the learner's own slopes, taken by differentiating twice, have to stand in for."""
    inner = InnerConfig(steps=2, lr=0.1, clip=1.0, noise=True)
    drops = 0.3 if kind == "hyper-lstm" else 0.0
    lstm = MetaLSTMConfig(kind, False, 3, 2, 2, recurrent_dropout=drops)
    made = model()
    config = replace(TAGGER, lstm=lstm)
    learner = new_tagger(config, made.vectors, made.alphabet, 7).double()
    given = episodes()
    ours = FuncMAML(inner).outcomes(learner, given, [noise(i) for i in range(2)])
    for i, (episode, outcome) in enumerate(zip(given, ours, strict=True)):
        other = MAML(inner).outcome(learner, episode, noise(i))
        torch.testing.assert_close(
            flatten(outcome.gradient), flatten(other.gradient), rtol=1e-9, atol=1e-11
        )


@pytest.mark.parametrize("name", ["fomaml", "anil", "reptile", "meta-sgd", "maml++", "lstm"])
def test_an_outer_step_of_every_algorithm_changes_every_tensor(name: str) -> None:
    learner, given = plain().learner, episodes()
    given = [replace(e, support=_single(e.support), query=_single(e.query)) for e in given]
    algorithm = make_algorithm(MetaTrainConfig(algorithm=name, inner=InnerConfig(steps=2, lr=0.05)))
    algorithm.prepare(learner)
    before = own(learner)

    class Source:
        def episode(self, step: int, index: int) -> Episode:
            return given[index]

    with EpisodePool(
        learner, algorithm, Source(), None, meta_batch=2, workers=1, seed=0
    ) as pool:  # fmt: skip
        record = OuterLoop(learner, OuterConfig(lr=0.01)).step(pool)
    assert not record.skipped
    for tensor, value in learner.named_parameters():
        if not tensor.startswith("inner."):
            assert not torch.equal(value, before[tensor]), tensor


def test_it_is_the_same_after_saving(tmp_path: Path) -> None:
    made = plain(2)
    made = adapted_model(made, own(made.learner), ("T0", "T1"), {}, Lexicon())
    save_model(made, tmp_path / "m")
    read = load_model(tmp_path / "m")
    assert read.learner.config == made.learner.config
    assert same(own(read.learner), own(made.learner))
    batches = [
        encoded(m.table(), sentences(6, ("T0", "T1"), 3), ("T0", "T1")) for m in (made, read)
    ]
    one, two = (m.learner.emissions(b) for m, b in zip((made, read), batches, strict=True))
    assert torch.equal(one, two)


def test_a_model_from_before_is_read_as_it_was(tmp_path: Path) -> None:
    """Its config names no kind, and its weights are those of the generated LSTM."""
    made = model()
    save_model(made, tmp_path / "m")
    path = tmp_path / "m" / "config.json"
    stored = json.loads(path.read_text())
    for name in ("kind", "match"):
        del stored["tagger"]["lstm"][name]
    path.write_text(json.dumps(sealed(stored)))
    read = load_model(tmp_path / "m")
    assert read.learner.config.lstm == MetaLSTMConfig(hidden=8, meta=4, z=5)
    assert same(own(read.learner), own(made.learner))


def test_weights_of_the_other_kind_are_refused(tmp_path: Path) -> None:
    save_model(model(), tmp_path / "m")
    path = tmp_path / "m" / "config.json"
    stored = json.loads(path.read_text())
    stored["tagger"]["lstm"]["kind"] = "plain"
    path.write_text(json.dumps(sealed(stored)))
    with pytest.raises(UserError, match="does not fit the weights"):
        load_model(tmp_path / "m")


def test_an_unknown_kind_is_refused_before_anything_is_done() -> None:
    config = MetaTrainConfig(tagger=replace(TAGGER, lstm=MetaLSTMConfig(kind="gru")))
    with pytest.raises(UserError, match=r"tagger\.lstm\.kind 'gru' is unknown"):
        make_algorithm(config)


def _single(batch: Batch) -> Batch:
    """A batch in single precision."""
    return replace(batch, vectors=batch.vectors.float(), case=batch.case.float())
