"""All checks of a text."""

from __future__ import annotations

from fewshot_metalstm.kinds.tagging.checking.characters import odd_characters
from fewshot_metalstm.kinds.tagging.checking.finding import Report, ranked
from fewshot_metalstm.kinds.tagging.checking.labels import duplicates, overlaps, surface_forms
from fewshot_metalstm.kinds.tagging.checking.sizes import amounts, edges, facts, lengths
from fewshot_metalstm.kinds.tagging.checking.text import read


def check(
    source: str, format: str | None = None, examples: int = 3, scheme: str | None = None
) -> Report:
    """Look a file, a folder or ``train=FILE,test=FILE`` over.

    Args:
        format: a name of :data:`fewshot_metalstm.kinds.tagging.formats.FORMATS`; None detects it.
        examples: how many places each finding names.
        scheme: of its tags, as `adapt --scheme` has it; None detects it.

    Raises:
        UserError: what cannot be read, with file, line and cure.
    """
    text = read(source, format, examples, scheme)
    splits = facts(text)
    findings = (
        *text.found,
        *amounts(text, splits),
        *overlaps(text, examples),
        *surface_forms(text, examples),
        *duplicates(text, examples),
        *edges(text, examples),
        *odd_characters(text, examples),
        *lengths(text, examples),
    )
    return Report(source, text.format, text.scheme, splits, ranked(findings))
