"""Looking up word vectors, against gensim where gensim says how."""

from __future__ import annotations

import numpy as np
import pytest
from gensim.models import FastText
from gensim.models.fasttext_inner import compute_ngrams, ft_hash_bytes
from hypothesis import given, settings
from hypothesis import strategies as st

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
        wanted = known.matrix[i].astype(np.float32)
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
