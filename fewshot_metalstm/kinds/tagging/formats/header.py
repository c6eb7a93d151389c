"""The header of a table: which columns hold tokens, tags and sentences."""

from __future__ import annotations

import csv
from dataclasses import dataclass

_TOKENS = ("word", "token", "tokens", "words", "form")
_TAGS = ("tag", "ner", "ner_tag", "label", "entity", "iob", "bio", "tags", "ner tag")
_SENTENCES = ("sentence #", "sentence", "sentence_id", "sent_id", "sentence_idx", "sentence id")


@dataclass(frozen=True)
class Columns:
    """Numbers of columns, from 0, and what is between cells."""

    delimiter: str
    token: int
    tag: int
    sentence: int | None


def columns_of(line: str) -> Columns | None:
    """The columns that a first line names; None where it is no header."""
    for delimiter in ("\t", ",", ";"):
        if delimiter not in line or len(line) > 4096:
            continue
        try:
            row = next(csv.reader([line], delimiter=delimiter), [])
        except csv.Error:
            continue
        cells = [cell.strip().lower() for cell in row]
        token, tag, sentence = (
            next((cells.index(name) for name in names if name in cells), None)
            for names in (_TOKENS, _TAGS, _SENTENCES)
        )
        if token is not None and tag is not None:
            return Columns(delimiter, token, tag, sentence)
    return None
