"""Which column of a user's own files holds the tags, where that is not found by their look."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from fewshot_metalstm.errors import UserError
from fewshot_metalstm.kinds.tagging.corpora import universal
from fewshot_metalstm.kinds.tagging.corpora.schemes import TOKEN
from fewshot_metalstm.kinds.tagging.formats.corpus import in_columns
from fewshot_metalstm.kinds.tagging.formats.registry import detect


def columns_asked(
    files: Mapping[str, Path], scheme: str | None, tag_column: str | None, format: str | None
) -> dict[str, Any] | None:
    """How files of columns are to be read: the options ``tag_column`` and ``universal``.

    Args:
        scheme, tag_column: as the user gave them; the scheme ``token`` reads CoNLL-U too.
        format: of all the files, or None to detect each one's.

    Returns:
        None where nothing was asked for.

    Raises:
        UserError: a column was named that is none, or of files that have no columns.
    """
    labels = scheme is not None and scheme.strip().lower() == TOKEN
    if tag_column is None and not labels:
        return None
    asked = f"--tag-column {tag_column}" if tag_column is not None else f"--scheme {scheme}"
    there = [path for path in files.values() if path.exists()]
    names = {format} if format is not None else {detect(path).name for path in there}
    if names == {"conllu"}:
        if not labels:
            raise UserError(f"{asked}: a column of CoNLL-U holds labels; add --scheme {TOKEN}")
        return {"tag_column": universal.column_called(tag_column or "UPOS"), "universal": True}
    if in_columns(files, format):
        if tag_column is None:
            return {}
        if not tag_column.removeprefix("-").isdecimal():
            raise UserError(f"{asked}: give its number, from 0, or from the end when negative")
        return {"tag_column": int(tag_column)}
    found = " and ".join(sorted(name for name in names if name))
    raise UserError(
        f"{asked} is for files of columns and of CoNLL-U, and these are {found}; leave it out"
    )
