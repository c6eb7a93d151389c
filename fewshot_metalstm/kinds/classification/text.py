"""A text as tokens: words with their bounds, and which of a long text are read."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from typing import TypeVar

# A word keeps its apostrophes and hyphens ("don't", "well-made"): they change what it says. A mark
# that is repeated ("!!!", "...") is one token.
_TOKEN = re.compile(r"[^\W_]+(?:['\u2019-][^\W_]+)*|([^\w\s]|_)\1*")

T = TypeVar("T")


def tokenise(text: str) -> list[tuple[int, int]]:
    """The bounds of the tokens of a text; only white space is in none."""
    return [match.span() for match in _TOKEN.finditer(text)]


def words(text: str) -> tuple[str, ...]:
    """The tokens of a text."""
    return tuple([match[0] for match in _TOKEN.finditer(text)])


def read_of(texts: Iterable[str], longest: int) -> list[Sequence[str]]:
    """The tokens of texts that are read: of a text with more than ``longest``, its ends."""
    return [ends(words(text), longest) for text in texts]


def ends(items: Sequence[T], longest: int) -> Sequence[T]:
    """At most ``longest`` items: of more, the first and the last half, where a review says most."""
    if len(items) <= longest:
        return items
    back = longest // 2
    return [*items[: longest - back], *items[len(items) - back :]]
