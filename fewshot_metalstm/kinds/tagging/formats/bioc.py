"""BioC's documents, in XML or JSON, as plain objects (the shape of BioC JSON).

The text of a document is its passages, each at its offset, with line breaks between them: with
``offset`` 0 and a text of 12, and the next passage at 13, character 12 is a line break. A passage
without infons is text that no passage of the :class:`Document` names. Of annotations the infon
``type`` is the type and the others are attributes; relations, annotations without a location and
further infons of documents and passages are counted. The infon ``confidence`` is a tagger's.

BioC does not say what offsets count. Here they count characters; a file whose mentions agree with
their texts only where UTF-8 bytes (or UTF-16 units) are counted within each passage is read so.
"""

from __future__ import annotations

import json
from bisect import bisect_right
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import count, pairwise
from typing import Any

from fewshot_metalstm.errors import UserError
from fewshot_metalstm.kinds.tagging.corpora.bad import LINE
from fewshot_metalstm.kinds.tagging.formats.document import (
    Bounds,
    Document,
    Mention,
    Passage,
    apart,
    with_confidence,
)
from fewshot_metalstm.kinds.tagging.formats.files import MAX_DOCUMENT
from fewshot_metalstm.kinds.tagging.formats.notes import Notes
from fewshot_metalstm.kinds.tagging.formats.offsets import (
    BYTES,
    CHARACTERS,
    UTF16,
    Claim,
    Ruler,
    fit,
    held,
)
from fewshot_metalstm.kinds.tagging.formats.records import Place, as_words
from fewshot_metalstm.kinds.tagging.formats.settle import settle

_MAX_GAP = 65_536  # characters between passages that a reader fills
_GAP_WRITTEN = 1024  # line breaks between passages that a writer leaves to the offsets
_NOTED = {UTF16: "utf16_offsets", BYTES: "byte_offsets"}


@dataclass
class _Part:
    """A stretch of text with an offset of its own: a passage, or a sentence in one."""

    offset: int
    start: int  # in the document's text
    text: str


@dataclass
class _Annotation:
    """An annotation before its offsets are understood; ``part`` is where it was found."""

    type: str
    id: str
    attributes: tuple[tuple[str, str], ...]
    claim: Claim
    part: _Part | None


