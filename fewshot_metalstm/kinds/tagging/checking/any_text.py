"""The documents of a file of any format, annotated or not, whatever is wrong in its annotation."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from fewshot_metalstm.kinds.tagging.checking.text import kind_of
from fewshot_metalstm.kinds.tagging.corpora.bad import SKIP, BadAnnotations
from fewshot_metalstm.kinds.tagging.formats import Document, Notes, read_documents
from fewshot_metalstm.kinds.tagging.formats.unannotated import KEEP


def documents_of(
    path: Path,
    format: str | None = None,
    *,
    labelled: bool = False,
    notes: Notes | None = None,
    bad: str = SKIP,
) -> Iterator[Document]:
    """The documents of a file of any format.

    Args:
        labelled: whether columns hold tags; if not, they need not, and those there are not read.
        notes: counts what was changed and left out.
        bad: what becomes of annotations that are wrong. Columns whose tags are not read have none,
            and a line of theirs that is ill-formed is an error.
    """
    kind = format or kind_of(path)
    if is_columns(path, kind) and not labelled:
        return read_documents(path, kind, notes=notes, unannotated=KEEP, labelled=False)
    return read_documents(path, kind, notes=notes, bad=BadAnnotations(bad), unannotated=KEEP)


def is_columns(path: Path, format: str | None = None) -> bool:
    """Whether a file is one of columns, a token a line."""
    return (format or kind_of(path)) in ("conll", "conll-plain")
