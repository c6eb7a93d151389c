"""Raw text to tokens with offsets."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise

from hypothesis import given, settings
from hypothesis import strategies as st

from fewshot_metalstm.kinds.tagging.corpora.text import sentence_bounds, split, split_stream


@settings(deadline=None)
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


_PIECES = (
    "a",
    "B",
    ". ",
    "! ",
    ") ",
    '"',
    "[",
    "E. ",
    "37 C. ",
    "It ",
    "\n",
    "\u0301",
    "_",
    "\x85",
    "\u2028",
    "\xa0",
)


@settings(deadline=None)
@given(st.text(max_size=60) | st.lists(st.sampled_from(_PIECES), max_size=30).map("".join))
def test_bounds_of_sentences_are_those_of_their_tokens(text: str) -> None:
    expected = [(each.offsets[0][0], each.offsets[-1][1]) for each in split(text)]
    assert list(sentence_bounds(text)) == expected


def test_tokens_are_split_as_the_corpora_are() -> None:
    (sentence,) = split("IL-2 (5 mg/kg) was given.")
    assert sentence.tokens == (
        "IL", "-", "2", "(", "5", "mg", "/", "kg", ")", "was", "given", ".",
    )  # fmt: skip


def test_marks_stay_with_their_letters_and_symbols_stand_alone() -> None:
    (sentence,) = split("e\u0301 1,4-β-D/δ_2")
    assert sentence.tokens == (
        "e\u0301", "1", ",", "4", "-", "β", "-", "D", "/", "δ", "_", "2",
    )  # fmt: skip


def test_sentences_end_where_a_reader_would_end_them() -> None:
    text = 'Mice had E. coli (Fig. 2). No L. lactis grew vs. controls. "Odd!" 5 died\nTitle line'
    assert [" ".join(s.tokens[-2:]) for s in split(text)] == [
        ") .", "controls .", '! "', "5 died", "Title line",
    ]  # fmt: skip


def test_a_unit_ends_a_sentence() -> None:
    text = "Kept at 37 C. Cells grew at 4 °C. Mice ate. Of S. Typhi 5 died. It had 3 K. Five"
    assert [" ".join(s.tokens[:2]) for s in split(text)] == [
        "Kept at", "Cells grew", "Mice ate", "Of S", "It had", "Five",
    ]  # fmt: skip


def test_a_word_that_a_piece_cuts_is_not_taken_for_its_beginning() -> None:
    text = "Kinase C. Interleukin B. In A. Then"
    whole = split(text)
    assert [s.tokens[-1] for s in whole] == [".", ".", "Then"]
    for cut in range(len(text)):
        assert list(split_stream([text[:cut], text[cut:]])) == whole


def test_a_single_capital_ends_a_sentence_before_a_word_that_begins_one() -> None:
    text = (
        "Kinase C. It binds vitamin B. (The rest of J. B. Theis and L. Innes, e.g. of S. aureus.)"
    )
    assert [" ".join(s.tokens[-2:]) for s in split(text)] == ["C .", "B .", ". )"]


PARTS = (
    "A.",
    "b.",
    "In",
    "The",
    "t",
    "1",
    " ",
    " ",
    "!",
    "?",
    '"',
    "'",
    ")",
    "(",
    "\n",
    "\r",
    "\u2028",
)


@settings(deadline=None)
@given(
    st.lists(st.sampled_from(PARTS), max_size=40).map("".join),
    st.lists(st.integers(0, 60)),
)
def test_a_text_in_pieces_is_the_text_as_a_whole(text: str, cuts: list[int]) -> None:
    bounds = [0, *sorted(cuts), len(text)]
    pieces = [text[a:b] for a, b in pairwise(bounds)]
    assert list(split_stream(pieces)) == split(text)


def test_sentences_are_given_before_the_text_has_ended() -> None:
    def pieces() -> Iterator[str]:
        yield "One is here. Two g"
        yield "oes on. Thr"
        raise AssertionError("asked for more than was needed")

    found = split_stream(pieces())
    assert [next(found).text, next(found).text] == ["One is here.", "Two goes on."]


def test_a_sentence_of_many_pieces_is_whole() -> None:
    words = [f"w{i} " for i in range(3000)]
    (sentence,) = split_stream(words)
    assert len(sentence.tokens) == 3000
    assert sentence.offsets[-1] == (len("".join(words)) - 6, len("".join(words)) - 1)
