"""Splitting token-per-line files: one token a line, its columns split by tabs or blanks.

Accepted as it is met in the wild: LF or CRLF, a byte order mark, blank lines that hold spaces,
``-DOCSTART-`` lines, comments before a sentence, two to many columns. Everything else that is
not as it should be stops the reader with file, line and cure: nothing is dropped in silence.

A line that begins with ``#`` may be a token (biomedical text has many) or a comment. It is a
token wherever it has the columns of the file and, in labelled text, a well-formed tag. Else it
is a comment if it stands before the first token of a sentence, begins with ``# ``, ``## `` or
``###`` and does not end in a tag. Else it is an error.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from fewshot_metalstm.errors import UserError, at
from fewshot_metalstm.kinds.tagging.corpora.bad import LIST, TAG, TOKEN, BadAnnotations
from fewshot_metalstm.kinds.tagging.corpora.schemes import Writing, well_formed

UNTYPED = "entity"
"""The entity type of a tag that names none (``B`` is read as ``B-entity``)."""

BLANK = "_"  # what stands in a column, of CoNLL-U say, that has no value
NO_LABEL = "give it one, or name the column of the labels with --tag-column"

_DOCSTART = "-DOCSTART-"
_COMMENT = ("# ", "## ", "###")
_BLANKS = re.compile(r"[ \t]+")  # not str.split(): a no-break space may be part of a token
_LOOKS_LIKE_TAG = re.compile(r"[A-Za-z0][-_]\S*|O|0")


@dataclass
class ParsedFile:
    """Tokens and tags of one file before its scheme is known.

    ``lines[i]`` is the 1-based line of the first token of sentence ``i``; the tokens of a
    sentence stand on consecutive lines. ``tags`` is empty when the text is unlabelled.
    """

    path: Path | str
    tokens: list[tuple[str, ...]] = field(default_factory=list)
    tags: list[tuple[str, ...]] = field(default_factory=list)
    lines: list[int] = field(default_factory=list)
    comments: int = 0


def parse(
    data: bytes,
    path: Path | str,
    *,
    token_column: int = 0,
    tag_column: int | None = -1,
    bad: BadAnnotations | None = None,
    writing: Writing = Writing.STRICT,
) -> ParsedFile:
    """Split the bytes of a token-per-line file into sentences (``path`` serves the messages).

    ``bad`` says what becomes of lines that are none of tokens: by default the file is refused;
    where it is repaired, a line without a token is left out; where bad annotations are skipped,
    the whole sentence is. ``writing`` says how tags are spelt.
    """
    bad = BadAnnotations(offered=False) if bad is None else bad
    lines = text_lines(data, path)
    layout = _Layout.of(lines, path, token_column, tag_column, writing)
    parsed = ParsedFile(path)
    tokens: list[str] = []
    tags: list[str] = []
    start = 0
    spoiled = False  # whether a line of the sentence cannot be read
    known: dict[str, str] = {}  # tag as written -> tag as read: tags are few, lines are many
    width, split, intern = layout.width, layout.split, sys.intern

    def close() -> None:
        if tokens and not spoiled:
            parsed.tokens.append(tuple(tokens))
            parsed.lines.append(start)
            if tag_column is not None:
                parsed.tags.append(tuple(tags))
        tokens.clear()
        tags.clear()

    for number, line in enumerate(lines, 1):
        cells = split(line)
        if len(cells) == width:
            token = cells[token_column]
            tag = known.get(cells[tag_column]) if tag_column is not None else ""
            if tag is not None and token.strip() and token != _DOCSTART:
                if not tokens:
                    start = number
                tokens.append(intern(token))
                tags.append(tag)
                continue
        if not line or line.isspace() or _BLANKS.split(line, maxsplit=1)[0] == _DOCSTART:
            close()
            spoiled = False
            continue
        if layout.is_comment(line, cells, before_sentence=not tokens):
            parsed.comments += 1
            continue
        blank = len(cells) == width and not cells[token_column].strip()
        try:
            token, tag_read = layout.token(number, line, cells)
        except UserError as error:
            if blank and bad.repairs:
                bad.mended(error, TOKEN, line, "the line left out")
            else:
                bad.leave_out(error, TOKEN if blank else TAG, line)
                spoiled = True
            continue
        if not tokens:
            start = number
        if tag_column is not None:
            known[cells[tag_column]] = tag_read
        tokens.append(intern(token))
        tags.append(tag_read)
    close()
    bad.check()
    if not parsed.tokens and not (bad.policy == LIST and bad.faults):
        raise at(path, None, "holds no sentence", "give a file with one token a line")
    return parsed


@dataclass(frozen=True)
class _Layout:
    """How the lines of one file are split, learnt from its first token line."""

    path: Path | str
    width: int
    first: int
    split: Callable[[str], list[str]]
    token_column: int
    tag_column: int | None
    writing: Writing = Writing.STRICT

    @classmethod
    def of(
        cls,
        lines: Sequence[str],
        path: Path | str,
        token_column: int,
        tag_column: int | None,
        writing: Writing = Writing.STRICT,
    ) -> _Layout:
        found = [
            (number, line)
            for number, line in enumerate(lines, 1)
            if line and not line.isspace() and not line.startswith(_DOCSTART)
        ]
        if not found:
            raise at(path, None, "holds no sentence", "give a file with one token a line")
        # a line with '#' may be a comment: trust it only where there is no other
        number, line = next((pair for pair in found if not pair[1].startswith("#")), found[0])
        split = _split_tabs if "\t" in line.strip(" ") else _split_blanks
        width = len(split(line))
        labelled = tag_column is not None
        if labelled and width < 2:
            raise at(
                path, number, "has one column", "give a token and a tag, split by a tab or a blank"
            )
        for option, column in (("--token-column", token_column), ("--tag-column", tag_column)):
            if column is not None and not -width <= column < width:
                raise at(
                    path,
                    number,
                    f"has {width} columns and no column {column}",
                    f"set {option} to one of 0 to {width - 1}",
                )
        return cls(path, width, number, split, token_column, tag_column, writing)

    def is_comment(self, line: str, cells: Sequence[str], *, before_sentence: bool) -> bool:
        """Whether a line that is not a well-formed token line is a comment."""
        if not (before_sentence and line.startswith(_COMMENT) and line.strip("# \t")):
            return False
        words = _BLANKS.split(line.strip(" \t"))
        if words[2:3] == ["="]:  # "# key = value", as in CoNLL-U
            return True
        if self.tag_column is None:
            return len(cells) != self.width
        # what ends in something like a tag is more likely a damaged token line
        return not _LOOKS_LIKE_TAG.fullmatch(words[-1])

    def token(self, number: int, line: str, cells: Sequence[str]) -> tuple[str, str]:
        """Token and tag of line ``number``, or a :class:`UserError` that says what is wrong."""
        hint = ""
        if line.startswith("#"):
            hint = " (a comment begins with '# ' and stands before a sentence)"
        if len(cells) != self.width:
            raise at(
                self.path,
                number,
                f"has {_count(len(cells), 'column')} where line {self.first} has {self.width}",
                f"give every token line the same columns{hint}",
            )
        token = cells[self.token_column]
        if not token.strip():
            raise at(self.path, number, "has an empty token", "remove the line or name the token")
        if self.tag_column is None:
            return token, ""
        written = cells[self.tag_column].strip(" ")
        tag = read_tag(written, self.writing)
        if tag is None and self.writing is Writing.TOKENS:
            raise at(self.path, number, f"token {token[:40]!r} has no label", NO_LABEL)
        if tag is None:
            raise at(
                self.path,
                number,
                f"tag {written!r} is not O or <letter>-<type>",
                "mend it, put the tags into the last column, or pass --scheme IO if they are types "
                f"alone (token if every token has a label){hint}",
            )
        return token, sys.intern(tag)


def read_tag(written: str, writing: Writing = Writing.STRICT) -> str | None:
    """A tag, spelt as ``writing`` says, as it is read; None if it is none."""
    if writing is Writing.TOKENS:
        return f"S-{written}" if written.strip() and written != BLANK else None
    if writing is Writing.TYPES and written != "O":
        return f"I-{written}" if written and not any(map(str.isspace, written)) else None
    if writing is Writing.LENIENT:
        letter, rest = written[:1].upper(), written[1:]
        written = f"{letter}-{rest[1:]}" if rest[:1] in ("-", "_") and rest else letter + rest
    if len(written) == 1 and written in "BIESLU":
        return f"{written}-{UNTYPED}"
    return written if well_formed(written) else None


def _split_tabs(line: str) -> list[str]:
    return line.split("\t")


def _split_blanks(line: str) -> list[str]:
    return _BLANKS.split(line.strip(" \t"))


def _count(number: int, noun: str) -> str:
    return f"{number} {noun}{'' if number == 1 else 's'}"


def text_lines(data: bytes, path: Path | str) -> list[str]:
    """The lines of a text file; :class:`UserError` where its bytes are not UTF-8."""
    try:
        text = data.decode("utf-8")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        byte = f"byte 0x{data[error.start]:02x}"
        raise at(path, line, f"{byte} is not UTF-8", "convert the file to UTF-8") from None
    text = text.removeprefix("\ufeff")
    if "\r" in text:
        text = text.replace("\r\n", "\n")
        if "\n" not in text:  # line ends of old Macintosh files
            text = text.replace("\r", "\n")
    # not splitlines(): it also breaks at U+2028 and its like, which may stand in a token
    return text.split("\n")
