"""The text of a project: read once by the readers of all formats, cut into sentences, and kept.

What is kept are the documents as JSON lines (``text.jsonl``) and the bounds of the sentences
(``sentences.json``), so that a project depends on no other file and opens without splitting
anything again. A sentence goes by its number, from 0, in the order of the text.

Needs no torch: the process that serves the page never imports it.
"""

from __future__ import annotations

import hashlib
import json
from bisect import bisect_left
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any, NamedTuple

from fewshot_metalstm.errors import UserError, at
from fewshot_metalstm.kinds.tagging.checking.any_text import documents_of, is_columns
from fewshot_metalstm.kinds.tagging.corpora.bad import REPAIR, BadAnnotations
from fewshot_metalstm.kinds.tagging.corpora.text import sentence_bounds, tokenise
from fewshot_metalstm.kinds.tagging.formats import Document, Mention, Notes
from fewshot_metalstm.kinds.tagging.formats.document import Bounds
from fewshot_metalstm.kinds.tagging.formats.jsonl import as_record, write_objects
from fewshot_metalstm.kinds.tagging.formats.records import Place, read_record
from fewshot_metalstm.kinds.tagging.formats.sentences import token_bounds
from fewshot_metalstm.writing import write_text

TEXT, SENTENCES = "text.jsonl", "sentences.json"
_CURE = "begin the project anew in another folder"


class Where(NamedTuple):
    """A sentence: the number of its document, and its bounds there."""

    document: int
    start: int
    end: int


@dataclass(frozen=True)
class Text:
    """Documents, as their records, and where their sentences are."""

    records: Sequence[dict[str, Any]]
    places: Sequence[Where]

    def __len__(self) -> int:
        """The number of sentences."""
        return len(self.places)

    def sentence(self, number: int) -> str:
        """The sentence as it stands in its document."""
        where = self.places[number]
        text: str = self.records[where.document]["text"]
        return text[where.start : where.end]

    def name(self, number: int) -> str:
        """The id of the sentence's document."""
        return str(self.records[self.places[number].document]["id"])

    def tokens(self, number: int) -> list[Bounds]:
        """The bounds of the sentence's tokens, counted from its first character."""
        where = self.places[number]
        given = self.records[where.document].get("tokens")
        if not given:
            return tokenise(self.sentence(number))
        low = bisect_left(given, [where.start, where.start])
        high = bisect_left(given, [where.end, where.end])
        return [(start - where.start, end - where.start) for start, end in given[low:high]]

    def document(self, number: int) -> Document:
        """A document, by its own number."""
        record = self.records[number]
        place = Place(Path(TEXT), number + 1, None, BadAnnotations())
        return read_record(record, place, Notes(), str(record["id"]))

    def given(self, number: int) -> tuple[Mention, ...]:
        """The mentions that the file had in this sentence, counted from its first character."""
        return self._given.get(number, ())

    @cached_property
    def annotated(self) -> frozenset[int]:
        """The sentences of documents that had a mention when they were read."""
        some = {n for n, record in enumerate(self.records) if record["mentions"]}
        return frozenset(i for i, where in enumerate(self.places) if where.document in some)

    @cached_property
    def _given(self) -> dict[int, tuple[Mention, ...]]:
        found: dict[int, list[Mention]] = {}
        for number, record in enumerate(self.records):
            if not record["mentions"]:
                continue
            low = bisect_left(self.places, (number, 0, 0))
            high = bisect_left(self.places, (number + 1, 0, 0))
            starts = [where.start for where in self.places[low:high]]
            ends = [where.end for where in self.places[low:high]]
            for whole in self.document(number).mentions:
                for mention in (whole, _trimmed(whole, record["text"])):
                    place = bisect_left(starts, mention.start + 1) - 1
                    if place >= 0 and mention.end <= ends[place]:
                        moved = _moved(mention, -starts[place])
                        found.setdefault(low + place, []).append(moved)
                        break
        return {number: tuple(mentions) for number, mentions in found.items()}

    @cached_property
    def lowered(self) -> tuple[str, ...]:
        """Every sentence in small letters with single blanks, to be searched."""
        sentences = map(self.sentence, range(len(self)))
        return tuple(" ".join(sentence.lower().split()) for sentence in sentences)


