"""Documents with offsets, read for what the way to tokens would change."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

from fewshot_metalstm.errors import UserError
from fewshot_metalstm.kinds.tagging.checking.finding import NOTE, WARNING, Finding
from fewshot_metalstm.kinds.tagging.corpora.bad import FILE, BadAnnotations
from fewshot_metalstm.kinds.tagging.corpora.sentence import Sentence
from fewshot_metalstm.kinds.tagging.formats import (
    Document,
    Mention,
    Notes,
    PlacedSentence,
    read_documents,
    to_sentences,
)
from fewshot_metalstm.kinds.tagging.formats.sentences import token_bounds

_LINED = ("brat", "text")  # formats whose text is a file of its own

_CHECKS = {
    "discontinuous": (
        WARNING, "mentions in several pieces, which tags cannot say",
        "annotate the pieces apart, or pass --overlaps longest to take first to last character",
    ),
    "overlapping": (
        WARNING, "mentions that overlap others, which tags cannot say",
        "keep one of each, or pass --overlaps longest, which keeps the longest",
    ),
    "repeated": (NOTE, "mentions given twice", "remove one of each"),
    "within-token": (
        WARNING, "mentions that begin or end inside a token",
        "check the offsets (a letter too few or too many?); the token is split there",
    ),
    "white-space": (
        WARNING, "mentions with white space at an end", "mend the offsets: tokens hold none",
    ),
    "across-sentences": (
        WARNING, "mentions that cross the end of a sentence",
        "check them; the two sentences are read as one",
    ),
}  # fmt: skip


@dataclass
class _Seen:
    """Counts and places of one kind of finding."""

    count: int = 0
    examples: list[str] = field(default_factory=list)

    def add(self, place: str, limit: int) -> None:
        self.count += 1
        if len(self.examples) < limit:
            self.examples.append(place)


@dataclass(frozen=True)
class _Places:
    """Tells of an offset in a document where it stands: file and line, or document and offset."""

    file: Path
    id: str
    breaks: list[int] | None  # offsets of line breaks, where the file holds the text as it is

    @classmethod
    def of(cls, document: Document, path: Path, format: str) -> _Places:
        if format not in _LINED:
            return cls(path, document.id, None)
        file = path / f"{document.id}.txt" if path.is_dir() else path.with_suffix(".txt")
        breaks = [i for i, letter in enumerate(document.text) if letter == "\n"]
        return cls(file if format == "brat" else path, document.id, breaks)

    def at(self, offset: int) -> str:
        if self.breaks is None:
            return f"{self.file}: {self.id}, character {offset}"
        return f"{self.file}:{bisect_left(self.breaks, offset) + 1}"

    def token(self, placed: PlacedSentence, number: int) -> str:
        return self.at(placed.offsets[number][0])


def documents_of(
    path: Path,
    format: str,
    findings: tuple[Finding, ...],
    examples: int,
    bad: BadAnnotations,
    notes: Notes,
    scheme: str | None = None,
) -> tuple[list[tuple[Sentence, Callable[[int], str]]], tuple[Finding, ...]]:
    """The sentences of a file's documents with the places of their tokens, and what was odd.

    ``findings`` are those of files before it, which are added to. What cannot be read goes to
    ``bad``, and the documents after it are read where that is possible.
    """
    seen = {name: _Seen() for name in _CHECKS}
    sentences: list[tuple[Sentence, Callable[[int], str]]] = []
    options = {} if scheme is None else {"scheme": scheme}
    read = read_documents(path, format, notes=notes, bad=bad, **options)
    for document in _until_it_breaks(read, bad):
        places = _Places.of(document, path, format)
        _look(document, places, seen, examples)
        for placed in to_sentences(document, overlaps="longest", place=str(path)):
            sentences.append((placed.sentence, partial(places.token, placed)))
    return sentences, _merged(findings, seen, examples)


def _until_it_breaks(documents: Iterator[Document], bad: BadAnnotations) -> Iterator[Document]:
    read = False
    try:
        for document in documents:
            read = True
            yield document
    except UserError as error:
        if not read and not bad.faults:
            raise
        bad.document(error, FILE)


def _look(document: Document, places: _Places, seen: dict[str, _Seen], limit: int) -> None:
    """Note what is odd about a document's mentions."""
    sentences = list(token_bounds(document))
    starts = {start for tokens in sentences for start, _ in tokens}
    ends = {end for tokens in sentences for _, end in tokens}
    firsts = [tokens[0][0] for tokens in sentences]
    before: Mention | None = None
    for mention in sorted(document.mentions, key=lambda m: (m.start, -m.end, m.type)):
        words = document.text[mention.start : mention.end]
        start = mention.start + len(words) - len(words.lstrip())
        end = mention.end - (len(words) - len(words.rstrip()))
        odd = []
        if len(mention.pieces) > 1:
            odd.append("discontinuous")
        if (start, end) != (mention.start, mention.end):
            odd.append("white-space")
        elif start not in starts or end not in ends:
            odd.append("within-token")
        if before is not None and mention.start < before.end:
            same = (before.start, before.end, before.type) == (
                mention.start, mention.end, mention.type
            )  # fmt: skip
            odd.append("repeated" if same else "overlapping")
        if bisect_right(firsts, mention.start) < bisect_left(firsts, mention.end):
            odd.append("across-sentences")
        for name in odd:
            place = f"{places.at(mention.start)}: {mention.type} {words[:60]!r}"
            seen[name].add(place, limit)
        if before is None or mention.end > before.end:
            before = mention


def _merged(
    findings: tuple[Finding, ...], seen: dict[str, _Seen], limit: int
) -> tuple[Finding, ...]:  # fmt: skip
    old = {finding.name: finding for finding in findings}
    merged = []
    for name, (severity, problem, cure) in _CHECKS.items():
        count = seen[name].count + (old[name].count if name in old else 0)
        if count:
            places = ((*old[name].examples,) if name in old else ()) + tuple(seen[name].examples)
            merged.append(Finding(name, severity, problem, count, cure, places[:limit]))
    return tuple(merged)
