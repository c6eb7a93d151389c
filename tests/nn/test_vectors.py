"""Looking up word vectors, against gensim where gensim says how."""

from __future__ import annotations

import numpy as np
import pytest
from gensim.models import FastText
from gensim.models.fasttext_inner import compute_ngrams, ft_hash_bytes
from hypothesis import given, settings
from hypothesis import strategies as st

from fewshot_metalstm.nn.stored_rows import Quantised, quantise
from fewshot_metalstm.nn.vectors import Subwords, WordVectors, ngram_hashes, normalise


def vectors(*words: str, subwords: Subwords | None = None, size: int = 4) -> WordVectors:
    rng = np.random.default_rng(0)
    matrix = rng.normal(size=(len(words), size)).astype(np.float16)
    return WordVectors(words, matrix, subwords)


@settings(max_examples=150, deadline=None)
@given(
    word=st.text(st.sampled_from("abcß-é日本<>0"), min_size=0, max_size=8),
    low=st.integers(1, 4),
    more=st.integers(0, 3),
)
def test_ngram_hashes_equal_gensims(word: str, low: int, more: int) -> None:
    from gensim.models.fasttext_inner import compute_ngrams_bytes

    theirs = [ft_hash_bytes(n) % 1000 for n in compute_ngrams_bytes(word, low, low + more)]
    assert sorted(ngram_hashes(word, low, low + more, 1000)) == sorted(theirs)
    if low > 1:  # of single characters the two functions of gensim keep different ones
        grams = compute_ngrams(word, low, low + more)
        assert len(ngram_hashes(word, low, low + more, 1000)) == len(grams)


def test_unknown_words_have_the_vectors_that_gensim_gives_them() -> None:
    text = [["the", "mouse", "ran"], ["a", "rat", "ran"]] * 5
    model = FastText(
        text, vector_size=8, bucket=50, min_n=2, max_n=4, min_count=1, epochs=2, workers=1, seed=3
    )
    wv = model.wv
    ours = WordVectors(
        tuple(wv.index_to_key), wv.vectors.astype(np.float16),
        Subwords(wv.vectors_ngrams.astype(np.float16), 2, 4),
    )  # fmt: skip
    words = ["mouses", "ratty", "écoli", "zz"]
    for word, row in zip(words, ours.lookup(words), strict=True):
        theirs = wv.get_vector(word)
        theirs = theirs / np.sqrt(np.mean(theirs**2))
        np.testing.assert_allclose(row, theirs, rtol=2e-2, atol=2e-2)


def test_lookup_takes_the_word_its_lower_case_then_its_normal_form() -> None:
    known = vectors("BRCA1", "brca1", "p00")
    rows = known.lookup(["BRCA1", "Brca1", "P53", "nowhere"])
    for i, row in enumerate(rows[:3]):
        wanted = np.asarray(known.matrix[[i]], np.float32)[0]
        np.testing.assert_allclose(row, wanted / np.sqrt(np.mean(wanted**2)), rtol=1e-6)
    assert not rows[3].any()
    assert "P53" in known
    assert "nowhere" not in known
    assert normalise("Il-2R") == "il-0r"


def test_lookup_gives_unit_root_mean_square_or_zero() -> None:
    known = WordVectors(("a", "zero"), np.array([[3, 4], [0, 0]], np.float16))
    rows = known.lookup(["a", "zero"])
    assert np.sqrt(np.mean(rows[0] ** 2)) == pytest.approx(1.0)
    assert not rows[1].any()
    assert rows.dtype == np.float32
    assert known.lookup([]).shape == (0, 2)


def test_a_word_without_ngrams_is_zero() -> None:
    subwords = Subwords(np.ones((5, 4), np.float16), 3, 5)
    assert not vectors("known", subwords=subwords).lookup([""])[0].any()
    assert vectors("known", subwords=subwords).lookup(["abc"])[0].any()


@settings(max_examples=60, deadline=None)
@given(seed=st.integers(0, 99), rows=st.integers(1, 6), spread=st.sampled_from([1e-3, 1.0, 300.0]))
def test_quantised_rows_are_off_by_half_a_step_at_most(seed: int, rows: int, spread: float) -> None:
    made = np.random.default_rng(seed).normal(size=(rows, 12)) * spread
    half = made.astype(np.float16)
    small = quantise(half)
    assert small.codes.dtype == np.int8
    assert (len(small), small.shape) == (rows, (rows, 12))
    off = np.abs(small[:] - half.astype(np.float32))
    assert (off <= 0.501 * small.scales[:, None]).all()
    assert (np.abs(small.codes).max(axis=1) == 127).all()
    assert quantise(small) is small


def test_a_row_of_zeros_stays_one() -> None:
    small = quantise(np.zeros((2, 3), np.float16))
    assert not small[:].any()
    assert quantise(np.zeros((0, 3), np.float16))[[]].shape == (0, 3)


def test_quantised_vectors_answer_as_before() -> None:
    rng = np.random.default_rng(1)
    words = tuple(f"word{i}" for i in range(40))
    buckets = rng.normal(size=(30, 50)).astype(np.float16)
    matrix = rng.normal(size=(40, 50)).astype(np.float16)
    before = WordVectors(words, matrix, Subwords(buckets, 3, 4))
    after = WordVectors(words, quantise(matrix), Subwords(quantise(buckets), 3, 4))
    asked = ["word3", "Word7", "unknown", "", "wordy", "word39"]
    one, other = before.lookup(asked), after.lookup(asked)
    assert one.dtype == other.dtype == np.float32
    cosine = (one * other).mean(axis=1)
    assert (cosine[[0, 1, 2, 4, 5]] > 0.9999).all()
    assert not other[3].any()
    assert after.size == 50
    assert after.lookup([]).shape == (0, 50)


def test_codes_and_scales_have_to_fit() -> None:
    with pytest.raises(ValueError, match=r"codes and scales of the shapes \(2, 3\) and \(3,\)"):
        Quantised(np.zeros((2, 3), np.int8), np.ones(3, np.float32))
