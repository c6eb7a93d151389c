"""CoNLL-U read for labels of words: a column, such as UPOS or XPOS, gives every word one.

A token here is a syntactic word, a line with a whole number: of a token of several words (``1-2``)
the words are read, which are what has labels, and empty nodes (``8.1``) are left out. (Entities in
the last column are another reading: :mod:`fewshot_metalstm.kinds.tagging.formats.conllu`.)
"""

from __future__ import annotations

import re
import sys
from pathlib import Path

from fewshot_metalstm.errors import UserError, at
from fewshot_metalstm.kinds.tagging.corpora.bad import LIST, TAG, BadAnnotations
from fewshot_metalstm.kinds.tagging.corpora.columns import (
    NO_LABEL,
    ParsedFile,
    read_tag,
    text_lines,
)
from fewshot_metalstm.kinds.tagging.corpora.schemes import Writing

COLUMNS = ("ID", "FORM", "LEMMA", "UPOS", "XPOS", "FEATS", "HEAD", "DEPREL", "DEPS", "MISC")
LABELS = COLUMNS.index("UPOS")
"""The column that is read where none is named."""

_FORM = COLUMNS.index("FORM")
_NUMBER = re.compile(r"[0-9]{1,9}(?:(-[0-9]{1,9})|(\.[0-9]{1,9}))?")


def column_called(name: str) -> int:
    """The place of a column of CoNLL-U, by its name or number; :class:`UserError` if none is so."""
    if name.upper() in COLUMNS:
        return COLUMNS.index(name.upper())
    if name.lstrip("-").isdecimal() and -len(COLUMNS) <= int(name) < len(COLUMNS):
        return int(name) % len(COLUMNS)
    raise UserError(f"--tag-column {name}: CoNLL-U has no such column; use {', '.join(COLUMNS)}")


def words_of(
    data: bytes, path: Path | str, column: int = LABELS, bad: BadAnnotations | None = None
) -> ParsedFile:
    """The words of a file's sentences, each with the tag ``S-x`` of its label ``x``.

    Args:
        path: serves the messages.
        column: of the labels, from 0; of -1 that of :data:`LABELS`.
        bad: what becomes of lines that are none of words or have no label: by default the file is
            refused, where bad annotations are skipped the sentence is left out.

    Raises:
        UserError: bytes that are not UTF-8, no sentence, or what ``bad`` does not let pass.
    """
    bad = BadAnnotations(offered=False) if bad is None else bad
    column = LABELS if column == -1 else column
    parsed = ParsedFile(path)
    tokens: list[str] = []
    tags: list[str] = []
    start, spoiled = 0, False
    for number, line in enumerate((*text_lines(data, path), ""), 1):
        if line.startswith("#"):
            continue
        if not line.strip():
            if tokens and not spoiled:
                parsed.tokens.append(tuple(tokens))
                parsed.tags.append(tuple(tags))
                parsed.lines.append(start)
            tokens, tags, spoiled = [], [], False
            continue
        cells = line.split("\t")
        known = _NUMBER.fullmatch(cells[0])
        if known is None or len(cells) != len(COLUMNS) or not cells[_FORM].strip():
            error = at(path, number, f"is no line of CoNLL-U ({len(COLUMNS)} columns by tabs, of "
                       "which number and form come first)", "mend it")  # fmt: skip
            bad.leave_out(error, TAG, line)
            spoiled = True
            continue
        if known[1] or known[2]:
            continue
        tag = read_tag(cells[column].strip(), Writing.TOKENS)
        if tag is None:
            word = cells[_FORM][:40]
            error = at(path, number, f"word {word!r} has no label in {COLUMNS[column]}", NO_LABEL)
            bad.leave_out(error, TAG, line)
            spoiled = True
            continue
        start = start if tokens else number
        tokens.append(sys.intern(cells[_FORM]))
        tags.append(sys.intern(tag))
    bad.check()
    if not parsed.tokens and not (bad.policy == LIST and bad.faults):
        raise at(path, None, "holds no sentence", "give a file of CoNLL-U")
    return parsed
