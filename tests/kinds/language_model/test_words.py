"""Words as a language model reads them: the state behind each, which knows nothing of the next."""

from __future__ import annotations

import pickle
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from fewshot_metalstm.encoders.features import FrozenEncoder
from fewshot_metalstm.kinds.language_model.encoding import START, Batch
from fewshot_metalstm.kinds.language_model.kind import LANGUAGE_MODEL
from fewshot_metalstm.kinds.language_model.learner import LanguageModel
from fewshot_metalstm.kinds.language_model.model import StoredModel, new_model, save_model
from fewshot_metalstm.kinds.language_model.settings import ModelConfig
from fewshot_metalstm.nn.cell_config import MetaLSTMConfig
from tests.kinds.language_model.builders import SMALL

# An LSTM of about the Meta-LSTM's size: it has more outputs than `hidden` says.
MATCHED = ModelConfig(MetaLSTMConfig(kind="lstm", hidden=4, meta=3, z=3), layers=2, embedding=5)
SENTENCE = ("the", "naïve", "cell", "grows")


def stored(config: ModelConfig, folder: Path) -> tuple[LanguageModel, FrozenEncoder]:
    learner = new_model(config, 0)
    save_model(StoredModel(learner), folder)
    return learner, LANGUAGE_MODEL.word_encoder(folder, "0" * 64)


def last_state(learner: LanguageModel, text: str) -> torch.Tensor:
    """What stands for a text up to its last character."""
    read = torch.tensor([[START, *text.encode()]])
    none = torch.zeros_like(read)
    with torch.no_grad():
        return learner.states(Batch(read, none, none, torch.tensor([read.shape[1]]), 0))[0, -1]


@pytest.mark.parametrize("config", [replace(SMALL, symbol_dropout=0.5), MATCHED])
def test_a_word_has_the_state_behind_its_last_character(
    config: ModelConfig, tmp_path: Path
) -> None:
    learner, encoder = stored(config, tmp_path / "model")
    states = [last_state(learner, " ".join(SENTENCE[:n])) for n in range(1, 5)]
    wanted = torch.stack([state / state.square().mean().sqrt() for state in states])
    (found,) = encoder.features([SENTENCE])
    assert found.dtype == np.float16
    assert found.shape == (4, encoder.size)
    np.testing.assert_allclose(found, wanted, atol=2e-3)
    (begun,) = encoder.features([(*SENTENCE[:2], "yeast", "\ud800")])
    np.testing.assert_array_equal(begun[:2], found[:2])
    assert not np.allclose(begun[3], found[3], atol=0.05)


def test_a_sentence_alone_beside_others_and_in_another_process(tmp_path: Path) -> None:
    _, encoder = stored(SMALL, tmp_path / "model")
    text = [SENTENCE, (), ("a",), SENTENCE[1:], ("",)]
    found = encoder.features(text)
    assert [len(each) for each in found] == [4, 0, 1, 3, 1]
    again: FrozenEncoder = pickle.loads(pickle.dumps(encoder))
    for tokens, each in zip(text, found, strict=True):
        np.testing.assert_array_equal(again.features([tokens])[0], each)
    assert not np.array_equal(found[3], found[0][1:]), "in context"