class _Reading:
    """A document as it is built."""

    def __init__(self, place: Place, notes: Notes) -> None:
        self.place = place
        self.notes = notes
        self.written: list[str] = []
        self.size = 0
        self.annotations: list[_Annotation] = []
        self.passages: list[Passage] = []
        self.sentences: list[Bounds] = []

    def passage(self, value: Mapping[str, Any]) -> None:
        """Add a passage with its sentences and annotations."""
        infons = self.place.object(value.get("infons") or {}, "'infons'")
        offset = self.place.offset(value.get("offset"), "a passage's offset")
        sentences = self.place.items(value.get("sentences"), "'sentences'")
        stated = value.get("text")
        if stated is None and not sentences:
            stated = ""
        start = self.size
        if stated is not None:
            part = self.part(offset, self.place.text(stated, "a passage's text"))
            start = part.start
            self.add(value.get("annotations"), part)
            for item in sentences:
                self.inside(self.place.object(item, "a sentence"), part)
        else:
            self.gap(offset)
            start = self.size
            part = _Part(offset, start, "")
            for item in sentences:
                sentence = self.place.object(item, "a sentence")
                where = self.place.offset(sentence.get("offset"), "a sentence's offset")
                text = self.place.text(sentence.get("text") or "", "a sentence's text")
                inner = self.part(where, text)
                if text:
                    self.sentences.append((inner.start, self.size))
                self.add(sentence.get("annotations"), inner)
                self.relations(sentence)
            self.add(value.get("annotations"), part)
        if infons:
            kind = infons.get("type")
            self.passages.append(Passage(start, self.size, "" if kind is None else _as_text(kind)))
            self.notes["lost_infons"] += len(infons) - ("type" in infons)
        self.relations(value)

    def inside(self, sentence: Mapping[str, Any], part: _Part) -> None:
        """Add a sentence of a passage that gives its text as a whole."""
        where = self.place.offset(sentence.get("offset"), "a sentence's offset")
        start = part.start + where - part.offset
        text = self.place.text(sentence.get("text") or "", "a sentence's text")
        if start < part.start or part.text[start - part.start :][: len(text)] != text:
            raise self.place.error("a sentence is not at its offset in its passage", "mend it")
        if text:
            self.sentences.append((start, start + len(text)))
        self.add(sentence.get("annotations"), _Part(where, start, text))
        self.relations(sentence)

    def part(self, offset: int, text: str) -> _Part:
        """Put text at its offset, line breaks before it."""
        self.gap(offset)
        part = _Part(offset, self.size, text)
        self.written.append(text)
        self.size += len(text)
        if self.size > MAX_DOCUMENT:
            raise self.place.error("is too large", "split the document")
        return part

    def gap(self, offset: int) -> None:
        """Fill up to ``offset``."""
        missing = offset - self.size
        if missing < 0:
            raise self.place.error(f"the passage at {offset} begins before the one before it ends",
                                   "mend the offsets of its passages")  # fmt: skip
        if missing > _MAX_GAP or self.size + missing > MAX_DOCUMENT:
            raise self.place.error(f"the passage at {offset} begins {missing} characters after the "
                                   "one before it", "mend the offsets of its passages")  # fmt: skip
        self.written.append("\n" * missing)
        self.size += missing

    def relations(self, value: Mapping[str, Any]) -> None:
        """Count the relations of a document, passage or sentence."""
        self.notes["relations"] += len(self.place.items(value.get("relations"), "'relations'"))

    def add(self, values: Any, part: _Part | None) -> None:
        """Add annotations."""
        for item in self.place.items(values, "'annotations'"):
            try:
                self._annotation(self.place.object(item, "an annotation"), part)
            except UserError as error:
                self.place.bad.leave_out(error, LINE, as_words(item))

    def _annotation(self, value: Mapping[str, Any], part: _Part | None) -> None:
        identifier = value.get("id")
        name = "" if identifier is None else self.place.name(identifier, "an annotation's id")
        locations = self.place.items(value.get("locations"), "'locations'")
        if not locations:
            self.notes["node_annotations"] += 1
            return
        pieces = []
        for location in locations:
            location = self.place.object(location, "a location")
            start = self.place.offset(location.get("offset"), "an annotation's offset")
            pieces.append((start, start + self.place.offset(location.get("length"), "a length")))
        infons = self.place.object(value.get("infons") or {}, "'infons'")
        kind = infons.get("type")
        if not isinstance(kind, str) or not kind.strip():
            raise self.place.error(f"annotation {name[:40]!r} has no infon 'type'", "add it")
        attributes = tuple(
            (key, _as_text(each))
            for key, given in infons.items()
            if key != "type" and given is not None
            for each in (given if isinstance(given, list) else [given])
        )
        text = value.get("text")
        claim = Claim(tuple(pieces), None if text is None else self.place.text(text, "a text"))
        self.annotations.append(_Annotation(kind.strip(), name, attributes, claim, part))

    def mentions(self, text: str) -> tuple[Mention, ...]:
        """The annotations with bounds in characters."""
        claims = [annotation.claim for annotation in self.annotations]
        if isinstance(fit(text, claims, (CHARACTERS,)), int):
            for unit in (BYTES, UTF16):
                inner = self._within_parts(unit)
                if inner is not None:
                    self.notes[_NOTED[unit]] += 1
                    return tuple(map(_mention, self.annotations, inner))
        _, pieces = settle(text, claims, (CHARACTERS,), self.place.bad, self._wrong)
        return tuple(
            _mention(annotation, each)
            for annotation, each in zip(self.annotations, pieces, strict=True)
            if each is not None
        )

    def _wrong(self, number: int) -> tuple[UserError, str]:
        wrong = self.annotations[number]
        start = wrong.claim.pieces[0][0]
        problem = f"annotation {wrong.id[:40]!r} at {start} is not what stands there"
        words = f"{wrong.id} {wrong.type} {start} {wrong.claim.text or ''}"
        return self.place.error(problem, "mend its offset"), words

    def _within_parts(self, unit: str) -> list[tuple[Bounds, ...]] | None:
        rulers: dict[int, Ruler] = {}
        result = []
        for annotation in self.annotations:
            part = annotation.part
            if part is None:
                return None
            ruler = rulers.get(id(part)) or rulers.setdefault(id(part), Ruler(part.text, unit))
            claim = annotation.claim
            inner = tuple((start - part.offset, end - part.offset) for start, end in claim.pieces)
            pieces = held(part.text, Claim(inner, claim.text), ruler)
            if pieces is None:
                return None
            result.append(tuple((part.start + a, part.start + b) for a, b in pieces))
        return result


