"""Words as the pieces of an encoder: cut as the package tokenizers cuts them."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from tokenizers import Tokenizer
from tokenizers.models import WordPiece
from tokenizers.normalizers import BertNormalizer
from tokenizers.pre_tokenizers import BertPreTokenizer

from fewshot_metalstm.nn.pieces import WordPieces
from fewshot_metalstm.nn.stored_rows import Quantised
from fewshot_metalstm.nn.vectors import Subwords, WordVectors, quantised_vectors

PIECES = (
    "[PAD]", "[UNK]", "a", "ab", "##b", "##bc", "c", "A", "é", "e", "##e", "-", "\u03c3",
    "##\u03c3", "日", "ß", "##ß", "1", "##1", "(", "##c", "##a",
)  # fmt: skip
LETTERS = "abcABCéÉe-(日Σσ ß1\u0301\u200b\x00\t\x85\u3000\u0378\ufffdz"


def pieces(*, lower: bool = True, size: int = 4) -> WordPieces:
    matrix = np.random.default_rng(0).normal(size=(len(PIECES), size)).astype(np.float16)
    return WordPieces(PIECES, matrix, 1, lower, "a test's")


def theirs(*, lower: bool) -> Tokenizer:
    made = Tokenizer(WordPiece({p: i for i, p in enumerate(PIECES)}, unk_token="[UNK]"))
    made.normalizer = BertNormalizer(lowercase=lower)
    made.pre_tokenizer = BertPreTokenizer()
    return made


@pytest.mark.parametrize("lower", [True, False])
@settings(max_examples=300, deadline=None)
@given(
    word=st.text(st.sampled_from(LETTERS), max_size=6)
    | st.text(st.characters(max_codepoint=0x24F), max_size=4)
)
@example(word="aΣ")
@example(word="a" * 101)
@example(word="abc-abc")
def test_words_are_cut_as_by_the_package(word: str, lower: bool) -> None:
    """But for characters that its tables of Unicode are too old to know."""
    expected = theirs(lower=lower).encode(word, add_special_tokens=False).ids
    assert pieces(lower=lower).cut(word) == (expected or [1])


def test_a_word_has_the_mean_of_its_pieces() -> None:
    made = pieces()
    rows = made.matrix[:].astype(np.float32)
    found = made.lookup(["abbc", "c", "zz", ""])
    np.testing.assert_allclose(found[0], (rows[3] + rows[5]) / 2, rtol=1e-6)
    np.testing.assert_array_equal(found[1:], rows[[6, 1, 1]])
    assert made.lookup([]).shape == (0, 4)
    with pytest.raises(ValueError, match="2 vectors for 1 pieces"):
        WordPieces(("a",), rows[:2].astype(np.float16), 0, lower=True)
    with pytest.raises(ValueError, match="1 vectors for 1 pieces"):
        WordPieces(("a",), rows[:1].astype(np.float16), 1, lower=True)


def test_they_stand_behind_the_words_own_numbers() -> None:
    rng = np.random.default_rng(1)
    matrix = rng.normal(size=(1, 4)).astype(np.float16)
    buckets = Subwords(rng.normal(size=(5, 4)).astype(np.float16), 2, 3)
    alone = WordVectors(("abbc",), matrix, buckets)
    both = WordVectors(("abbc",), matrix, buckets, pieces=pieces())
    words = ["abbc", "cab", "c"]
    found = both.lookup(words)
    assert both.size == 8
    np.testing.assert_array_equal(found[:, :4], alone.lookup(words))
    np.testing.assert_allclose((found[:, 4:] ** 2).mean(1), 1, rtol=1e-5)
    mean = pieces().lookup(words)
    cosine = (found[:, 4:] * mean).sum(1) / np.linalg.norm(found[:, 4:], axis=1)
    np.testing.assert_allclose(cosine, np.linalg.norm(mean, axis=1), rtol=1e-5)


def test_in_a_byte_a_number_they_are_nearly_the_same() -> None:
    matrix = np.random.default_rng(1).normal(size=(1, 4)).astype(np.float16)
    made = WordVectors(("abbc",), matrix, pieces=pieces())
    small = quantised_vectors(made)
    assert small.pieces is not None
    assert isinstance(small.pieces.matrix, Quantised)
    np.testing.assert_allclose(small.lookup(["ab"]), made.lookup(["ab"]), atol=0.02)
