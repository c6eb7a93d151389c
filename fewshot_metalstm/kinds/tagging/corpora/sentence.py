"""Annotated text as the rest of the package sees it: sentences, corpora, entity spans."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass


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
    or files it was read from; ``types`` are the entity types in sorted order; ``family`` names
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
