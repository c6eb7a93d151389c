"""Text that a model writes: UTF-8 whatever its weights are, the same for the same seed."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from fewshot_metalstm.kinds.language_model.sampling import may_follow, sample
from tests.kinds.language_model.builders import language_model


def written(characters: int, temperature: float, seed: int, prompt: bytes = b"") -> str:
    return "".join(sample(language_model(), prompt, characters, temperature, seed))


def test_what_is_written_is_text_of_so_many_characters() -> None:
    hot = written(60, 50.0, 1)
    assert len(hot) == 60
    assert max(map(ord, hot)) > 0x7FF  # characters of three bytes and more, too
    assert not any(ord(c) < 32 and c not in "\t\n" for c in hot)
    assert hot == written(60, 50.0, 1) != written(60, 50.0, 2)
    assert written(9, 0, 1) == written(9, 0, 2)
    assert written(9, 0, 1) != written(9, 0, 1, b"a prompt of some length")


def test_every_beginning_that_may_be_ends_in_a_character() -> None:
    rng = np.random.default_rng(0)
    for _ in range(3000):
        begun = b""
        while (allowed := np.flatnonzero(may_follow(begun))).size:
            ends = (allowed[0], allowed[-1], rng.choice(allowed))
            begun += bytes([int(ends[rng.integers(3)])])
        assert len(begun.decode()) == 1
    whole = {chr(n) for n in (0x20, 0x7E, 0xA0, 0x7FF, 0x800, 0xD7FF, 0xE000, 0x10000, 0x10FFFF)}
    for character in whole:
        data = character.encode()
        assert all(may_follow(data[:i])[data[i]] for i in range(len(data)))
        assert not may_follow(data).any()


def test_what_is_drawn_follows_the_probabilities() -> None:
    learner = language_model()
    with torch.no_grad():
        learner.head_weight.zero_()
        learner.head_bias.fill_(-50)
        learner.head_bias[ord("a")], learner.head_bias[ord("b")] = 0.0, float(np.log(3))
    text = "".join(sample(learner, b"", 120, 1.0, 0))
    assert set(text) == {"a", "b"}
    assert text.count("b") / 120 == pytest.approx(0.75, abs=0.1)
    cooler = "".join(sample(learner, b"", 120, 0.5, 0))
    assert cooler.count("b") / 120 == pytest.approx(0.9, abs=0.08)
