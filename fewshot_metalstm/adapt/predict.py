"""Tagging files with an adapted tagger: raw text or token-per-line."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch

from fewshot_metalstm.adapt.text import split
from fewshot_metalstm.corpora.reader import read_tokens
from fewshot_metalstm.corpora.schemes import spans
from fewshot_metalstm.errors import UserError, at
from fewshot_metalstm.tagging.decode import tag
from fewshot_metalstm.tagging.model import TAGGER, TaggerModel, load_model

TEXT, COLUMNS = "text", "columns"
_COLUMN_SUFFIXES = {".tsv", ".conll", ".bio", ".iob", ".iob2", ".iobes", ".bilou", ".conllu"}


@dataclass(frozen=True)
class TaggedSentence:
    """A sentence with its tags; ``offsets`` into the file's text, or None for columns."""

    tokens: tuple[str, ...]
    tags: tuple[str, ...]
    offsets: tuple[tuple[int, int], ...] | None

    def mentions(self, text: str | None) -> list[dict[str, Any]]:
        """Mentions with type, token bounds (end exclusive), text and, of text, offsets."""
        found = []
        for span in spans(self.tags):
            mention: dict[str, Any] = {"type": span.type, "tokens": [span.start, span.end]}
            if self.offsets is not None and text is not None:
                start, end = self.offsets[span.start][0], self.offsets[span.end - 1][1]
                mention |= {"start": start, "end": end, "text": text[start:end]}
            else:
                mention["text"] = " ".join(self.tokens[span.start : span.end])
            found.append(mention)
        return found


@dataclass(frozen=True)
class TaggedFile:
    """A tagged file; ``text`` is its content where it was raw text."""

    path: str
    format: str
    sentences: tuple[TaggedSentence, ...]
    text: str | None

    def as_dict(self) -> dict[str, Any]:
        """As ``--json`` prints it."""
        return {
            "file": self.path,
            "format": self.format,
            "sentences": [
                {"tokens": s.tokens, "tags": s.tags, "mentions": s.mentions(self.text)}
                for s in self.sentences
            ],
        }


class Predictor:
    """A tagger loaded once, for any number of files."""

    def __init__(self, folder: Path, device: torch.device) -> None:
        self.model: TaggerModel = load_model(folder, TAGGER)
        self.model.learner.to(device)
        self.params = {n: p.detach() for n, p in self.model.learner.named_parameters()}

    def file(self, path: Path, form: str | None = None) -> TaggedFile:
        """Tag ``path``, read as ``text`` or ``columns`` (None: by its name, then its look)."""
        form = form or guess(path)
        if form == COLUMNS:
            sentences = read_tokens(path)
            tags = self.tag([list(s) for s in sentences])
            tagged = tuple(
                TaggedSentence(tuple(s), t, None) for s, t in zip(sentences, tags, strict=True)
            )
            return TaggedFile(str(path), form, tagged, None)
        text = read_text(path)
        pieces = split(text)
        tags = self.tag([list(p.tokens) for p in pieces])
        tagged = tuple(
            TaggedSentence(p.tokens, t, p.offsets) for p, t in zip(pieces, tags, strict=True)
        )
        return TaggedFile(str(path), form, tagged, text)

    def tag(self, sentences: list[list[str]]) -> list[tuple[str, ...]]:
        """IOBES tags of tokenised sentences."""
        table = self.model.table()  # a fresh one, so that memory does not grow with the files
        return tag(self.model.learner, self.params, table, sentences, self.model.types)


def read_text(path: Path) -> str:
    """A text file in UTF-8; :class:`UserError` naming the line where it is not."""
    try:
        data = path.read_bytes()
    except OSError as problem:
        raise at(path, None, f"cannot be read ({problem.strerror})", "check the path") from None
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as problem:
        line = data.count(b"\n", 0, problem.start) + 1
        raise at(path, line, "is not UTF-8", "convert it, for example with iconv") from None


def guess(path: Path) -> str:
    """``columns`` for token-per-line files, ``text`` for others.

    Decided by the suffix where it is one of columns or ``.txt``; else a file with a tab in its
    first lines, or with one word on each of several, is taken for columns.
    """
    if not path.is_file():
        raise UserError(f"{path}: there is no such file; check the path")
    if path.suffix.lower() in _COLUMN_SUFFIXES:
        return COLUMNS
    if path.suffix.lower() == ".txt":
        return TEXT
    lines = [line for line in read_text(path).splitlines()[:50] if line.strip()]
    if any("\t" in line for line in lines):
        return COLUMNS
    single = sum(len(line.split()) == 1 for line in lines)
    return COLUMNS if len(lines) > 3 and single == len(lines) else TEXT
