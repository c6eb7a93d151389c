"""Sentences to tensors and back."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from fewshot_metalstm.kinds.tagging.corpora.sentence import Sentence
from fewshot_metalstm.kinds.tagging.tagger.encoding import (
    Encoded,
    WordTable,
    case_features,
    labels,
    token_batches,
)
from tests.kinds.tagging.tagger.builders import PLAIN, double, encoded, model, sentences, vectors

TYPES = ("Drug", "Gene")
SENTENCES = sentences(12, TYPES, 5)


def table() -> WordTable:
    return WordTable(vectors(PLAIN), "abc")


def test_batch_tells_the_sentences_back() -> None:
    words = table()
    batch = encoded(words, SENTENCES, TYPES)
    names = labels(TYPES)
    distinct = sorted({w for s in SENTENCES for w in s.tokens})
    assert len(batch) == 12
    assert len(batch.vectors) == len(batch.characters) == len(batch.case) == len(distinct)
    for row, sentence in enumerate(SENTENCES):
        length = len(sentence)
        assert int(batch.lengths[row]) == length
        assert [names[i] for i in batch.tags[row, :length].tolist()] == list(sentence.tags)
        assert not batch.tags[row, length:].any()
        assert not batch.index[row, length:].any()
        index = batch.index[row, :length]
        np.testing.assert_array_equal(
            batch.vectors[index].numpy(), words.source.lookup(sentence.tokens)
        )
        wanted = torch.tensor([case_features(w) for w in sentence.tokens])
        assert torch.equal(batch.case[index], wanted)


def test_characters_are_those_of_the_alphabet_one_for_unknown_and_padded_with_zero() -> None:
    batch = encoded(table(), [Sentence(("cab", "x日", "a"), ("O", "O", "O"))], ())
    rows = batch.characters[batch.index[0]].tolist()
    assert rows == [[4, 2, 3], [1, 1, 0], [2, 0, 0]]
    assert batch.types == 0


def test_rows_never_change_as_the_table_grows() -> None:
    words = table()
    first = words.encode(SENTENCES[:3], TYPES)
    before = words.batch(first)
    words.encode(SENTENCES[3:], TYPES)
    after = words.batch(first)
    for name in ("vectors", "characters", "case", "index", "tags", "lengths"):
        assert torch.equal(getattr(before, name), getattr(after, name)), name


def test_a_batch_depends_on_its_sentences_alone() -> None:
    """Else dropout, drawn word by word, would depend on what else a process has read."""
    fresh, used = table(), table()
    used.encode(sentences(30, TYPES, 77)[::-1], TYPES)
    a, b = (encoded(words, SENTENCES, TYPES) for words in (fresh, used))
    for name in ("vectors", "characters", "case", "index", "tags", "lengths"):
        assert torch.equal(getattr(a, name), getattr(b, name)), name


def test_take_gives_the_sentences_in_that_order() -> None:
    words = table()
    some = words.encode(SENTENCES, TYPES)
    a = words.batch(some.take([4, 1]))
    b = encoded(words, [SENTENCES[4], SENTENCES[1]], TYPES)
    assert torch.equal(a.index, b.index)
    assert torch.equal(a.tags, b.tags)


def test_a_foreign_tag_and_an_empty_batch_are_faults_of_the_caller() -> None:
    with pytest.raises(KeyError):
        table().encode(SENTENCES, ("Gene",))
    with pytest.raises(ValueError, match="at least one sentence"):
        table().batch(Encoded((), (), 1))


def test_to_moves_every_tensor() -> None:
    batch = encoded(table(), SENTENCES, TYPES)
    moved = batch.to(torch.device("meta"))
    held = [value for value in vars(moved).values() if isinstance(value, torch.Tensor)]
    assert len(held) == 6
    assert all(value.is_meta for value in held)
    assert moved.types == 2


def test_padding_has_no_influence_on_emissions() -> None:
    made = model(types=2)
    words = made.table()
    learner = made.learner.double()
    together = learner.emissions(double(encoded(words, SENTENCES, TYPES)))
    for row, sentence in enumerate(SENTENCES):
        alone = learner.emissions(double(encoded(words, [sentence], TYPES)))
        torch.testing.assert_close(alone[0], together[row, : len(sentence)])


@pytest.mark.parametrize(
    ("word", "features"),
    [
        ("abc", [1, 0, 0, 0, 0, 0, 0, 0]),
        ("ABC", [0, 1, 1, 1, 0, 0, 0, 0]),
        ("Il-2", [0, 0, 1, 0, 1, 0, 1, 0]),
        ("12", [0, 0, 0, 0, 1, 1, 0, 1]),
        (".", [0, 0, 0, 0, 0, 0, 0, 1]),
        ("mRNA", [0, 0, 0, 1, 0, 0, 0, 0]),
    ],
)
def test_case_features(word: str, features: list[int]) -> None:
    assert case_features(word) == features


@given(
    lengths=st.lists(st.integers(1, 30), max_size=40),
    limit=st.integers(1, 60),
)
def test_token_batches_lose_no_sentence_and_keep_to_the_limit(
    lengths: list[int], limit: int
) -> None:
    words = tuple(np.zeros(n, np.int64) for n in lengths)
    batches = token_batches(Encoded(words, words, 1), limit)
    assert sorted(i for batch in batches for i in batch) == list(range(len(lengths)))
    for batch in batches:
        padded = len(batch) * max(lengths[i] for i in batch)
        assert padded <= limit or len(batch) == 1
