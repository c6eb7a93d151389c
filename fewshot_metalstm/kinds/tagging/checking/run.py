"""All checks of a text."""

from __future__ import annotations

from fewshot_metalstm.kinds.tagging.checking.characters import odd_characters
from fewshot_metalstm.kinds.tagging.checking.finding import Report, ranked
from fewshot_metalstm.kinds.tagging.checking.labels import duplicates, overlaps, surface_forms
from fewshot_metalstm.kinds.tagging.checking.sizes import amounts, edges, facts, lengths
from fewshot_metalstm.kinds.tagging.checking.text import read


def check(
    source: str, format: str | None = None, examples: int = 3, scheme: str | None = None,
    tag_column: str | None = None,
) -> Report:  # fmt: skip
    """Look a file, a folder or ``train=FILE,test=FILE`` over.

    Args:
        format: a name of :data:`fewshot_metalstm.kinds.tagging.formats.FORMATS`; None detects it.
        examples: how many places each finding names.
        scheme: of its tags, as `adapt --scheme` has it; None detects it.
        tag_column: of its tags, as `adapt --tag-column` has it.

    Raises:
        UserError: what cannot be read, with file, line and cure.
    """
    text = read(source, format, examples, scheme, tag_column)
    splits = facts(text)
    # Where every token has a label, a word has another in every context, and so has punctuation.
    of_mentions = () if text.labels else (*surface_forms(text, examples), *edges(text, examples))
    findings = (
        *text.found,
        *amounts(text, splits),
        *overlaps(text, examples),
        *of_mentions,
        *duplicates(text, examples),
        *odd_characters(text, examples),
        *lengths(text, examples),
    )
    return Report(source, text.format, text.scheme, splits, ranked(findings))
