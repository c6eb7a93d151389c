"""Whether the quotation marks of a tab-separated table are marks around cells, or text."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable
from typing import Literal

TAB = "\t"
Quoting = Literal[0, 3]  # csv.QUOTE_MINIMAL and csv.QUOTE_NONE
CURE = "close it, or write a mark that belongs to the text twice, and marks around its cell"


def quoting_of(text: str, delimiter: str, *, breaks: bool = True) -> Quoting:
    """How the csv module has to take the quotation marks of a table: one of its ``QUOTE_...``.

    Programs that write tabs between cells often quote none, so that a cell may begin with a mark
    that is closed nowhere, or in another row. Marks are taken for text where they are no proper
    ones around cells, and every row has as many cells as the others without them.

    Args:
        breaks: whether a cell in quotation marks may hold a line break.
    """
    if delimiter != TAB or '"' not in text:
        return csv.QUOTE_MINIMAL
    quoted = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter, strict=True)
    if _even(quoted, breaks=breaks):
        return csv.QUOTE_MINIMAL
    bare = csv.reader(
        io.StringIO(text, newline=""), delimiter=delimiter, quoting=csv.QUOTE_NONE, strict=True
    )
    return csv.QUOTE_NONE if _even(bare, breaks=False) else csv.QUOTE_MINIMAL


def broken(row: Iterable[str]) -> bool:
    """Whether a cell of a row holds a line break."""
    return any("\n" in cell or "\r" in cell for cell in row)


def _even(rows: Iterable[list[str]], *, breaks: bool) -> bool:
    """Whether all rows but empty ones have as many cells as the first."""
    width = 0
    try:
        for row in rows:
            if not any(cell.strip() for cell in row):
                continue
            width = width or len(row)
            if len(row) != width or (broken(row) and not breaks):
                return False
    except csv.Error:
        return False
    return True
