"""GLiNER's JSON: ``tokenized_text``, and ``ner`` with [first token, last token, type].

The last token is in the mention: ``[0, 1, "drug"]`` has two. A list of objects, or one a line; a
sentence each. The types are written as they are given.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from itertools import accumulate
from pathlib import Path
from typing import Any

from fewshot_metalstm.errors import UserError
from fewshot_metalstm.kinds.tagging.corpora.bad import LINE, OFFSETS, BadAnnotations
from fewshot_metalstm.kinds.tagging.corpora.schemes import spans
from fewshot_metalstm.kinds.tagging.corpora.sentence import Span
from fewshot_metalstm.kinds.tagging.formats.document import Document
from fewshot_metalstm.kinds.tagging.formats.jsonl import each_document, write_objects
from fewshot_metalstm.kinds.tagging.formats.notes import Notes
from fewshot_metalstm.kinds.tagging.formats.overlaps import ERROR
from fewshot_metalstm.kinds.tagging.formats.records import Place, as_words
from fewshot_metalstm.kinds.tagging.formats.sentences import to_sentences
from fewshot_metalstm.kinds.tagging.formats.token_lists import blank, joined, tokens_of


def read(path: Path, notes: Notes, bad: BadAnnotations) -> Iterator[Document]:
    """The sentences of a file, a document each."""
    return each_document(path, bad, _document)


def _document(record: Mapping[str, Any], place: Place, fallback: str) -> Document:
    given = record.get("id")
    name = fallback if given is None else place.name(given, "the id")
    place = place.named(name)
    tokens = tokens_of(record.get("tokenized_text"), place, "'tokenized_text'")
    lost = blank(tokens, place)
    found = []
    for item in place.items(record.get("ner"), "'ner'"):
        try:
            found.append(_span(item, len(tokens), place))
        except UserError as error:
            kind = OFFSETS if isinstance(item, list) and len(item) == 3 else LINE
            place.bad.leave_out(error, kind, as_words(item))
    if not lost:
        return joined(name, tokens, found)
    before = [0, *accumulate(number in lost for number in range(len(tokens)))]
    moved = [Span(s.start - before[s.start], s.end - before[s.end], s.type) for s in found]
    kept = [token for number, token in enumerate(tokens) if number not in lost]
    return joined(name, kept, [span for span in moved if span.start < span.end])


def _span(item: Any, size: int, place: Place) -> Span:
    if not isinstance(item, list) or len(item) != 3:
        raise place.error("a mention of 'ner' is not [first token, last token, type]")
    first, last = (place.offset(each, "a token's number") for each in item[:2])
    if not first <= last < size:
        problem = f"the mention of the tokens {first} to {last} is not within the {size} there are"
        raise place.error(problem, "mend it")
    return Span(first, last + 1, place.text(item[2], "a mention's type").strip())


def write(
    documents: Iterable[Document],
    path: Path,
    notes: Notes,
    *,
    overlaps: str = ERROR,
) -> None:
    """Write a file, a sentence a line."""

    def records() -> Iterator[dict[str, Any]]:
        for document in documents:
            notes["lost_text"] += bool(document.text)
            for placed in to_sentences(document, overlaps=overlaps, notes=notes, place=str(path)):
                sentence = placed.sentence
                ner = [[s.start, s.end - 1, s.type] for s in spans(sentence.tags)]
                yield {"tokenized_text": list(sentence.tokens), "ner": ner}

    write_objects(records(), path)
