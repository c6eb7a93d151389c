"""The text that is made of a corpus to be split again, and its figures worked out by hand."""

from __future__ import annotations

import pytest

from benchmarks.splitting import compared, letter, ours, printed


def test_a_text_has_the_blanks_of_print() -> None:
    sentences = [
        [
            "IL",
            "-",
            "2",
            "(",
            "0",
            ".",
            "5",
            "mg",
            "/",
            "kg",
            ",",
            "i",
            ".",
            "v",
            ".",
            ")",
            "was",
            '"',
            "given",
            '"',
            ".",
        ],
        ["Less", "than", ".", "05", ":", "P", "<", ".", "01", "."],
    ]
    gold = printed(sentences)
    first = 'IL-2 (0.5 mg/kg, i.v.) was "given".'
    assert gold.text == f"{first} Less than .05: P < .01."
    assert gold.ends == (len(first), len(gold.text))
    assert [gold.text[a:b] for a, b in gold.tokens] == [t for s in sentences for t in s]
    assert letter("i")
    assert not letter("I")


def test_figures() -> None:
    gold = printed([["A", "title"], ["Mice", "ate", "."], ["Rats", "IL-2", "."], ["It", "."]])
    ends, tokens = ours(gold.text)
    assert [gold.text[:end].rsplit(" ", 1)[-1] for end in ends] == ["ate.", "IL-2.", "It."]
    found = compared(gold, ends, tokens)
    assert found["precision"] == 100
    assert found["recall"] == pytest.approx(200 / 3)  # the title's end is not seen
    assert found["f1"] == pytest.approx(80)
    assert found["recall_at_stops"] == 100
    # Ten tokens in gold, nine of them found among twelve: IL-2 is three of ours.
    assert found["f1_tokens"] == pytest.approx(100 * 2 * 9 / (10 + 12))
