"""Quotation marks between tabs: around cells, or text."""

from __future__ import annotations

import csv

import pytest

from fewshot_metalstm.data.quoting import quoting_of

MARKS, TEXT = csv.QUOTE_MINIMAL, csv.QUOTE_NONE


@pytest.mark.parametrize(
    ("text", "delimiter", "breaks", "wanted"),
    [
        ('a\tb\n"one\ntwo"\tx\n', "\t", True, MARKS),  # a cell with a line break
        ('a\tb\n"one\ntwo"\tx\n', "\t", False, MARKS),  # and uneven without its marks
        ('a\tb\nhe "said"\tx\n', "\t", True, MARKS),  # the same in both ways
        ('a\tb\n"one\tx\ntwo\ty\n', "\t", True, TEXT),  # closed nowhere
        ('a\tb\n"one\tx\n\n"two\ty\n', "\t", True, TEXT),  # opened in two rows
        ('a\tb\n"one" two\tx\n', "\t", True, TEXT),  # text behind the second mark
        ('a\tb\n"\tx\nc\ty\n"\tx\n', "\t", True, MARKS),  # may be one cell
        ('a\tb\n"\tx\nc\ty\n"\tx\n', "\t", False, TEXT),
        ('a\tb\n"one\tx\ntwo\n', "\t", True, MARKS),  # wrong in both ways
        ('a,b\n"one,x\n"two,y\n', ",", True, MARKS),  # between commas marks are marks
    ],
)
def test_marks_are_text_where_nothing_else_fits(
    text: str, delimiter: str, breaks: bool, wanted: int
) -> None:
    assert quoting_of(text, delimiter, breaks=breaks) == wanted
