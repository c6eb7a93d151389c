"""Comma- or tab-separated tables with a header that names a column of tokens and one of tags.

As it is met: ``Sentence #,Word,POS,Tag``, where the first cell stands in the first row of a
sentence alone. A sentence ends where its column says so, or at an empty row. Other columns are
passed over.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator, Sequence
from pathlib import Path

from fewshot_metalstm.data.quoting import CURE, broken, quoting_of
from fewshot_metalstm.errors import at
from fewshot_metalstm.kinds.tagging.corpora import schemes
from fewshot_metalstm.kinds.tagging.corpora.bad import TAG, TOKEN, BadAnnotations
from fewshot_metalstm.kinds.tagging.corpora.columns import ParsedFile, read_tag
from fewshot_metalstm.kinds.tagging.corpora.reader import resolve
from fewshot_metalstm.kinds.tagging.corpora.schemes import Scheme, Writing
from fewshot_metalstm.kinds.tagging.formats import files
from fewshot_metalstm.kinds.tagging.formats.conll import MAX_FILE, Head, document_of
from fewshot_metalstm.kinds.tagging.formats.document import Document
from fewshot_metalstm.kinds.tagging.formats.header import columns_of
from fewshot_metalstm.kinds.tagging.formats.notes import Notes


def read(
    path: Path,
    notes: Notes,
    bad: BadAnnotations,
    *,
    scheme: Scheme | str | None = None,
    repair: bool = False,
) -> Iterator[Document]:
    """The one document of a file."""
    scheme, writing = schemes.written_how(scheme)
    text = files.decode(files.read_bytes(path, MAX_FILE).removeprefix(b"\xef\xbb\xbf"), path)
    parsed = _parsed(path, text, bad, writing)
    bad.check()
    if not parsed.tokens:
        raise at(path, None, "holds no sentence", "give a table with a row a token")
    result = resolve({"": parsed}, scheme=scheme, repair=repair, bad=bad)[""]
    notes["mended_tags"] += result.mended
    head = Head(0, sentences=list(range(len(parsed.tokens))))
    tagged = [sentence.tags for sentence in result.sentences]
    yield document_of(path, head, path.stem, parsed, tagged)


def _parsed(path: Path, text: str, bad: BadAnnotations, writing: Writing) -> ParsedFile:
    first = text.lstrip("\r\n").split("\n", 1)[0].rstrip("\r")
    found = columns_of(first)
    if found is None:
        problem = "is no header with a column of tokens (word, token) and one of tags (tag, label)"
        raise at(path, 1, problem, "name them so")
    # A token that is a quotation mark is often written as it is between tabs.
    quoting = quoting_of(text, found.delimiter, breaks=False)
    rows = csv.reader(io.StringIO(text, newline=""), delimiter=found.delimiter, quoting=quoting)
    parsed = ParsedFile(path)
    tokens: list[str] = []
    tags: list[str] = []
    start, spoiled, sentence = 0, False, ""

    def close() -> None:
        if tokens and not spoiled:
            parsed.tokens.append(tuple(tokens))
            parsed.tags.append(tuple(tags))
            parsed.lines.append(start)
        tokens.clear()
        tags.clear()

    width = 0
    for line, row in _numbered(rows, path):
        if not any(cell.strip() for cell in row):
            close()
            spoiled = False
            continue
        if not width:
            width = len(row)
            continue
        named = _cell(row, found.sentence)
        if named and named != sentence:
            close()
            sentence, spoiled = named, False
        token = _cell(row, found.token)
        tag = read_tag(_cell(row, found.tag), writing)
        words = found.delimiter.join(row)
        if len(row) == width and tag is not None and token and not _odd(token):
            if not tokens:
                start = line
            tokens.append(token)
            tags.append(tag)
        elif len(row) == width and not token:
            error = at(path, line, "has an empty token", "remove the row or name the token")
            if bad.repairs:
                bad.mended(error, TOKEN, words, "the row left out")
            else:
                bad.leave_out(error, TOKEN, words)
                spoiled = True
        else:
            problem = f"tag {_cell(row, found.tag)[:40]!r} is not O or <letter>-<type>"
            if len(row) != width:
                problem = f"has {len(row)} columns where the header has {width}"
            elif tag is not None:
                problem = "has a token with a line break"
            cure = "mend it, or pass --scheme IO if tags are types alone"
            if broken(row):
                problem += ", as a quotation mark holds several lines together"
                cure = CURE
            elif len(row) != width:
                cure = "give every row the same columns"
            bad.leave_out(at(path, line, problem, cure), TAG, words)
            spoiled = True
    close()
    return parsed


def _numbered(rows: Iterator[list[str]], path: Path) -> Iterator[tuple[int, list[str]]]:
    """Rows with the number of the line that each ends in."""
    reader = rows
    number = 0
    while True:
        try:
            row = next(reader)
        except StopIteration:
            return
        except csv.Error as error:
            problem = f"is no row of a table ({error})"
            raise at(path, number + 1, problem, "mend its quotation marks") from None
        number = getattr(reader, "line_num", number + 1)
        yield number, row


def _cell(row: Sequence[str], column: int | None) -> str:
    return row[column].strip() if column is not None and column < len(row) else ""


def _odd(token: str) -> bool:
    return any(c in token for c in "\t\r\n")
