"""The sentences of a document with their tags in any scheme, for the formats that write such."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from fewshot_metalstm.errors import UserError
from fewshot_metalstm.kinds.tagging.corpora import schemes
from fewshot_metalstm.kinds.tagging.corpora.schemes import Scheme
from fewshot_metalstm.kinds.tagging.formats.document import Document
from fewshot_metalstm.kinds.tagging.formats.notes import Notes
from fewshot_metalstm.kinds.tagging.formats.sentences import to_sentences


def scheme_called(name: Scheme | str) -> Scheme:
    """The scheme to write tags in; :class:`UserError` where there is none of this name."""
    try:
        return Scheme.parse(name)
    except ValueError as error:
        raise UserError(str(error)) from None


def tagged_sentences(
    document: Document, scheme: Scheme, *, overlaps: str, notes: Notes, path: Path
) -> list[tuple[Sequence[str], Sequence[str]]]:
    """Tokens and tags of each sentence.

    Args:
        overlaps: the policy for mentions that tags cannot hold; what it changes goes to ``notes``.
        path: of what is written, for messages.

    Raises:
        UserError: mentions overlap or are discontinuous, and the policy is to stop.
    """
    found: list[tuple[Sequence[str], Sequence[str]]] = []
    for placed in to_sentences(document, overlaps=overlaps, notes=notes, place=str(path)):
        tokens, tags = placed.sentence.tokens, placed.sentence.tags
        if scheme is not Scheme.IOBES:  # which sentences have anyway
            tags = schemes.encode(schemes.spans(tags), len(tags), scheme)
        found.append((tokens, tags))
    return found
