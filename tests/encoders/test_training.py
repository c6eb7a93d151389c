"""What is made of an encoder before the first step of training."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from fewshot_metalstm.encoders import training
from fewshot_metalstm.encoders.training import EncodedVectorsConfig, word_vectors
from fewshot_metalstm.meta.outcome import Progress
from fewshot_metalstm.nn.pieces import WordPieces
from fewshot_metalstm.nn.pretrain import load_or_train
from fewshot_metalstm.seeds import derive

TEXT = [("we", "saw", "mice"), ("mice", "ran")] * 3
TINY = EncodedVectorsConfig(size=8, epochs=2, min_count=1, buckets=30)


class Phases(Progress):
    """Notes the phases and what of them is done."""

    def __init__(self) -> None:
        self.seen: list[tuple[str, int]] = []
        self.done: list[int] = []

    def phase(self, name: str, total: int, done: int = 0) -> None:
        self.seen.append((name, total))

    def advance(self, done: int, figures: object) -> None:
        self.done.append(done)


def test_without_pieces_they_are_the_vectors_alone() -> None:
    phases = Phases()
    made = word_vectors(TEXT, TINY, 3, phases, {"mice", "we"})
    alone = load_or_train(TEXT, TINY, derive(3, "vectors"), None, {"mice", "we"})
    words = ["mice", "ran", "rats"]
    np.testing.assert_array_equal(made.lookup(words), alone.lookup(words))
    assert (phases.seen, phases.done) == ([("word vectors", 2)], [1, 2])
    assert TINY.numbers == made.size == 8


def test_pieces_are_read_first(monkeypatch: pytest.MonkeyPatch) -> None:
    asked = []

    def read(given: str, size: int, progress: Progress) -> WordPieces:
        asked.append((given, size))
        progress.phase("pieces of the encoder", 3)
        return WordPieces(("[UNK]", "a", "##a"), np.ones((3, size), np.float16), 0, lower=True)

    monkeypatch.setattr(training, "read_pieces", read)
    config = EncodedVectorsConfig(
        size=8, epochs=1, min_count=1, buckets=30, pieces="models/fake", pieces_size=3
    )
    phases = Phases()
    made = word_vectors(TEXT, config, 3, phases)
    assert asked == [("models/fake", 3)]
    assert phases.seen == [("pieces of the encoder", 3), ("word vectors", 1)]
    assert config.numbers == made.size == 11
    np.testing.assert_array_equal(made.lookup(["mice", "aa"])[:, 8:], 1)


def test_vectors_may_have_the_seed_of_another_run() -> None:
    of_another = word_vectors(TEXT, replace(TINY, seed=3), 4, Phases())
    there, own = (word_vectors(TEXT, TINY, seed, Phases()) for seed in (3, 4))
    words = ["mice", "ran", "rats"]
    np.testing.assert_array_equal(of_another.lookup(words), there.lookup(words))
    assert not np.array_equal(own.lookup(words), there.lookup(words))
