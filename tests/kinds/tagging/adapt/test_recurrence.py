"""How many mentions of a support its other mentions would find."""

from __future__ import annotations

import pytest

from fewshot_metalstm.kinds.tagging.adapt.recurrence import recurring, shape
from fewshot_metalstm.kinds.tagging.corpora.sentence import Sentence


def sentence(text: str) -> Sentence:
    """Words with ``/type`` behind those that are mentions of one word."""
    parts = [word.partition("/") for word in text.split()]
    return Sentence(
        tuple(word for word, _, _ in parts),
        tuple(f"S-{kind}" if kind else "O" for _, _, kind in parts),
    )


@pytest.mark.parametrize(
    ("word", "expected"),
    [("V600E", "A0A"), ("Val66Met", "Aa0Aa"), ("c.35del", "a.0a"), ("--", "--"), ("", "")],
)
def test_shapes(word: str, expected: str) -> None:
    assert shape(word) == expected


def test_a_word_of_another_mention_counts() -> None:
    assert recurring([sentence("the mouse/X ran"), sentence("a Mouse/X sat")]) == 1.0
    assert recurring([sentence("the mouse/X ran"), sentence("a rat/X sat")]) == 0.0


def test_a_shape_of_another_mention_counts() -> None:
    assert recurring([sentence("it had V600E/X"), sentence("and G12D/X too")]) == 1.0


def test_what_stands_mostly_outside_of_mentions_does_not() -> None:
    twice = [sentence("mouse/X ran"), sentence("mouse/X sat")]
    assert recurring([*twice, sentence("no mouse was there")]) == 1.0
    assert recurring([*twice, sentence("mouse mouse mouse mouse")]) == 0.0


def test_a_mention_of_another_type_does_not() -> None:
    assert recurring([sentence("mouse/X ran"), sentence("mouse/Y sat")]) == 0.0


def test_no_mention_no_share() -> None:
    assert recurring([sentence("nothing here")]) == 0.0
