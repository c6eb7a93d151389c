"""spaCy's training JSON of version 2: documents of paragraphs, of sentences, of tokens.

Each token has its ``orth`` and, in ``ner``, its tag in BILUO. A paragraph is a document here; its
text is ``raw`` where that is given, and else the tokens with a blank between them. ``entities`` of
a paragraph, as [start, end, type], are read where its tokens have no tags. A paragraph whose tags
are all ``-`` is one that nobody annotated.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from fewshot_metalstm.errors import UserError
from fewshot_metalstm.kinds.tagging.corpora.bad import SEQUENCE, BadAnnotations
from fewshot_metalstm.kinds.tagging.corpora.columns import read_tag
from fewshot_metalstm.kinds.tagging.corpora.schemes import Scheme, decode, violations
from fewshot_metalstm.kinds.tagging.formats.document import Bounds, Document, Mention
from fewshot_metalstm.kinds.tagging.formats.jsonl import objects
from fewshot_metalstm.kinds.tagging.formats.notes import Notes
from fewshot_metalstm.kinds.tagging.formats.records import Place, read_record

_MISSING = "-"


def read(path: Path, notes: Notes, bad: BadAnnotations) -> Iterator[Document]:
    """The paragraphs of a file, a document each."""
    number = 0
    for place, record in objects(path, bad):
        try:
            paragraphs = place.items(record.get("paragraphs"), "'paragraphs'")
        except UserError as error:
            bad.document(error)
            continue
        for item in paragraphs:
            number += 1
            inner = place.named(f"{path.stem}-{number}")
            try:
                yield _paragraph(inner.object(item, "a paragraph"), inner, notes)
            except UserError as error:
                bad.document(error)


def _paragraph(value: Mapping[str, Any], place: Place, notes: Notes) -> Document:
    name = place.document or ""
    raw = None if value.get("raw") is None else place.text(value["raw"], "'raw'")
    written: list[str] = []
    position = 0
    tokens: list[Bounds] = []
    sentences: list[Bounds] = []
    mentions: list[Mention] = []
    tagged = False
    for item in place.items(value.get("sentences"), "'sentences'"):
        sentence = place.object(item, "a sentence")
        bounds, tags = [], []
        for each in place.items(sentence.get("tokens"), "'tokens'"):
            token = place.object(each, "a token")
            word = place.text(token.get("orth"), "a token's 'orth'")
            if raw is None:
                gap = " " if written else ""
                written += (gap, word)
                start = position + len(gap)
            else:
                start = raw.find(word, position)
                if start < 0 or raw[position:start].strip():
                    problem = f"the token {word[:40]!r} is not the next of 'raw'"
                    raise place.error(problem)
            position = start + len(word)
            if word.strip():  # spaCy's tokens may be white space
                bounds.append((start, position))
                tags.append(_tag(token, place))
        if bounds:
            sentences.append((bounds[0][0], bounds[-1][1]))
        tokens += bounds
        tagged |= any(tag != _MISSING for tag in tags)
        mentions += _mentions(bounds, ["O" if tag == _MISSING else tag for tag in tags], place)
    text = "".join(written) if raw is None else raw
    document = Document(name, text, tuple(mentions), (), tuple(sentences), tuple(tokens), tagged)
    if tagged or value.get("entities") is None:
        return document
    record = {"text": text, "entities": value["entities"]}
    found = read_record(record, place, notes, name)
    return Document(name, text, found.mentions, (), tuple(sentences), tuple(tokens))


def _mentions(bounds: list[Bounds], tags: list[str], place: Place) -> Iterator[Mention]:
    wrong = violations(tags, Scheme.BILOU)
    if wrong:
        error = place.error(f"{wrong[0].reason} in BILOU", "mend the tags")
        if not place.bad.repairs:
            place.bad.leave_out(error, SEQUENCE, " ".join(tags))
            return
        place.bad.mended(error, SEQUENCE, " ".join(tags), "tags mended")
    for span in decode(tags):
        yield Mention(bounds[span.start][0], bounds[span.end - 1][1], span.type)


def _tag(token: Mapping[str, Any], place: Place) -> str:
    given = token.get("ner", _MISSING)
    if given is None or given == _MISSING:
        return _MISSING
    words = place.text(given, "a token's 'ner'")
    tag = read_tag(words)
    if tag is None:
        raise place.error(f"tag {words[:40]!r} is not O or <letter>-<type>")
    return tag
