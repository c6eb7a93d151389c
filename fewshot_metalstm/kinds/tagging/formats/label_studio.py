"""Label Studio's tasks, as it exports and imports them: a JSON list (read also one a line).

Its offsets are JavaScript's and count UTF-16 units; files that other programs wrote in characters
are known by the texts of their regions. Of several annotators the first whose work was not
cancelled is read; a task without any is one that nobody annotated.
The id of a document is ``id`` in the task's data, or else the task's own.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

from fewshot_metalstm.errors import UserError
from fewshot_metalstm.kinds.tagging.corpora.bad import LINE, BadAnnotations
from fewshot_metalstm.kinds.tagging.formats import files
from fewshot_metalstm.kinds.tagging.formats.document import Document, Mention, probability
from fewshot_metalstm.kinds.tagging.formats.jsonl import each_document
from fewshot_metalstm.kinds.tagging.formats.notes import Notes
from fewshot_metalstm.kinds.tagging.formats.offsets import CHARACTERS, UTF16, Claim, Ruler
from fewshot_metalstm.kinds.tagging.formats.records import Draft, Place, as_words, fitted

_SPANS = ("labels", "hypertextlabels")


def read(path: Path, notes: Notes, bad: BadAnnotations) -> Iterator[Document]:
    """The documents of a file of tasks."""
    return each_document(path, bad, lambda task, place, name: _document(task, place, name, notes))


def _document(task: Mapping[str, Any], place: Place, fallback: str, notes: Notes) -> Document:
    data = place.object(task.get("data"), "a task's 'data'")
    given = task.get("id") if data.get("id") is None else data["id"]
    name = fallback if given is None else place.name(given, "the id")
    place = place.named(name)
    text = _text(data, place)
    annotation = _annotation(task, place, notes)
    if annotation is None:
        return Document(name, text, annotated=False)
    drafts: list[Draft] = []
    claims: list[Claim] = []
    for region in place.items(annotation.get("result"), "'result'"):
        try:
            _region_read(place.object(region, "a region"), place, drafts, claims, notes)
        except UserError as error:
            place.bad.leave_out(error, LINE, as_words(region))
    return Document(name, text, fitted(text, drafts, claims, (UTF16, CHARACTERS), place, notes))


def _region_read(
    region: Mapping[str, Any], place: Place, drafts: list[Draft], claims: list[Claim], notes: Notes
) -> None:
    """Add a region's mentions, one for each of its labels."""
    kind = region.get("type")
    value = region.get("value")
    if kind not in _SPANS or not isinstance(value, dict):
        notes["relations" if kind == "relation" else "other_regions"] += 1
        return
    bounds = place.bounds({k: value.get(k) for k in ("start", "end")}, "a region")
    stated = value.get("text")
    claim = Claim((bounds,), None if stated is None else place.text(stated, "a region's text"))
    identifier = region.get("id")
    own = "" if identifier is None else place.name(identifier, "a region's id")
    sure = probability(region.get("score"))
    labels = place.items(value.get(kind), f"a region's '{kind}'")
    found = [Draft(place.text(label, "a label"), own, (), sure) for label in labels]
    notes["other_regions"] += not found
    drafts += found
    claims += [claim] * len(found)


def _text(data: Mapping[str, Any], place: Place) -> str:
    if isinstance(data.get("text"), str):
        return str(data["text"])
    texts = [value for key, value in data.items() if isinstance(value, str) and key != "id"]
    if len(texts) != 1:
        raise place.error("no 'text' in the task's data, and more or less than one other text")
    return texts[0]


def _annotation(task: Mapping[str, Any], place: Place, notes: Notes) -> Mapping[str, Any] | None:
    """The annotation that counts; None where there is none: nobody annotated, or gave it up."""
    key = "annotations" if task.get("annotations") is not None else "completions"
    given = [place.object(a, "an annotation") for a in place.items(task.get(key), f"'{key}'")]
    valid = [annotation for annotation in given if not annotation.get("was_cancelled")]
    notes["other_annotations"] += max(0, len(given) - 1)
    notes["predictions"] += len(place.items(task.get("predictions"), "'predictions'"))
    return valid[0] if valid else None


def write(documents: Iterable[Document], path: Path, notes: Notes) -> None:
    """Write a list of tasks with an annotation each, as Label Studio imports them."""
    with files.replacing(path) as file:
        file.write("[")
        for number, document in enumerate(documents):
            value = json.dumps(_task(document), ensure_ascii=False)
            file.write((",\n" if number else "\n") + value)
        file.write("\n]\n")


def _task(document: Document) -> dict[str, Any]:
    ruler = Ruler(document.text, UTF16)
    result = [
        _region(document.text, mention, ruler, n) for n, mention in enumerate(document.mentions)
    ]
    return {
        "data": {"id": document.id, "text": document.text},
        "annotations": [{"result": result}],
    }


def _region(text: str, mention: Mention, ruler: Ruler, number: int) -> dict[str, Any]:
    score = {} if mention.confidence is None else {"score": mention.confidence}
    return {
        "id": mention.id or f"r{number + 1}",
        **score,
        "from_name": "label",
        "to_name": "text",
        "type": "labels",
        "value": {
            "start": ruler.offset(mention.start),
            "end": ruler.offset(mention.end),
            "text": text[mention.start : mention.end],
            "labels": [mention.type],
        },
    }