def gather(path: Path, format: str | None, notes: Notes) -> Text:
    """Read a file or folder of any format and find its sentences.

    Raises:
        UserError: it cannot be read, or holds no sentence.
    """
    records: list[dict[str, Any]] = []
    places: list[Where] = []
    for document in _documents(path, format, notes):
        places += (Where(len(records), *bounds) for bounds in _sentences(document))
        records.append(_as_kept(document))
    if not places:
        raise at(path, None, "holds no sentence", "give a file with text")
    text = Text(records, places)
    placed = sum(len(text.given(i)) for i in text.annotated)
    notes["blank"] += sum(len(record["mentions"]) for record in records) - placed
    return text


def _as_kept(document: Document) -> dict[str, Any]:
    """The record as it is when it was written and read again: with lists for tuples."""
    record = as_record(document)
    if document.mentions or document.sentences or document.tokens or document.passages:
        return dict(json.loads(json.dumps(record)))
    return record


def store(text: Text, folder: Path) -> str:
    """Write the text to a project's folder; its SHA-256, by which :func:`load` knows it."""
    write_objects(text.records, folder / TEXT)
    write_text(json.dumps(text.places) + "\n", folder / SENTENCES)
    return _digest(folder)


def load(folder: Path, digest: str) -> Text:
    """The text of a project.

    Raises:
        UserError: it is absent or not what was written: the journal counts on it.
    """
    try:
        if _digest(folder) != digest:
            raise at(folder / TEXT, None, "was changed since the project was begun", _CURE)
        with (folder / TEXT).open(encoding="utf-8") as file:
            records = [json.loads(line) for line in file]
        bounds = json.loads((folder / SENTENCES).read_text(encoding="utf-8"))
        return Text(records, [Where(*each) for each in bounds])
    except (OSError, ValueError, TypeError) as error:
        reason = getattr(error, "strerror", None) or "damaged"
        raise at(folder / TEXT, None, f"cannot be read ({reason})", _CURE) from None


def _digest(folder: Path) -> str:
    total = hashlib.sha256()
    for name in (TEXT, SENTENCES):
        total.update((folder / name).read_bytes())
    return total.hexdigest()


def _documents(path: Path, format: str | None, notes: Notes) -> list[Document]:
    """The documents with their mentions; of columns without tags, or with others, without."""
    own = Notes()
    try:
        found = list(documents_of(path, format, labelled=True, notes=own, bad=REPAIR))
    except UserError:
        if not is_columns(path, format):
            raise
        return list(documents_of(path, format, notes=notes))
    notes.update(own)
    return found


def _sentences(document: Document) -> Iterable[Bounds]:
    """Bounds of sentences from the first token to the last; those a mention crosses are one."""
    if not (document.mentions or document.sentences or document.tokens):
        return sentence_bounds(document.text)
    mentions = sorted(document.mentions, key=lambda mention: mention.start)
    found: list[Bounds] = []
    place = reach = 0  # of the mentions that begin before the end of the last sentence
    for tokens in token_bounds(document):
        start, end = tokens[0][0], tokens[-1][1]
        while found and place < len(mentions) and mentions[place].start < found[-1][1]:
            reach = max(reach, mentions[place].end)
            place += 1
        if found and reach > start:
            found[-1] = (found[-1][0], end)
        else:
            found.append((start, end))
    return found


def _trimmed(mention: Mention, text: str) -> Mention:
    """The mention without white space at its ends, which is in no sentence."""
    words = text[mention.start : mention.end]
    start = mention.start + len(words) - len(words.lstrip())
    end = mention.end - (len(words) - len(words.rstrip()))
    if start >= end or mention.fragments:  # nothing else; pieces are left as they are
        return mention
    return replace(mention, start=start, end=end)


def _moved(mention: Mention, by: int) -> Mention:
    fragments = tuple((start + by, end + by) for start, end in mention.fragments)
    return Mention(mention.start + by, mention.end + by, mention.type, mention.id, fragments)
