"""A token a line with its tag: CoNLL's columns, in any tag scheme.

Read: whatever :mod:`fewshot_metalstm.kinds.tagging.corpora.columns` reads. A document begins at a
``-DOCSTART-`` line or at a comment ``# id = "NAME"``; a file with neither is one document, named
for the file. Its text is that of a comment ``# text = "TEXT"`` after the id (JSON strings, both),
and the tokens are found in it in order; else it is the tokens with a blank between them, a sentence
a line.

Written: these two comments for each document, so that text and offsets survive exactly, then
``token TAB tag``, with an empty line after each sentence. ``conll-plain`` leaves the comments out,
for programs that know none; it keeps tokens and tags, and an empty document is not seen in it.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

from fewshot_metalstm.errors import UserError, at
from fewshot_metalstm.kinds.tagging.corpora import schemes
from fewshot_metalstm.kinds.tagging.corpora.bad import BadAnnotations
from fewshot_metalstm.kinds.tagging.corpora.columns import ParsedFile, parse
from fewshot_metalstm.kinds.tagging.corpora.reader import resolve
from fewshot_metalstm.kinds.tagging.corpora.schemes import Scheme, spans
from fewshot_metalstm.kinds.tagging.formats import files
from fewshot_metalstm.kinds.tagging.formats.document import Bounds, Document, Mention
from fewshot_metalstm.kinds.tagging.formats.notes import Notes
from fewshot_metalstm.kinds.tagging.formats.overlaps import ERROR
from fewshot_metalstm.kinds.tagging.formats.tagged import scheme_called, tagged_sentences

MAX_FILE = 512 * 2**20
_DOCSTART = "-DOCSTART-"
_ID, _TEXT = '# id = "', '# text = "'  # with the quotation mark that begins a JSON string


@dataclass
class Head:
    """Where a document begins in the file, and what its comments say."""

    line: int
    id: str | None = None
    text: str | None = None
    sentences: list[int] = field(default_factory=list)  # their numbers in the file


def read(
    path: Path,
    notes: Notes,
    bad: BadAnnotations,
    *,
    scheme: Scheme | str | None = None,
    repair: bool = False,
    labelled: bool = True,
) -> Iterator[Document]:
    """The documents of a file; ``labelled`` says whether its last column holds tags."""
    rows = _lines(files.read_bytes(path, MAX_FILE), path)
    scheme, writing = schemes.written_how(scheme)
    heads = _heads(rows, path)
    data = "\n".join(rows).encode()
    if not data.strip() and heads[0].id is not None:
        parsed = ParsedFile(path)
        tagged: list[tuple[str, ...]] = []
    else:
        parsed = parse(data, path, tag_column=-1 if labelled else None, bad=bad, writing=writing)
        if labelled:
            result = resolve({"": parsed}, scheme=scheme, repair=repair, bad=bad)[""]
            notes["mended_tags"] += result.mended
            tagged = [sentence.tags for sentence in result.sentences]
        else:
            tagged = [("O",) * len(tokens) for tokens in parsed.tokens]
        notes["comments"] += parsed.comments
    number = 0
    for head, after in zip(heads, [*heads[1:], None], strict=True):
        while number < len(parsed.lines) and (after is None or parsed.lines[number] < after.line):
            head.sentences.append(number)
            number += 1
    heads = [head for head in heads if head.sentences or head.id is not None]
    several = len(heads) > 1
    for count, head in enumerate(heads, 1):
        name = head.id if head.id is not None else f"{path.stem}-{count}" if several else path.stem
        yield document_of(path, head, name, parsed, tagged)


def _lines(data: bytes, path: Path) -> list[str]:
    text = files.decode(data.removeprefix(b"\xef\xbb\xbf"), path)
    if "\r" in text:
        text = text.replace("\r\n", "\n")
        if "\n" not in text:
            text = text.replace("\r", "\n")
    return text.split("\n")


def _heads(rows: list[str], path: Path) -> list[Head]:
    """The beginnings of the documents, at least one; our own comments become empty ``rows``."""
    heads = [Head(0)]
    used = False  # whether the document that the last head began has a line of its own
    for number, line in enumerate(rows, 1):
        if line.startswith(_DOCSTART):
            heads.append(Head(number))
            used = False
        elif line.startswith(_ID):
            if used or heads[-1].id is not None:
                heads.append(Head(number))
            heads[-1].id = _stated(path, number, line.removeprefix(_ID[:-1]))
            rows[number - 1], used = "", False
        elif line.startswith(_TEXT) and not used and heads[-1].id is not None:
            heads[-1].text = _stated(path, number, line.removeprefix(_TEXT[:-1]))
            rows[number - 1] = ""
        elif line.strip():
            used = True
    return heads


def _stated(path: Path, number: int, words: str) -> str:
    """What a comment says, a JSON string."""
    value = files.parse_json(words, path, number)
    if not isinstance(value, str):
        raise at(path, number, "is a comment that is no text", "write it as a JSON string")
    return value


def document_of(
    path: Path, head: Head, name: str, parsed: ParsedFile, tagged: list[tuple[str, ...]]
) -> Document:
    """The document called ``name`` of the sentences of ``head``, with its text or one of tokens."""
    text = head.text
    tokens: list[Bounds] = []
    sentences: list[Bounds] = []
    mentions: list[Mention] = []
    position = 0
    written: list[str] = []
    for number in head.sentences:
        placed = []
        for index, token in enumerate(parsed.tokens[number]):
            if text is not None:
                start = _find(text, token, position)
                if start is None:
                    raise at(path, parsed.lines[number] + index,
                             f"token {token!r} is not the next of the text that the comment gives",
                             "mend the comment '# text =', or remove it")  # fmt: skip
            else:
                gap = " " if index else "\n" if tokens else ""
                written += (gap, token)
                start = position + len(gap)
            position = start + len(token)
            placed.append((start, position))
        sentences.append((placed[0][0], placed[-1][1]))
        mentions += (
            Mention(placed[span.start][0], placed[span.end - 1][1], span.type)
            for span in spans(tagged[number])
        )
        tokens += placed
    if text is not None and text[position:].strip():
        rest = text[position:].split()[0][:40]
        raise at(path, head.line or 1, f"the text of document {name} goes on with {rest!r}, which "
                 "no token holds", "mend the comment '# text =', or remove it")  # fmt: skip
    whole = "".join(written) if text is None else text
    return Document(name, whole, tuple(mentions), (), tuple(sentences), tuple(tokens))


def _find(text: str, token: str, position: int) -> int | None:
    """Where ``token`` begins, with white space alone before it."""
    while not text.startswith(token, position):
        if position >= len(text) or not text[position].isspace():
            return None
        position += 1
    return position


def write(
    documents: Iterable[Document],
    path: Path,
    notes: Notes,
    *,
    scheme: Scheme | str = Scheme.IOB2,
    overlaps: str = ERROR,
    plain: bool = False,
) -> None:
    """Write a file of columns; ``overlaps`` is the policy for mentions that tags cannot hold.

    The scheme ``token`` writes a label for every token, which each must have.
    """
    labels = str(scheme).strip().lower() == schemes.TOKEN
    chosen = Scheme.IOBES if labels else scheme_called(scheme)
    with files.replacing(path) as file:
        for document in documents:
            if plain:
                notes["lost_text"] += bool(document.text)
            else:
                file.write(f"{_ID[:-1]}{json.dumps(document.id)}\n")
                text = json.dumps(document.text, ensure_ascii=False)  # escapes tabs and line ends
                file.write(f"{_TEXT[:-1]}{text}\n")
            placed = tagged_sentences(document, chosen, overlaps=overlaps, notes=notes, path=path)
            for tokens, tags in placed:
                for token, tag in zip(tokens, tags, strict=True):
                    _check(document, token, path)
                    file.write(
                        f"{token}\t{_label(document, token, tag, path) if labels else tag}\n"
                    )
                file.write("\n")
            if not placed:
                file.write("\n")


def _label(document: Document, token: str, tag: str, path: Path) -> str:
    """The label of a token, of text in which each has one."""
    if not tag.startswith("S-"):
        raise UserError(
            f"{path}: document {document.id}: the token {token!r} has no label of its own; choose "
            "a scheme for mentions"
        )
    return tag[2:]


def write_plain(
    documents: Iterable[Document],
    path: Path,
    notes: Notes,
    *,
    scheme: Scheme | str = Scheme.IOB2,
    overlaps: str = ERROR,
) -> None:
    """:func:`write` without comments."""
    write(documents, path, notes, scheme=scheme, overlaps=overlaps, plain=True)


def _check(document: Document, token: str, path: Path) -> None:
    if any(c in token for c in "\t\r\n") or token == _DOCSTART or token != token.strip(" "):
        raise UserError(
            f"{path}: document {document.id}: the token {token!r} cannot stand in a column; "
            "choose another format, or remove the token bounds"
        )
