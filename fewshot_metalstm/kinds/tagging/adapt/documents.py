"""Tagging documents of any format: what they say of tokens is kept, their mentions are not read."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace
from itertools import chain

from fewshot_metalstm.kinds.tagging.adapt.predict import WINDOW, Predictor
from fewshot_metalstm.kinds.tagging.formats import Document, mentions_of
from fewshot_metalstm.kinds.tagging.formats.document import Bounds
from fewshot_metalstm.kinds.tagging.formats.records import confident
from fewshot_metalstm.kinds.tagging.formats.sentences import token_bounds
from fewshot_metalstm.kinds.tagging.tagger.confidence import Reading


def tag_documents(
    predictor: Predictor, documents: Iterable[Document], *, confidence: bool = False
) -> Iterator[Document]:
    """Every document with the mentions that the tagger finds, in place of its own, in order.

    Tokens and sentences are those that the document gives, or else found by rule. Documents are
    taken as needed, and tagged together up to some thousand tokens.

    Args:
        confidence: find the mentions' probabilities too, to four digits.
    """
    waiting: list[tuple[Document, list[tuple[Bounds, ...]]]] = []
    tokens = 0
    for document in documents:
        found = list(token_bounds(document))
        waiting.append((document, found))
        tokens += sum(map(len, found)) + 1
        if tokens >= WINDOW:
            yield from _tagged(predictor, waiting, confidence)
            waiting, tokens = [], 0
    yield from _tagged(predictor, waiting, confidence)


def _tagged(
    predictor: Predictor, given: list[tuple[Document, list[tuple[Bounds, ...]]]], confidence: bool
) -> Iterator[Document]:
    sentences = [
        [document.text[start:end] for start, end in tokens]
        for document, found in given
        for tokens in found
    ]
    read: Iterable[Reading] = ()
    if sentences and confidence:
        read = predictor.read(sentences)
    elif sentences:
        read = (Reading(tags) for tags in predictor.tag(sentences))
    readings = iter(read)
    for document, found in given:
        own = [next(readings) for _ in found]
        mentions = mentions_of((t, r.tags) for t, r in zip(found, own, strict=True))
        if confidence:
            sure = chain.from_iterable(reading.confidences for reading in own)
            mentions = confident(mentions, (round(each, 4) for each in sure))
        yield replace(document, mentions=mentions)
