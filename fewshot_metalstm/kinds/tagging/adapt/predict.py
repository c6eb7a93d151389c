"""Tagging files with an adapted tagger: raw text or token-per-line, a window at a time."""

from __future__ import annotations

import codecs
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import torch

from fewshot_metalstm.errors import UserError, at
from fewshot_metalstm.kinds.tagging.corpora.reader import read_tokens
from fewshot_metalstm.kinds.tagging.corpora.schemes import spans
from fewshot_metalstm.kinds.tagging.corpora.text import TextSentence, split, split_stream
from fewshot_metalstm.kinds.tagging.formats.looks import tabbed
from fewshot_metalstm.kinds.tagging.tagger.confidence import Reading, read_with
from fewshot_metalstm.kinds.tagging.tagger.decode import tag
from fewshot_metalstm.kinds.tagging.tagger.encoding import WordTable
from fewshot_metalstm.kinds.tagging.tagger.model import TAGGER, TaggerModel, load_model

TEXT, COLUMNS = "text", "columns"
WINDOW = 32768  # tokens that are read before they are tagged together, in batches of like length
KNOWN_WORDS = 50_000  # words whose features are kept: some 30 MiB; then all are looked up anew
_PIECE = 2**18  # bytes read at once
_COLUMN_SUFFIXES = {".tsv", ".conll", ".bio", ".iob", ".iob2", ".iobes", ".bilou", ".conllu"}
_Item = TypeVar("_Item")


@dataclass(frozen=True, slots=True)
class Mention:
    """A mention that was found in a text: ``text[start:end]``, of entity type ``type``.

    ``confidence`` is the tagger's own probability, 0 to 1, of exactly this mention.
    """

    start: int
    end: int
    type: str
    text: str
    confidence: float


@dataclass(frozen=True, slots=True)
class TaggedSentence:
    """A sentence with its tags; ``source`` is where it stands in a text, or None for columns.

    ``confidences`` are the probabilities of its mentions, 0 to 1, or None where nobody asked.
    """

    tokens: tuple[str, ...]
    tags: tuple[str, ...]
    source: TextSentence | None = None
    confidences: tuple[float, ...] | None = None

    def mentions(self) -> list[dict[str, Any]]:
        """Mentions with type, token bounds (end exclusive), text and, of text, offsets.

        Those whose confidence is known hold it besides, with four digits.
        """
        found: list[dict[str, Any]] = []
        if self.tags.count("O") == len(self.tags):
            return found  # as most sentences are; this is the quickest way to know
        for number, span in enumerate(spans(self.tags)):
            mention: dict[str, Any] = {"type": span.type, "tokens": [span.start, span.end]}
            if self.source is not None:
                offsets, first = self.source.offsets, self.source.start
                start, end = offsets[span.start][0], offsets[span.end - 1][1]
                text = self.source.text[start - first : end - first]
                mention |= {"start": start, "end": end, "text": text}
            else:
                mention["text"] = " ".join(self.tokens[span.start : span.end])
            if self.confidences is not None:
                mention["confidence"] = round(self.confidences[number], 4)
            found.append(mention)
        return found


