"""Tagging documents of any format: what they say of tokens is kept, their mentions are not read."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace

from fewshot_metalstm.adapt.predict import WINDOW, Predictor
from fewshot_metalstm.formats import Document, mentions_of
from fewshot_metalstm.formats.document import Bounds
from fewshot_metalstm.formats.sentences import token_bounds


def tag_documents(predictor: Predictor, documents: Iterable[Document]) -> Iterator[Document]:
    """Every document with the mentions that the tagger finds, in place of its own, in order.

    Tokens and sentences are those that the document gives, or else found by rule. Documents are
    taken as needed, and tagged together up to some thousand tokens.
    """
    waiting: list[tuple[Document, list[tuple[Bounds, ...]]]] = []
    held = 0
    for document in documents:
        found = list(token_bounds(document))
        waiting.append((document, found))
        held += sum(map(len, found)) + 1
        if held >= WINDOW:
            yield from _tagged(predictor, waiting)
            waiting, held = [], 0
    yield from _tagged(predictor, waiting)


def _tagged(
    predictor: Predictor, given: list[tuple[Document, list[tuple[Bounds, ...]]]]
) -> Iterator[Document]:
    sentences = [
        [document.text[start:end] for start, end in tokens]
        for document, found in given
        for tokens in found
    ]
    tags = iter(predictor.tag(sentences) if sentences else ())
    for document, found in given:
        mentions = mentions_of((tokens, next(tags)) for tokens in found)
        yield replace(document, mentions=mentions)
