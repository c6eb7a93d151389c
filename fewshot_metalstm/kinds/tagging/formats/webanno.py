"""TSV 3 of WebAnno and INCEpTION: a token a line with its offsets and a column a feature.

Read are the layers of spans that name things: the named entities, and those of one's own, by the
feature ``value`` or else their first; layers of parts of speech, lemmas and syntax are passed over,
relations and chains counted. A mention of several tokens has a number, ``PER[1]``; several at one
token stand with a bar between them, ``PER[1]|ORG[2]``. An annotation without a value (``*``) has
its layer's name for a type. Offsets are Java's, in UTF-16 units.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from fewshot_metalstm.errors import at
from fewshot_metalstm.kinds.tagging.corpora.bad import LINE, BadAnnotations
from fewshot_metalstm.kinds.tagging.formats import files
from fewshot_metalstm.kinds.tagging.formats.conll import MAX_FILE
from fewshot_metalstm.kinds.tagging.formats.document import Bounds, Document, Mention
from fewshot_metalstm.kinds.tagging.formats.notes import Notes
from fewshot_metalstm.kinds.tagging.formats.offsets import UTF16, Ruler

HEAD = "#FORMAT=WebAnno TSV 3"
_PASSED = (".lexmorph.", ".segmentation.", ".syntax.", ".coref.")
_TOKEN = re.compile(r"([0-9]{1,9})-([0-9]{1,9})((?:\.[0-9]{1,9})?)")
_OFFSETS = re.compile(r"([0-9]{1,15})-([0-9]{1,15})")
_VALUE = re.compile(r"(.*?)(?:\[([0-9]{1,9})\])?", re.DOTALL)
_ESCAPED = re.compile(r"\\(->|.)", re.DOTALL)
_MEANT = {"t": "\t", "n": "\n", "r": "\r"}
_MAX_GAP = 65_536  # units between sentences


@dataclass(frozen=True)
class _Column:
    """A column of values that are types of mentions; ``layer`` is the short name."""

    number: int
    layer: str


@dataclass
class _Row:
    """A token's line, or that of a part of it."""

    line: int
    start: int  # in UTF-16 units
    end: int
    form: str
    part: bool
    values: list[str]


@dataclass
class _Sentence:
    """A sentence: its text as given, and its lines."""

    text: list[str] = field(default_factory=list)
    rows: list[_Row] = field(default_factory=list)


def read(path: Path, notes: Notes, bad: BadAnnotations) -> Iterator[Document]:
    """The one document of a file, its id the file's name."""
    columns, sentences = _parsed(path, files.read_text(path, MAX_FILE), notes, bad)
    text = _text(path, sentences)
    ruler = Ruler(text, UTF16)
    tokens: list[Bounds] = []
    bounds: list[Bounds] = []
    spans: dict[tuple[int, str], Mention] = {}
    for sentence in sentences:
        first = len(tokens)
        for row in sentence.rows:
            start, end = ruler.index(row.start), ruler.index(row.end)
            if start is None or end is None or start >= end or (
                not row.part and text[start:end] != row.form
            ):  # fmt: skip
                raise at(path, row.line, f"{row.form[:40]!r} is not what stands at {row.start}-"
                         f"{row.end} of the text", "export the file again")  # fmt: skip
            if not row.part:
                if tokens and start < tokens[-1][1]:
                    raise at(path, row.line, "begins before the token before it ends", "mend it")
                tokens.append((start, end))
            _add(row, columns, start, end, spans)
        if len(tokens) > first:
            bounds.append((tokens[first][0], tokens[-1][1]))
    bad.check()
    mentions = tuple(sorted(spans.values(), key=lambda m: (m.start, -m.end)))
    yield Document(path.stem, text, mentions, (), tuple(bounds), tuple(tokens))


