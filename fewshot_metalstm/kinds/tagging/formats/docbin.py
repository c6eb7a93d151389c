"""spaCy's DocBin (``.spacy``): tokens, sentences and entities; needs the package spacy.

spaCy's entities are flat. White space other than one blank between two tokens is tokens of its own
in spaCy: these are written so that the text survives, and not given as tokens when read.
"""

from __future__ import annotations

import zlib
from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING, Any

from fewshot_metalstm.errors import UserError, at
from fewshot_metalstm.kinds.tagging.corpora.bad import BadAnnotations
from fewshot_metalstm.kinds.tagging.formats import files
from fewshot_metalstm.kinds.tagging.formats.document import Document, Mention
from fewshot_metalstm.kinds.tagging.formats.notes import Notes
from fewshot_metalstm.kinds.tagging.formats.sentences import token_bounds

if TYPE_CHECKING:
    from spacy.tokens import Doc

MAX_FILE = 256 * 2**20
_ID = "fewshot_metalstm_id"


def read(path: Path, notes: Notes, bad: BadAnnotations) -> Iterator[Document]:
    """The documents of a file."""
    spacy = _spacy()
    data = files.read_bytes(path, MAX_FILE)
    unpacking = zlib.decompressobj()
    try:  # spaCy itself would unpack however much there is
        size = len(unpacking.decompress(data, MAX_FILE + 1))
    except zlib.error:
        raise at(path, None, "is no DocBin", "write it with spaCy's DocBin.to_disk") from None
    if size > MAX_FILE:
        raise at(path, None, f"unpacks to more than {MAX_FILE >> 20} MiB", "split it")
    vocabulary = spacy.blank("xx").vocab
    try:
        docs = list(spacy.tokens.DocBin().from_bytes(data).get_docs(vocabulary))
    except Exception as error:  # of many kinds, for anything that is not as it should be
        raise at(path, None, f"is no DocBin ({type(error).__name__})",
                 "write it with spaCy's DocBin.to_disk") from None  # fmt: skip
    for number, doc in enumerate(docs, 1):
        yield _document(doc, f"{path.stem}-{number}")


def _document(doc: Doc, fallback: str) -> Document:
    given = doc.user_data.get(_ID)
    tokens = [(t.idx, t.idx + len(t)) for t in doc if not t.is_space and len(t)]
    sentences: list[tuple[int, int]] = []
    if doc.has_annotation("SENT_START"):
        for sent in doc.sents:
            words = [t for t in sent if not t.is_space and len(t)]
            if words:
                sentences.append((words[0].idx, words[-1].idx + len(words[-1])))
    mentions = tuple(Mention(e.start_char, e.end_char, e.label_) for e in doc.ents)
    name = given if isinstance(given, str) else fallback
    return Document(name, doc.text, mentions, (), tuple(sentences), tuple(tokens))


def write(documents: Iterable[Document], path: Path, notes: Notes) -> None:
    """Write a file; tokens that a mention begins or ends within are split, and counted."""
    spacy = _spacy()
    binned = spacy.tokens.DocBin(store_user_data=True)
    vocabulary = spacy.blank("xx").vocab
    for document in documents:
        binned.add(_doc(document, spacy.tokens.Doc, vocabulary, notes))
    with files.replacing_path(path) as part:
        part.write_bytes(binned.to_bytes())


@dataclass
class _Words:
    """The tokens of a spaCy document as they are put together."""

    text: str
    begins: set[int]  # where a mention begins
    ends: set[int]
    edges: list[int]  # both, in order
    words: list[str] = field(default_factory=list)
    spaces: list[bool] = field(default_factory=list)
    starts: list[bool] = field(default_factory=list)

    def add(self, start: int, end: int, *, first: bool = False) -> bool:
        """Add a token, cut where a mention begins or ends; whether it was cut."""
        inner = self.edges[bisect_right(self.edges, start) : bisect_left(self.edges, end)]
        for a, b in pairwise([start, *inner, end]):
            self.words.append(self.text[a:b])
            self.spaces.append(False)
            self.starts.append(first and a == start)
        return bool(inner)

    def gap(self, start: int, end: int) -> None:
        """Add white space: a first blank belongs to the token before, unless a mention has it."""
        own = start in self.begins or start + 1 in self.ends
        if self.words and not own and self.text[start:end].startswith(" "):
            self.spaces[-1] = True
            start += 1
        if start < end:
            self.add(start, end)


def _doc(document: Document, kind: Any, vocabulary: Any, notes: Notes) -> Any:
    mentions = document.mentions
    begins, ends = {m.start for m in mentions}, {m.end for m in mentions}
    built = _Words(document.text, begins, ends, sorted(begins | ends))
    before = 0
    for sentence in token_bounds(document):
        for start, end in sentence:
            built.gap(before, start)
            notes["split_tokens"] += built.add(start, end, first=start == sentence[0][0])
            before = end
    built.gap(before, len(document.text))
    doc = kind(vocabulary, words=built.words, spaces=built.spaces, sent_starts=built.starts)
    doc.set_ents([doc.char_span(m.start, m.end, label=m.type) for m in mentions])
    doc.user_data[_ID] = document.id
    return doc


def _spacy() -> Any:
    try:
        import spacy
        import spacy.tokens
    except ImportError:
        raise UserError("DocBin needs the package spacy; install fewshot-metalstm[spacy]") from None
    return spacy
