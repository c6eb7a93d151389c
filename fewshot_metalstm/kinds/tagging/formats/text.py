"""Raw text: a file is a document without mentions, its id the file's name."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from fewshot_metalstm.kinds.tagging.corpora.bad import BadAnnotations
from fewshot_metalstm.kinds.tagging.formats import files
from fewshot_metalstm.kinds.tagging.formats.document import Document
from fewshot_metalstm.kinds.tagging.formats.notes import Notes


def read(path: Path, notes: Notes, bad: BadAnnotations) -> Iterator[Document]:
    """The one document of a file, line ends as they are, without a byte order mark."""
    yield Document(path.stem, files.read_text(path))
