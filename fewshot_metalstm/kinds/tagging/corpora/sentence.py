"""Annotated text as the rest of the package sees it: sentences, corpora, entity spans."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass


class TokenLabels(tuple[str, ...]):
    """The types of a task in which every token has one label, such as its part of speech.

    A label ``x`` is the tag ``S-x``, and there is no other: a mention is a token, and none is
    outside of any. What takes types (a head, a support, a score) works on both kinds; where it
    matters, it asks for this class.
    """

    __slots__ = ()


def like(types: Sequence[str], names: Iterable[str]) -> tuple[str, ...]:
    """``names`` as labels of tokens where ``types`` are, else as entity types."""
    return TokenLabels(names) if isinstance(types, TokenLabels) else tuple(names)


def as_written(types: Sequence[str], tags: Sequence[str]) -> tuple[str, ...]:
    """Tags as a user reads them: labels of tokens without the ``S-`` that they have inside."""
    return tuple(tag[2:] for tag in tags) if isinstance(types, TokenLabels) else tuple(tags)


@dataclass(frozen=True, slots=True)
class Sentence:
    """Tokens and their IOBES tags (``O``, ``B-x``, ``I-x``, ``E-x``, ``S-x``), equally many."""

    tokens: tuple[str, ...]
    tags: tuple[str, ...]

    def __len__(self) -> int:
        return len(self.tokens)


@dataclass(frozen=True, slots=True)
class Span:
    """A mention: tokens ``start`` to ``end`` (exclusive) of a sentence, of entity type ``type``."""

    start: int
    end: int
    type: str


@dataclass(frozen=True)
class Corpus:
    """Annotated text with its splits.

    ``splits`` maps ``train``, ``devel`` and ``test`` to sentences (a split that a user's own
    corpus lacks is absent, never empty); ``digests`` maps each split to the SHA-256 of the file
    or files it was read from; ``types`` are the entity types in sorted order
    (:class:`TokenLabels` where every token has a label); ``family`` names
    the documents that the corpus was built on. ``synthetic`` text is made from templates,
    ``invented`` text was written by hand; a figure on either says so.
    """

    name: str
    family: str
    types: tuple[str, ...]
    splits: Mapping[str, tuple[Sentence, ...]]
    digests: Mapping[str, str]
    synthetic: bool = False
    invented: bool = False
