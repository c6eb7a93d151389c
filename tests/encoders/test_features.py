"""Features of a frozen encoder: the last layers' mean over a word's subwords."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from fewshot_metalstm.encoders import features
from fewshot_metalstm.encoders.features import FrozenEncoder
from fewshot_metalstm.encoders.reference import refer
from tests.kinds.tagging.adapt.needed import tiny_bert, transformers_or_skip


@pytest.fixture(scope="module")
def encoder(tmp_path_factory: pytest.TempPathFactory) -> FrozenEncoder:
    return refer(str(tiny_bert(tmp_path_factory.mktemp("models") / "tiny"))).opened()


def test_a_word_has_the_mean_of_its_subwords(encoder: FrozenEncoder) -> None:
    transformers = transformers_or_skip()
    model = transformers.BertModel.from_pretrained(encoder.folder).eval()
    tokenizer = transformers.AutoTokenizer.from_pretrained(encoder.folder)
    with torch.no_grad():
        states = model(torch.tensor([tokenizer("ab cde")["input_ids"]])).last_hidden_state[0]
    wanted = torch.stack([states[1:3].mean(0), states[3:6].mean(0)])
    wanted = wanted / wanted.square().mean(1, keepdim=True).sqrt()
    (found,) = encoder.features([("ab", "cde")])
    assert found.dtype == np.float16
    np.testing.assert_allclose(found, wanted, atol=2e-3)


def test_a_sentence_alone_and_beside_others(
    encoder: FrozenEncoder, monkeypatch: pytest.MonkeyPatch
) -> None:
    long = tuple("abcdefgh"[: 1 + i % 8] for i in range(60))  # of several windows
    text = [("a",), (), long, ("ab", "c")]
    found = encoder.features(text)
    assert [len(each) for each in found] == [len(tokens) for tokens in text]
    monkeypatch.setattr(features, "REMEMBERED", found[3].nbytes)
    fresh = type(encoder)(encoder.folder, encoder.sha256, encoder.size)
    for tokens, each in zip(text, found, strict=True):
        np.testing.assert_array_equal(fresh.features([tokens])[0], each)
    assert len(fresh._remembered) == 1
    assert not np.array_equal(encoder.features([("ab", "d")])[0][0], found[3][0]), "in context"