def _mention(annotation: _Annotation, pieces: tuple[Bounds, ...]) -> Mention:
    attributes, sure = apart(annotation.attributes)
    return Mention(pieces[0][0], pieces[-1][1], annotation.type, annotation.id,
                   pieces if len(pieces) > 1 else (), attributes, sure)  # fmt: skip


def _as_text(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def read_document(value: Mapping[str, Any], place: Place, notes: Notes, fallback: str) -> Document:
    """The document of an object in the shape of BioC JSON.

    Raises:
        UserError: a part is missing or of the wrong kind; offsets do not fit.
    """
    given = value.get("id")
    name = fallback if given is None else place.name(given, "the id")
    reading = _Reading(place.named(name), notes)
    for item in reading.place.items(value.get("passages"), "'passages'"):
        reading.passage(reading.place.object(item, "a passage"))
    reading.add(value.get("annotations"), None)
    reading.relations(value)
    notes["lost_infons"] += len(reading.place.object(value.get("infons") or {}, "'infons'"))
    text = "".join(reading.written)
    return Document(name, text, reading.mentions(text), tuple(reading.passages),
                    tuple(reading.sentences))  # fmt: skip


def as_object(document: Document, notes: Notes) -> dict[str, Any]:
    """The object that a document is written as; mentions across passages stand in the document."""
    parts = list(_parts(document, notes))
    annotations: list[list[dict[str, Any]]] = [[] for _ in parts]
    across: list[dict[str, Any]] = []
    starts = [part.start for part in parts]
    taken = {mention.id for mention in document.mentions}
    fresh = (str(n) for n in count(1) if str(n) not in taken)
    for mention in document.mentions:
        home = bisect_right(starts, mention.start) - 1
        value = _annotation(document.text, mention, mention.id or next(fresh), notes)
        inside = home >= 0 and mention.end <= parts[home].end
        (annotations[home] if inside else across).append(value)
    passages = [
        {
            "infons": {"type": part.type} if part.type else {},
            "offset": part.start,
            "text": document.text[part.start : part.end],
            "sentences": [],
            "annotations": found,
            "relations": [],
        }
        for part, found in zip(parts, annotations, strict=True)
    ]
    return {"id": document.id, "infons": {}, "passages": passages, "annotations": across,
            "relations": []}  # fmt: skip


def _parts(document: Document, notes: Notes) -> Iterator[Passage]:
    """The passages to write: those named, and what of the text lies in none."""
    named = [passage for passage in document.passages if passage.type]
    ordered = all(a.end <= b.start for a, b in pairwise(named))
    if not ordered:
        named = []
    notes["lost_passages"] += len(document.passages) - len(named)
    before = 0
    for passage in named:
        gap = document.text[before : passage.start]
        if gap.strip("\n") or len(gap) > _GAP_WRITTEN:
            yield Passage(before, passage.start)
        yield passage
        before = passage.end
    if before < len(document.text) or not named:
        yield Passage(before, len(document.text))


def _annotation(text: str, mention: Mention, name: str, notes: Notes) -> dict[str, Any]:
    values: dict[str, list[str]] = {}
    for key, value in with_confidence(mention.attributes, mention):
        values.setdefault(key, []).append(value)
    notes["lost_attributes"] += "type" in values
    infons = {key: v[0] if len(v) == 1 else v for key, v in values.items()}
    infons["type"] = mention.type
    return {
        "id": name,
        "infons": infons,
        "text": " ".join(text[a:b] for a, b in mention.pieces),
        "locations": [{"offset": a, "length": b - a} for a, b in mention.pieces],
    }
