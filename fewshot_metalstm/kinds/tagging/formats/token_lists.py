"""Documents of which a file gives the tokens in a list, and no text."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from fewshot_metalstm.kinds.tagging.corpora.bad import TOKEN
from fewshot_metalstm.kinds.tagging.corpora.sentence import Span
from fewshot_metalstm.kinds.tagging.formats.document import Document, Mention
from fewshot_metalstm.kinds.tagging.formats.records import Place, as_words


def tokens_of(value: Any, place: Place, what: str) -> list[str]:
    """A list of tokens.

    Raises:
        UserError: it is no list, is empty, or a token is no text or has a line break.
    """
    tokens = [place.text(each, f"a token of {what}") for each in place.items(value, what)]
    if not tokens:
        raise place.error(f"{what} is empty")
    if any(c in token for token in tokens for c in "\r\n"):
        raise place.error(f"a token of {what} has a line break")
    return tokens


def blank(tokens: Sequence[str], place: Place) -> set[int]:
    """The numbers of tokens of white space, which are bad annotations and are left out."""
    found = {number for number, token in enumerate(tokens) if not token.strip()}
    if found:
        error = place.error("has an empty token", "remove it")
        if not place.bad.repairs:
            place.bad.leave_out(error, TOKEN, as_words(list(tokens)))
        else:
            place.bad.mended(error, TOKEN, as_words(list(tokens)), "the token left out")
    return found


def joined(name: str, tokens: Sequence[str], spans: Sequence[Span]) -> Document:
    """A document of one sentence: the tokens with a blank between them, and the mentions."""
    bounds, position = [], 0
    for token in tokens:
        bounds.append((position, position + len(token)))
        position += len(token) + 1
    text = " ".join(tokens)
    mentions = tuple(
        Mention(bounds[span.start][0], bounds[span.end - 1][1], span.type) for span in spans
    )
    return Document(name, text, mentions, (), ((0, len(text)),) if text else (), tuple(bounds))
