"""Annotated documents in and out: one file a format, all by way of :class:`Document`.

A reader gives documents one at a time, with character offsets; what it cannot read stops it with
file, line or document, and cure. :func:`to_sentences` makes tokenised, tagged sentences of them.
"""

from fewshot_metalstm.kinds.tagging.formats.document import Document, Mention, Passage
from fewshot_metalstm.kinds.tagging.formats.notes import Notes
from fewshot_metalstm.kinds.tagging.formats.registry import (
    FORMATS,
    detect,
    find,
    read_documents,
    write_documents,
)
from fewshot_metalstm.kinds.tagging.formats.sentences import (
    PlacedSentence,
    mentions_of,
    to_sentences,
)

__all__ = [
    "FORMATS",
    "Document",
    "Mention",
    "Notes",
    "Passage",
    "PlacedSentence",
    "detect",
    "find",
    "mentions_of",
    "read_documents",
    "to_sentences",
    "write_documents",
]
