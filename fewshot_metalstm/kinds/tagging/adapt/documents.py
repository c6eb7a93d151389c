"""Tagging documents of any format: what they say of tokens is kept, their mentions are not read."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from itertools import chain
from pathlib import Path

from fewshot_metalstm.errors import UserError
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


def document_names(files: Sequence[Path]) -> list[str]:
    """What the documents of each file are called that have no id of their own.

    That is the file's name without its suffix, as the readers of formats have it. Files that have
    that in common are told apart by as many folders before it as are needed, and where they stand
    in one folder by their suffixes: ``a/notes`` and ``b/notes``.

    Raises:
        UserError: a file is given twice, so that nothing tells its documents apart.
    """
    places = [path.absolute() for path in files]
    times = Counter(places)
    for path, place in zip(files, places, strict=True):
        if times[place] > 1:
            raise UserError(f"{path}: is given twice, and its documents would be too; name it once")
    names = [path.stem for path in files]
    of_stem: dict[str, list[int]] = {}
    for i, stem in enumerate(names):
        of_stem.setdefault(stem, []).append(i)
    for same in of_stem.values():
        if len(same) > 1:
            found = _told_apart([places[i] for i in same])
            for i, name in zip(same, found, strict=True):
                names[i] = name
    return names


def _told_apart(places: Sequence[Path]) -> list[str]:
    """The shortest ends of some paths that differ; without suffixes if those do."""
    for whole in (False, True):
        ends = [(*place.parts[1:-1], place.name if whole else place.stem) for place in places]
        for depth in range(1, max(map(len, ends)) + 1):
            found = ["/".join(end[-depth:]) for end in ends]
            if len(set(found)) == len(found):
                return found
    raise AssertionError("paths that are the same")


def called(documents: Iterable[Document], path: Path, name: str) -> Iterator[Document]:
    """The documents of a file; ids that readers made of its name are made of ``name`` instead."""
    if name == path.stem:
        yield from documents
        return
    made = re.compile(re.escape(path.stem) + r"(-[0-9]+)?")
    for document in documents:
        match = made.fullmatch(document.id)
        yield document if match is None else replace(document, id=f"{name}{match[1] or ''}")


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
