"""Subwords: every word is in one window, no window is too long, padding is masked."""

from __future__ import annotations

from typing import Any

import pytest

from fewshot_metalstm.encoders.subwords import Subwords
from fewshot_metalstm.errors import UserError

UNKNOWN, START, END = 1, 2, 3


class Letters:
    """A tokenizer whose subwords are characters; it makes nothing of dots."""

    unk_token_id = UNKNOWN
    pad_token_id = 0

    def __call__(
        self, words: list[str], *, add_special_tokens: bool, **_: Any
    ) -> dict[str, list[int]]:
        ids = [ord(c) for word in words for c in word if c != "."]
        return {"input_ids": [START, *ids, END] if add_special_tokens else ids}


def letters(text: str) -> tuple[int, ...]:
    return (START, *map(ord, text), END)


def test_a_sentence_that_fits_is_one_window() -> None:
    (window,) = Subwords(Letters(), 9).windows(("abc", "d", "ef"))
    assert window.ids == letters("abcdef")
    assert window.firsts == (1, 4, 5)
    assert Subwords(Letters(), 9).windows(()) == []


def test_a_longer_one_is_cut_between_words() -> None:
    subwords = Subwords(Letters(), 6)
    windows = subwords.windows(("abc", "d", "ef", "ghij", "k"))
    assert [w.ids for w in windows] == [letters(t) for t in ("abcd", "ef", "ghij", "k")]
    assert [w.firsts for w in windows] == [(1, 4), (1,), (1,), (1,)]
    for part, alone in zip(windows, (("abc", "d"), ("ef",), ("ghij",), ("k",)), strict=True):
        assert [part] == subwords.windows(alone), "a window is what its words alone give"


@pytest.mark.parametrize("longest", [3, 4, 7, 100])
def test_every_word_has_one_first_subword_in_order(longest: int) -> None:
    tokens = ("ab", "cde", "f", "ghijklm", "n", "opq")
    windows = Subwords(Letters(), longest).windows(tokens)
    assert max(len(w.ids) for w in windows) <= longest
    firsts = [w.ids[i] for w in windows for i in w.firsts]
    assert firsts == [ord(token[0]) for token in tokens]


def test_a_word_of_nothing_and_one_beyond_a_window() -> None:
    subwords = Subwords(Letters(), 5)
    assert subwords.windows(("...",)) == subwords.windows(("..",))
    (window,) = subwords.windows(("...", "a"))
    assert window.ids == (START, UNKNOWN, ord("a"), END)
    (window,) = subwords.windows(("abcdefgh",))
    assert window.ids == letters("abc")


def test_padding_is_masked() -> None:
    subwords = Subwords(Letters(), 9)
    batch = subwords.batch([*subwords.windows(("abc",)), *subwords.windows(("d",))])
    assert batch.ids.tolist() == [list(letters("abc")), [*letters("d"), 0, 0]]
    assert batch.mask.tolist() == [[1] * 5, [1, 1, 1, 0, 0]]


def test_a_window_needs_room_for_a_subword() -> None:
    with pytest.raises(UserError, match=r"transformer\.longest is 2, of which"):
        Subwords(Letters(), 2)
