"""One JSON object as a document: what the shapes of JSON and JSON lines have in common."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from fewshot_metalstm.errors import UserError, at
from fewshot_metalstm.kinds.tagging.corpora.bad import LINE, BadAnnotations
from fewshot_metalstm.kinds.tagging.formats.document import (
    Bounds,
    Document,
    Mention,
    Passage,
    probability,
)
from fewshot_metalstm.kinds.tagging.formats.looks import like_annotation
from fewshot_metalstm.kinds.tagging.formats.notes import Notes
from fewshot_metalstm.kinds.tagging.formats.offsets import BYTES, CHARACTERS, UTF16, Claim
from fewshot_metalstm.kinds.tagging.formats.settle import settle

LISTS = ("mentions", "spans", "entities", "labels", "label")
_STARTS = ("start", "start_offset", "begin")
_ENDS = ("end", "end_offset")
_TYPES = ("type", "label", "entity", "tag", "labels")
_CONFIDENCES = ("confidence", "score")
_CURE = "mend it, or name the format with --format"
_LARGEST = 2**53


class Place:
    """Where a value stands, for messages: a file, and a line or the id of a document.

    ``bad`` is what becomes of annotations there that are wrong.
    """

    def __init__(
        self,
        path: Path,
        line: int | None = None,
        document: str | None = None,
        bad: BadAnnotations | None = None,
    ) -> None:
        self.path, self.line, self.document = path, line, document
        self.bad = BadAnnotations(offered=False) if bad is None else bad

    def named(self, document: str) -> Place:
        """The same place, in a document of which the id is known."""
        return Place(self.path, self.line, document, self.bad)

    def error(self, problem: str, cure: str = _CURE) -> UserError:
        """The error that names the place."""
        of = f"document {self.document[:80]}: " if self.document is not None else ""
        return at(self.path, self.line, f"{of}{problem}", cure)

    def text(self, value: Any, what: str) -> str:
        """``value`` if it is text."""
        if not isinstance(value, str):
            raise self.error(f"{what} is no text")
        return value

    def name(self, value: Any, what: str) -> str:
        """``value`` if it is text or a whole number, as text."""
        if isinstance(value, bool) or not isinstance(value, (str, int)):
            raise self.error(f"{what} is neither text nor a whole number")
        try:
            return str(value)
        except ValueError:
            raise self.error(f"{what} is too long a number") from None

    def offset(self, value: Any, what: str) -> int:
        """``value`` if it is a whole number that can be an offset."""
        if isinstance(value, bool) or not isinstance(value, int) or not 0 <= value < _LARGEST:
            raise self.error(f"{what} is no offset (a whole number from 0)")
        return int(value)

    def items(self, value: Any, what: str) -> list[Any]:
        """``value`` if it is a list; of nothing (``null``) an empty one."""
        if value is None:
            return []
        if not isinstance(value, list):
            raise self.error(f"{what} is no list")
        return value

    def object(self, value: Any, what: str) -> Mapping[str, Any]:
        """``value`` if it is an object."""
        if not isinstance(value, dict):
            raise self.error(f"{what} is no JSON object")
        return value

    def bounds(self, value: Any, what: str) -> Bounds:
        """``value`` if it is ``[start, end]`` or an object with the two."""
        if isinstance(value, dict):
            value = [_first(value, _STARTS), _first(value, _ENDS)]
        if not isinstance(value, list) or len(value) != 2:
            raise self.error(f"{what} is not [start, end]")
        return self.offset(value[0], what), self.offset(value[1], what)


def read_record(record: Mapping[str, Any], place: Place, notes: Notes, fallback: str) -> Document:
    """The document of an object with ``text`` and a list of mentions, in any of their shapes.

    A mention is ``[start, end, type]``, or an object with start, end and type by any of their
    usual names. ``fallback`` is the id where the object has none.

    Raises:
        UserError: anything that is not as it should be; offsets that fit no unit.
    """
    meta = record.get("meta")
    given = record.get("id", meta.get("id") if isinstance(meta, dict) else None)
    name = fallback if given is None else place.name(given, "the id")
    place = place.named(name)
    given = record.get("text")
    if given is None and isinstance(record.get("data"), str):  # as doccano calls it
        given = record["data"]
    text = place.text(given, "the text")
    listed = next((key for key in LISTS if record.get(key) is not None), None)
    odd = None if listed and record[listed] else like_annotation(record)
    if odd is not None:
        problem = f"{odd[:40]!r} looks like annotation, of a kind that is not read"
        raise place.error(problem, "call it 'mentions', or name the format with --format")
    if _unconfirmed(record, listed):
        return Document(name, text, annotated=False)
    related = record.get("relations")
    notes["relations"] += len(related) if isinstance(related, list) else 0
    drafts, claims = [], []
    for item in place.items(record[listed] if listed else None, f"'{listed}'"):
        try:
            draft, claim = _mention(item, place)
        except UserError as error:
            place.bad.leave_out(error, LINE, as_words(item))
            continue
        drafts.append(draft)
        claims.append(claim)
    mentions = fitted(text, drafts, claims, (CHARACTERS, UTF16, BYTES), place, notes)
    return Document(
        name, text, mentions, _passages(record, place), _sentences(record, place),
        _tokens(record, place),
    )  # fmt: skip


def _unconfirmed(record: Mapping[str, Any], listed: str | None) -> bool:
    """Whether doccano says that nobody has approved of the annotation, or that there is none."""
    if record.get("is_confirmed") is False or record.get("confirmed") is False:
        return True
    nobody = "annotation_approver" in record and record["annotation_approver"] is None
    return nobody and not (listed and record[listed])


def as_words(item: Any) -> str:
    """A value as a report shows it."""
    try:
        return json.dumps(item)
    except (ValueError, RecursionError):
        return ""


def _mention(item: Any, place: Place) -> tuple[Draft, Claim]:
    if isinstance(item, list):
        if len(item) != 3:
            raise place.error("a mention is not [start, end, type]")
        item = {"start": item[0], "end": item[1], "type": item[2]}
    item = place.object(item, "a mention")
    sure = probability(_first(item, _CONFIDENCES))
    return replace(_draft(item, place), confidence=sure), _claim(item, place)


@dataclass(frozen=True, slots=True)
class Draft:
    """A mention before its bounds are known."""

    type: str
    id: str = ""
    attributes: tuple[tuple[str, str], ...] = ()
    confidence: float | None = None


def fitted(
    text: str,
    drafts: Sequence[Draft],
    claims: Sequence[Claim],
    units: tuple[str, ...],
    place: Place,
    notes: Notes,
) -> tuple[Mention, ...]:
    """Mentions from drafts and where each claims to be."""

    def wrong(number: int) -> tuple[UserError, str]:
        claim, draft = claims[number], drafts[number]
        (start, end), words = claim.pieces[0], claim.text
        what = "is not within the text" if words is None else f"is not {words[:40]!r}"
        shown = " ".join(each for each in (draft.id, draft.type, f"{start}-{end}", words) if each)
        return place.error(f"the mention at {start}-{end} {what}", "mend its offsets"), shown

    unit, pieces = settle(text, claims, units, place.bad, wrong)
    if unit != units[0]:
        notes[
            {CHARACTERS: "character_offsets", UTF16: "utf16_offsets", BYTES: "byte_offsets"}[unit]
        ] += 1
    return tuple(
        Mention(p[0][0], p[-1][1], draft.type, draft.id, p if len(p) > 1 else (),
                draft.attributes, draft.confidence)
        for draft, p in zip(drafts, pieces, strict=True)
        if p is not None
    )  # fmt: skip


def confident(
    mentions: Iterable[Mention], confidences: Iterable[float | None]
) -> tuple[Mention, ...]:
    """Mentions with their confidences, where there are any."""
    return tuple(
        mention if sure is None else replace(mention, confidence=sure)
        for mention, sure in zip(mentions, confidences, strict=True)
    )


def _draft(item: Mapping[str, Any], place: Place) -> Draft:
    kind = _first(item, _TYPES)
    if isinstance(kind, list) and len(kind) == 1:
        kind = kind[0]
    attributes = []
    for key, value in place.object(item.get("attributes") or {}, "'attributes'").items():
        for each in value if isinstance(value, list) else [value]:
            attributes.append((key, place.text(each, f"the attribute {key[:40]!r}")))
    identifier = item.get("id")
    name = "" if identifier is None else place.name(identifier, "a mention's id")
    return Draft(place.text(kind, "a mention's type"), name, tuple(attributes))


def _claim(item: Mapping[str, Any], place: Place) -> Claim:
    start = place.offset(_first(item, _STARTS), "a mention's start")
    end = place.offset(_first(item, _ENDS), "a mention's end")
    stated = item.get("text")
    words = None if stated is None else place.text(stated, "a mention's text")
    fragments = place.items(item.get("fragments"), "'fragments'")
    pieces = tuple(place.bounds(piece, "a fragment") for piece in fragments) or ((start, end),)
    if (pieces[0][0], pieces[-1][1]) != (start, end):
        raise place.error(
            f"the fragments of the mention at {start}-{end} do not begin and end there"
        )
    return Claim(pieces, words)


def _passages(record: Mapping[str, Any], place: Place) -> tuple[Passage, ...]:
    sections = record.get("sections")
    if isinstance(sections, dict):  # as `tag-corpus` writes them
        return tuple(Passage(*place.bounds(v, f"section {k!r}"), k) for k, v in sections.items())
    passages = []
    for item in place.items(record.get("passages"), "'passages'"):
        bounds = place.bounds(item, "a passage")
        kind = item.get("type") if isinstance(item, dict) else None
        passages.append(
            Passage(*bounds, "" if kind is None else place.text(kind, "a passage's type"))
        )
    return tuple(passages)


def _sentences(record: Mapping[str, Any], place: Place) -> tuple[Bounds, ...]:
    items = place.items(record.get("sentences"), "'sentences'")
    return tuple(place.bounds(item, "a sentence") for item in items)


def _tokens(record: Mapping[str, Any], place: Place) -> tuple[Bounds, ...]:
    items = place.items(record.get("tokens"), "'tokens'")
    return tuple(place.bounds(item, "a token") for item in items)


def _first(item: Mapping[str, Any], names: tuple[str, ...]) -> Any:
    return next((item[name] for name in names if item.get(name) is not None), None)
