"""A tagger that reads an encoder's features beside its word vectors."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import pytest
import torch

from fewshot_metalstm.adapt.finetune import AdaptConfig
from fewshot_metalstm.errors import UserError
from fewshot_metalstm.kinds.tagging.adapt.tagger import adapt_to
from fewshot_metalstm.kinds.tagging.tagger.decode import tag
from fewshot_metalstm.kinds.tagging.tagger.encoding import Batch, WordTable
from fewshot_metalstm.kinds.tagging.tagger.generated import generated
from fewshot_metalstm.kinds.tagging.tagger.merged import merged, merged_config
from fewshot_metalstm.kinds.tagging.tagger.model import TaggerModel, load_model, new_tagger
from fewshot_metalstm.kinds.tagging.tagger.model import save_model as save
from fewshot_metalstm.meta.algorithm import InnerConfig
from fewshot_metalstm.meta.func import FuncMAML
from fewshot_metalstm.meta.learner import Episode
from fewshot_metalstm.meta.maml import MAML
from tests.encoders.fakes import REFERENCE, SIZE, FakeEncoder
from tests.kinds.tagging.tagger import builders
from tests.kinds.tagging.tagger.builders import TAGGER, TARGET, encoded, own, sentences
from tests.meta.toys import flatten, noise

CONFIG = replace(TAGGER, context=SIZE, context_size=5)


def model() -> TaggerModel:
    made = builders.model()
    learner = new_tagger(CONFIG, made.vectors, made.alphabet, 7)
    return replace(made, learner=learner, encoder=REFERENCE)


def table() -> WordTable:
    made = model()
    return WordTable(made.vectors, made.alphabet, FakeEncoder())


def test_without_a_map_it_is_the_tagger_without_an_encoder() -> None:
    made, plain = model().learner, builders.model().learner
    inputs = plain.lstm.inputs
    with torch.no_grad():
        for name, value in plain.named_parameters():
            weights = made.get_parameter(name)
            value.copy_(weights if weights.shape == value.shape else weights[:, :inputs])
        made.context_weight.zero_()
    given = TARGET.split("train")[:9]
    ours = made.emissions(encoded(table(), given, TARGET.types))
    theirs = plain.emissions(encoded(builders.model().table(), given, TARGET.types))
    torch.testing.assert_close(ours, theirs)
    made.context_weight.data.fill_(0.5)
    assert not torch.equal(made.emissions(encoded(table(), given, TARGET.types)), ours)
    with pytest.raises(ValueError, match="no features of the encoder"):
        made.emissions(encoded(builders.model().table(), given, TARGET.types))


def test_a_sentence_alone_and_beside_others() -> None:
    made, words = model().learner, table()
    given = [s.tokens for s in TARGET.split("train")[:9]]
    together = tag(made, own(made), words, given, ("A",))
    assert together == [tag(made, own(made), table(), [tokens], ("A",))[0] for tokens in given]


def double(batch: Batch) -> Batch:
    assert batch.context is not None
    return replace(builders.double(batch), context=batch.context.double())


def episodes() -> list[Episode]:
    words = table()
    return [
        Episode(
            double(encoded(words, sentences(3 + i, types, i), types)),
            double(encoded(words, sentences(4, types, 10 + i), types)), types[0],
        )
        for i, types in enumerate((("Cell",), ("Gene", "Site"), ("Drug",)))
    ]  # fmt: skip


@pytest.mark.parametrize("order", [1, 2])
def test_episodes_side_by_side_have_the_gradients_of_each(order: int) -> None:
    learner, given = model().learner.double(), episodes()
    inner = InnerConfig(steps=2, lr=0.1, noise=True)
    ours = FuncMAML(inner, order).outcomes(learner, given, [noise(i) for i in range(3)])
    for i, (episode, outcome) in enumerate(zip(given, ours, strict=True)):
        other = MAML(inner, order).outcome(learner, episode, noise(i))
        torch.testing.assert_close(
            flatten(outcome.gradient), flatten(other.gradient), rtol=1e-9, atol=1e-11
        )


def test_two_as_one() -> None:
    made = model()
    first, second = (new_tagger(CONFIG, made.vectors, made.alphabet, seed, 2) for seed in (1, 2))
    joined = new_tagger(merged_config(CONFIG, 2), made.vectors, made.alphabet, 0, 2)
    batch = encoded(table(), TARGET.split("train")[:8], TARGET.types)
    mean = (first.emissions(batch) + second.emissions(batch)) / 2
    found = joined.emissions_with(merged([own(first), own(second)], CONFIG), batch)
    torch.testing.assert_close(found, mean, rtol=1e-4, atol=1e-5)


def test_how_far_its_map_moves_is_a_setting() -> None:
    made, support = model().learner, TARGET.split("train")[:8]
    before = made.context_weight.detach()

    def moved(features: float) -> Mapping[str, torch.Tensor]:
        config = AdaptConfig(epochs=1, min_steps=1, features=features)
        params = adapt_to(made, table(), support, TARGET.types, "all", config, 0).params
        return {"map": params["context_weight"] - before, "head": params["head_outside"]}

    usual, less, none = moved(1.0), moved(0.25), moved(0.0)
    assert usual["map"].any()
    assert not none["map"].any()
    torch.testing.assert_close(less["map"], 0.25 * usual["map"])
    assert torch.equal(less["head"], usual["head"])


def test_z_is_read_by_token() -> None:
    made = model()
    text = [s.tokens for s in TARGET.split("train")[:3]]
    found = generated(made, text, table())
    assert len(found.z) == sum(map(len, text))


def test_name_and_digest_are_kept_and_no_weights(tmp_path: Path) -> None:
    made = model()
    save(made, tmp_path / "c")
    read = load_model(tmp_path / "c")
    assert read.encoder == REFERENCE
    assert read.learner.config == CONFIG
    stored = json.loads((tmp_path / "c" / "config.json").read_text())
    assert stored["format_version"] == 3
    assert stored["encoder"] == vars(REFERENCE)
    assert sum(p.numel() for p in read.learner.parameters()) < 20_000
    with pytest.raises(UserError, match="encoder"):  # it is not on any machine
        read.table()
    save(builders.model(), tmp_path / "plain")
    plain = json.loads((tmp_path / "plain" / "config.json").read_text())
    assert not any(name.startswith("context") for name in plain["tagger"])