def _add(
    row: _Row, columns: list[_Column], start: int, end: int, spans: dict[tuple[int, str], Mention]
) -> None:
    """Begin or go on with the mentions of a line."""
    for column in columns:
        cell = row.values[column.number]
        if cell in ("_", ""):
            continue
        for number, piece in enumerate(re.split(r"(?<!\\)\|", cell)):
            match = _VALUE.fullmatch(piece)
            written, given = (match[1], match[2]) if match else (piece, None)
            kind = column.layer if written in ("*", "") else _plain(written).strip()
            # Without a number it is of this line alone.
            key = (column.number, given or f"{row.line}.{number}")
            before = spans.get(key)
            if before is None:
                spans[key] = Mention(start, end, kind or column.layer)
            else:
                spans[key] = Mention(before.start, max(end, before.end), before.type)


def _parsed(
    path: Path, text: str, notes: Notes, bad: BadAnnotations
) -> tuple[list[_Column], list[_Sentence]]:
    rows = text.split("\n")
    if not rows[0].startswith(HEAD):
        raise at(path, 1, f"does not begin with {HEAD}", "name the format with --format")
    columns: list[_Column] = []
    width = 0
    sentences: list[_Sentence] = [_Sentence()]
    for number, row in enumerate(rows[1:], 2):
        line = row.removesuffix("\r")
        if line.startswith("#T_") and not sentences[0].rows:
            width += _layer(line, width, columns, notes)
        elif line.startswith("#Text="):
            if sentences[-1].rows:
                sentences.append(_Sentence())
            sentences[-1].text.append(_plain(line.removeprefix("#Text=")))
        elif not line.strip():
            if sentences[-1].rows:
                sentences.append(_Sentence())
        elif not line.startswith("#"):
            found = _row(path, number, line, width, bad)
            if found is not None:
                sentences[-1].rows.append(found)
    sentences = [each for each in sentences if each.rows]
    bad.check()
    if not sentences:
        raise at(path, None, "holds no sentence", "export the file again")
    return columns, sentences


def _layer(line: str, width: int, columns: list[_Column], notes: Notes) -> int:
    """Note the columns of a layer; how many it has."""
    kind, _, rest = line.partition("=")
    name, *features = rest.split("|")
    count = len(features) or 1
    if kind != "#T_SP":
        notes["relations"] += 1
    elif not any(part in name for part in _PASSED):
        place = features.index("value") if "value" in features else 0
        columns.append(_Column(width + place, name.rsplit(".", 1)[-1]))
    return count


def _row(path: Path, number: int, line: str, width: int, bad: BadAnnotations) -> _Row | None:
    cells = line.split("\t")
    if cells[-1] == "":  # each line ends in a tab
        cells.pop()
    token = _TOKEN.fullmatch(cells[0])
    offsets = _OFFSETS.fullmatch(cells[1]) if len(cells) > 1 else None
    if token is None or offsets is None or len(cells) != 3 + width:
        problem = f"is not token, offsets, form and {width} columns, split by tabs"
        bad.leave_out(at(path, number, problem, "mend it"), LINE, line)
        return None
    form = _plain(cells[2])
    return _Row(number, int(offsets[1]), int(offsets[2]), form, bool(token[3]), cells[3:])


def _text(path: Path, sentences: list[_Sentence]) -> str:
    """The text of all sentences, each at the offset of its first token."""
    written: list[str] = []
    size = 0  # in UTF-16 units
    for sentence in sentences:
        first = sentence.rows[0]
        gap = first.start - size
        if not 0 <= gap <= _MAX_GAP:
            problem = f"begins at {first.start}, and the sentence before it ends at {size}"
            raise at(path, first.line, problem, "export the file again")
        text = "\n".join(sentence.text)
        if not text:
            raise at(path, first.line, "is in a sentence without a line #Text=", "export it again")
        lead = len(text) - len(text.lstrip())  # white space before the first token
        if lead and gap >= lead:
            gap -= lead
        written += ("\n" * gap, text)
        size += gap + len(text) + sum(character > "\uffff" for character in text)
    return "".join(written)


def _plain(words: str) -> str:
    """Text without the backslashes before what has a meaning in the format."""
    if "\\" not in words:
        return words
    return _ESCAPED.sub(lambda match: _MEANT.get(match[1], match[1]), words)
