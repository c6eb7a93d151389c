"""PubAnnotation's JSON: a text with ``denotations``; an object, a list of them, or one a line.

Read: denotations with one span or several (a discontinuous mention), and the attributes of these.
Relations and modifications are counted, and so are the denotations of ``tracks``, which are those
of further annotators. The id of a document is ``sourceid``, with ``divid`` after it where there is
one. Offsets count characters, and no text of a mention stands beside them.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from itertools import count
from pathlib import Path
from typing import Any

from fewshot_metalstm.errors import UserError
from fewshot_metalstm.kinds.tagging.corpora.bad import LINE, BadAnnotations
from fewshot_metalstm.kinds.tagging.formats import files
from fewshot_metalstm.kinds.tagging.formats.document import Document, Mention
from fewshot_metalstm.kinds.tagging.formats.jsonl import each_document
from fewshot_metalstm.kinds.tagging.formats.notes import Notes
from fewshot_metalstm.kinds.tagging.formats.offsets import CHARACTERS, Claim
from fewshot_metalstm.kinds.tagging.formats.records import Draft, Place, as_words, fitted


def read(path: Path, notes: Notes, bad: BadAnnotations) -> Iterator[Document]:
    """The documents of a file."""
    return each_document(path, bad, lambda r, place, name: _document(r, place, name, notes))


def _document(record: Mapping[str, Any], place: Place, fallback: str, notes: Notes) -> Document:
    given, part = record.get("sourceid"), record.get("divid")
    name = fallback if given is None else place.name(given, "'sourceid'")
    if given is not None and part is not None:
        name = f"{name}-{place.name(part, chr(39) + 'divid' + chr(39))}"
    place = place.named(name)
    text = place.text(record.get("text"), "the text")
    attributes = _attributes(record, place)
    drafts, claims = [], []
    for item in place.items(record.get("denotations"), "'denotations'"):
        try:
            draft, claim = _denotation(place.object(item, "a denotation"), place, attributes)
        except UserError as error:
            place.bad.leave_out(error, LINE, as_words(item))
            continue
        drafts.append(draft)
        claims.append(claim)
    for key in ("relations", "modifications"):
        notes["relations"] += len(place.items(record.get(key), f"'{key}'"))
    for track in place.items(record.get("tracks"), "'tracks'"):
        further = place.object(track, "a track").get("denotations")
        notes["other_annotations"] += len(place.items(further, "a track's 'denotations'"))
    return Document(name, text, fitted(text, drafts, claims, (CHARACTERS,), place, notes))


def _attributes(record: Mapping[str, Any], place: Place) -> dict[str, list[tuple[str, str]]]:
    found: dict[str, list[tuple[str, str]]] = {}
    for item in place.items(record.get("attributes"), "'attributes'"):
        try:
            value = place.object(item, "an attribute")
            subject = place.text(value.get("subj"), "an attribute's 'subj'")
            name = place.text(value.get("pred"), "an attribute's 'pred'")
            given = value.get("obj")
            words = given if isinstance(given, str) else json.dumps(given)
        except UserError as error:
            place.bad.leave_out(error, LINE, as_words(item))
            continue
        found.setdefault(subject, []).append((name, words))
    return found


def _denotation(
    item: Mapping[str, Any], place: Place, attributes: Mapping[str, list[tuple[str, str]]]
) -> tuple[Draft, Claim]:
    kind = place.text(item.get("obj"), "a denotation's 'obj'")
    identifier = item.get("id")
    name = "" if identifier is None else place.name(identifier, "a denotation's 'id'")
    given = item.get("span")
    spans = given if isinstance(given, list) and given else [given]
    pieces = tuple(place.bounds(place.object(each, "a 'span'"), "a 'span'") for each in spans)
    return Draft(kind, name, tuple(attributes.get(name, ()))), Claim(pieces, None)


def write(documents: Iterable[Document], path: Path, notes: Notes) -> None:
    """Write a list of documents."""
    with files.replacing(path) as file:
        file.write("[")
        for number, document in enumerate(documents):
            value = json.dumps(_record(document), ensure_ascii=False)
            file.write((",\n" if number else "\n") + value)
        file.write("\n]\n")


def _record(document: Document) -> dict[str, Any]:
    taken = {mention.id for mention in document.mentions}
    fresh = (f"T{n}" for n in count(1) if f"T{n}" not in taken)
    named: list[tuple[str, Mention]] = [
        (mention.id or (next(fresh) if mention.attributes else ""), mention)
        for mention in document.mentions
    ]
    denotations = []
    for name, mention in named:
        spans = [{"begin": start, "end": end} for start, end in mention.pieces]
        value: dict[str, Any] = {
            "span": spans if len(spans) > 1 else spans[0],
            "obj": mention.type,
        }
        denotations.append({"id": name, **value} if name else value)
    record: dict[str, Any] = {
        "sourceid": document.id, "text": document.text, "denotations": denotations,
    }  # fmt: skip
    attributes = [(name, *pair) for name, mention in named for pair in mention.attributes]
    if attributes:
        record["attributes"] = [
            {"id": f"A{n}", "subj": subject, "pred": key, "obj": value}
            for n, (subject, key, value) in enumerate(attributes, 1)
        ]
    return record
