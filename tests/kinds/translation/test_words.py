"""Words as a translator's encoder reads them: the mean over the subwords of each, in context."""

from __future__ import annotations

import pickle
from dataclasses import replace

import numpy as np
import pytest
import torch

from fewshot_metalstm.encoders.features import FrozenEncoder
from fewshot_metalstm.kinds.translation.encoding import encode_sources, sentences
from fewshot_metalstm.kinds.translation.kind import TRANSLATION
from fewshot_metalstm.kinds.translation.model import TranslationModel, new_translator, save_model
from tests.kinds.translation.builders import SMALL, subwords

SENTENCE = ("a", "dog", "sees", "naïve", "water", ".")
OTHER = ("the", "red", "tree", "runs", "and", "a", "big", "unheard-of", "man", "sees", ".")


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> tuple[TranslationModel, FrozenEncoder]:
    """A translator of two layers, and what is read with it."""
    own = subwords()
    model = TranslationModel(new_translator(replace(SMALL, layers=2), len(own), 0), own)
    folder = tmp_path_factory.mktemp("translator") / "model"
    save_model(model, folder)
    return model, TRANSLATION.word_encoder(folder, "0" * 64)


def test_a_word_has_the_mean_of_its_subwords(
    made: tuple[TranslationModel, FrozenEncoder],
) -> None:
    model, encoder = made
    read = encode_sources([" ".join(SENTENCE), " ".join(OTHER)], model.subwords)
    with torch.no_grad():
        states = model.learner.encode(sentences(read)).states[0]
    wanted, place = [], 0
    for word in SENTENCE:
        pieces = len(model.subwords.numbers([word])[0])
        mean = states[place : place + pieces].mean(0)
        wanted.append(mean / mean.square().mean().sqrt())
        place += pieces
    assert place == len(read[0]) - 1 > len(SENTENCE)
    (found,) = encoder.features([SENTENCE])
    assert found.dtype == np.float16
    assert found.shape == (len(SENTENCE), encoder.size)
    np.testing.assert_allclose(found, torch.stack(wanted), atol=2e-3)


def test_a_sentence_alone_beside_others_and_in_another_process(
    made: tuple[TranslationModel, FrozenEncoder],
) -> None:
    _, encoder = made
    text = [OTHER, (), SENTENCE, ("", "x")]
    found = encoder.features(text)
    assert [len(each) for each in found] == [11, 0, 6, 2]
    again: FrozenEncoder = pickle.loads(pickle.dumps(encoder))
    for tokens, each in zip(text, found, strict=True):
        np.testing.assert_array_equal(again.features([tokens])[0], each)
    changed = encoder.features([(*SENTENCE[:-1], "!")])[0]
    assert not np.allclose(changed[0], found[2][0], atol=1e-3), "what comes later counts"