class Predictor:
    """A tagger loaded once, for any number of files."""

    def __init__(self, tagger: Path | TaggerModel, device: torch.device) -> None:
        """Load the tagger of a folder, or take one that is loaded; it goes to ``device``."""
        model = load_model(tagger, TAGGER) if isinstance(tagger, Path) else tagger
        self.model: TaggerModel = model
        self.model.learner.to(device)
        self.params = {n: p.detach() for n, p in self.model.learner.named_parameters()}
        self._table = self.model.table()

    def file(self, path: Path, form: str, *, confidence: bool = False) -> Iterator[TaggedSentence]:
        """Tag ``path``, read as ``text`` or ``columns`` (see :func:`guess`), in order.

        Text is read, tagged and given away a window at a time, so that memory does not grow with
        the file; a file of columns is checked, and so read, as a whole before it is tagged.

        Args:
            confidence: find the probabilities of the mentions too.

        Raises:
            UserError: the file cannot be read, is not UTF-8 (for text when the reader gets
                there) or is ill-formed.
        """
        if form == COLUMNS:
            return self.stream(((t, None) for t in read_tokens(path)), confidence=confidence)
        found = split_stream(read_text(path))
        return self.stream(((s.tokens, s) for s in found), confidence=confidence)

    def texts(self, texts: Sequence[str]) -> list[list[Mention]]:
        """The mentions of each text; offsets count its characters."""
        pieces = [(n, sentence) for n, text in enumerate(texts) for sentence in split(text)]
        tagged = self.stream(((s.tokens, s) for _, s in pieces), confidence=True)
        found: list[list[Mention]] = [[] for _ in texts]
        for (number, _), sentence in zip(pieces, tagged, strict=True):
            for m in sentence.mentions():
                mention = Mention(m["start"], m["end"], m["type"], m["text"], m["confidence"])
                found[number].append(mention)
        return found

    def stream(
        self,
        sentences: Iterable[tuple[Sequence[str], TextSentence | None]],
        *,
        confidence: bool = False,
    ) -> Iterator[TaggedSentence]:
        """Tag sentences, each given as its tokens and where it stands in a text, in order.

        They are taken as needed, a window at a time.
        """
        for window in windows(sentences, lambda sentence: sentence[0], WINDOW):
            given = [tokens for tokens, _ in window]
            found: Sequence[tuple[tuple[str, ...], tuple[float, ...] | None]]
            if confidence:
                found = [(reading.tags, reading.confidences) for reading in self.read(given)]
            else:
                found = [(tags, None) for tags in self.tag(given)]
            for (tokens, source), (tags, sure) in zip(window, found, strict=True):
                yield TaggedSentence(tuple(tokens), tags, source, sure)

    def tag(self, sentences: Sequence[Sequence[str]]) -> list[tuple[str, ...]]:
        """IOBES tags of tokenised sentences."""
        return tag(
            self.model.learner, self.params, self._words(), sentences, self.model.types,
            self.model.lexicon,
        )  # fmt: skip

    def read(self, sentences: Sequence[Sequence[str]]) -> list[Reading]:
        """Tags of tokenised sentences, with their mentions' confidences and an uncertainty."""
        return read_with(
            self.model.learner, self.params, self._words(), sentences, self.model.types,
            self.model.lexicon,
        )  # fmt: skip

    def _words(self) -> WordTable:
        """The words met so far, or none where they were too many."""
        if len(self._table) > KNOWN_WORDS:
            self._table = self.model.table()
        return self._table


def windows(
    items: Iterable[_Item], tokens: Callable[[_Item], Sequence[str]], size: int
) -> Iterator[list[_Item]]:
    """Items in runs of at least ``size`` tokens together, the last one with what is left."""
    window: list[_Item] = []
    total = 0
    for item in items:
        window.append(item)
        total += len(tokens(item))
        if total >= size:
            yield window
            window, total = [], 0
    if window:
        yield window


def read_text(path: Path, piece: int = _PIECE) -> Iterator[str]:
    """A text file in UTF-8, in pieces; :class:`UserError` naming the line where it is not."""
    decoder = codecs.getincrementaldecoder("utf-8-sig")()
    lines = 1
    try:
        with path.open("rb") as stream:
            while True:
                data = stream.read(piece)
                pending = decoder.getstate()[0]
                try:
                    text = decoder.decode(data, final=not data)
                except UnicodeDecodeError as problem:
                    line = lines + (pending + data).count(b"\n", 0, problem.start)
                    cure = "convert it, for example with iconv"
                    raise at(path, line, "is not UTF-8", cure) from None
                lines += text.count("\n")
                if text:
                    yield text
                if not data:
                    return
    except OSError as problem:
        raise at(path, None, f"cannot be read ({problem.strerror})", "check the path") from None


def guess(path: Path) -> str:
    """``columns`` for token-per-line files, ``text`` for others.

    Decided by the suffix where it is one of columns or ``.txt``; else a file whose first lines are
    in columns by tabs, or have one word each where there are several, is taken for columns.
    """
    if not path.is_file():
        raise UserError(f"{path}: there is no such file; check the path")
    if path.suffix.lower() in _COLUMN_SUFFIXES:
        return COLUMNS
    if path.suffix.lower() == ".txt":
        return TEXT
    head = next(read_text(path), "")
    lines = [line for line in head.splitlines()[:50] if line.strip()]
    if tabbed(lines):
        return COLUMNS
    single = sum(len(line.split()) == 1 for line in lines)
    return COLUMNS if len(lines) > 3 and single == len(lines) else TEXT
