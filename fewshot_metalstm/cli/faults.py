"""The report file of annotations that were repaired or left out, beside what a command writes."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path

NAME = "bad-annotations.tsv"
_COLUMNS = ("file", "line", "annotation", "problem", "done")
_CONTROL = re.compile("[\\x00-\\x1f\\x7f-\\x9f\u2028\u2029\ud800-\udfff]")


def write_faults(rows: Sequence[Sequence[str]], path: Path) -> None:
    """Write a tab-separated table of ``rows``, one for each bad annotation, to the file ``path``.

    Control characters of an annotation are written as blanks.

    Raises:
        UserError: the file cannot be written.
    """
    from fewshot_metalstm.writing import beside

    with beside(path) as part, part.open("w", encoding="utf-8", newline="\n") as file:
        for row in (_COLUMNS, *rows):
            file.write("\t".join(_CONTROL.sub(" ", cell) for cell in row) + "\n")


def beside_output(output: Path) -> Path:
    """Where the report of a file or folder that a command writes stands."""
    return output.with_name(f"{output.name}.{NAME}")
