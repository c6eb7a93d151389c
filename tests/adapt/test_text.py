"""Raw text to tokens with offsets."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from fewshot_metalstm.adapt.text import split


@given(st.text(max_size=200))
def test_tokens_are_what_stands_at_their_offsets_and_nothing_is_lost(text: str) -> None:
    sentences = split(text)
    last = 0
    for sentence in sentences:
        assert len(sentence.tokens) == len(sentence.offsets) > 0
        for token, (start, end) in zip(sentence.tokens, sentence.offsets, strict=True):
            assert text[start:end] == token
            assert text[last:start].strip() == ""  # only white space lies between tokens
            last = end
    assert text[last:].strip() == ""


def test_tokens_are_split_as_the_corpora_are() -> None:
    (sentence,) = split("IL-2 (5 mg/kg) was given.")
    assert sentence.tokens == (
        "IL", "-", "2", "(", "5", "mg", "/", "kg", ")", "was", "given", ".",
    )  # fmt: skip


def test_sentences_end_where_a_reader_would_end_them() -> None:
    text = 'Mice had E. coli (Fig. 2). No L. lactis grew vs. controls. "Odd!" 5 died\nTitle line'
    assert [" ".join(s.tokens[-2:]) for s in split(text)] == [
        ") .", "controls .", '! "', "5 died", "Title line",
    ]  # fmt: skip
