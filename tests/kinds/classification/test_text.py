"""Tokens of texts."""

from __future__ import annotations

from fewshot_metalstm.kinds.classification.text import ends, tokenise, words


def test_words_keep_apostrophes_and_hyphens_and_marks_are_tokens() -> None:
    assert words("I don't, well-made!!! ... a_b caf\u00e9") == (
        "I", "don't", ",", "well-made", "!!!", "...", "a", "_", "b", "caf\u00e9",
    )  # fmt: skip
    text = "so, so"
    assert [text[a:b] for a, b in tokenise(text)] == list(words(text))
    assert words(" \t\n") == ()


def test_of_long_texts_both_ends_are_read() -> None:
    assert list(ends("abcdefg", 4)) == list("abfg")
    assert list(ends("abcdefg", 5)) == list("abcfg")
    assert list(ends("abc", 3)) == list("abc")
