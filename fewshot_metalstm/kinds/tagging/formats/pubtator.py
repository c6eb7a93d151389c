"""PubTator: a title, an abstract and annotation lines a document, an empty line between documents.

::

    12345|t|IL-2 in mice
    12345|a|We found ...
    12345   0       4       IL-2    Gene    3558

The text is title, line break, abstract, as offsets count them; a document without a line ``|a|``
is its title alone. The sixth column becomes the attribute ``identifier``, a seventh ``individual``.
Relations are counted. A text's first line break is where its abstract begins; any other has no
place and is written as a blank, which keeps the offsets, and counted.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

from fewshot_metalstm.errors import UserError, at
from fewshot_metalstm.kinds.tagging.corpora.bad import LINE, BadAnnotations
from fewshot_metalstm.kinds.tagging.formats import files
from fewshot_metalstm.kinds.tagging.formats.document import Document, Mention, Passage
from fewshot_metalstm.kinds.tagging.formats.notes import Notes
from fewshot_metalstm.kinds.tagging.formats.offsets import BYTES, CHARACTERS, UTF16, Claim
from fewshot_metalstm.kinds.tagging.formats.settle import settle

UNITS = (CHARACTERS, UTF16, BYTES)
FIRST = re.compile(r"[^|\t\n]+\|t\|")
_TEXT = re.compile(r"([^|\t]+)\|([a-z])\|(.*)", re.DOTALL)
_OFFSET = re.compile(r"[0-9]{1,15}")
_COLUMNS = ("identifier", "individual")
_NOTED = {UTF16: "utf16_offsets", BYTES: "byte_offsets"}


@dataclass
class _Block:
    """The lines of one document."""

    id: str
    parts: dict[str, str] = field(default_factory=dict)
    drafts: list[tuple[str, tuple[tuple[str, str], ...]]] = field(default_factory=list)
    claims: list[Claim] = field(default_factory=list)
    lines: list[tuple[int, str]] = field(default_factory=list)
    size: int = 0


def read(path: Path, notes: Notes, bad: BadAnnotations) -> Iterator[Document]:
    """The documents of a file."""
    block: _Block | None = None
    empty = True
    for number, line in files.lines(path):
        if not line.strip():
            if block is not None:
                yield from _document(path, block, notes, bad)
            block = None
            continue
        empty = False
        match = _TEXT.fullmatch(line)
        name = match[1] if match else line.split("\t", 1)[0]
        if block is None or (match is not None and match[2] == "t" and block.parts):
            if block is not None:
                yield from _document(path, block, notes, bad)
            block = _Block(name)
        if name != block.id:
            problem = f"begins with {name[:40]!r} among the lines of document {block.id}"
            bad.document(at(path, number, problem, "put an empty line between documents"), LINE)
            continue
        block.size += len(line)
        if block.size > files.MAX_DOCUMENT:
            raise at(path, number, "is in a document that is too large", "split the document")
        if match is None:
            _annotation(path, number, line, block, notes, bad)
        elif match[2] not in "ta" or match[2] in block.parts:
            error = at(path, number, f"is a second |{match[2]}|, or neither title nor abstract",
                       "give each document one line |t| and one |a|")  # fmt: skip
            bad.document(error, LINE)
        else:
            block.parts[match[2]] = match[3]
    if block is not None:
        yield from _document(path, block, notes, bad)
    if empty:
        raise at(path, None, "holds no document", "give a file with lines ID|t|TITLE")


def _annotation(
    path: Path, number: int, line: str, block: _Block, notes: Notes, bad: BadAnnotations
) -> None:
    cells = line.split("\t")
    if len(cells) >= 3 and not _OFFSET.fullmatch(cells[1]) and not _OFFSET.fullmatch(cells[2]):
        notes["relations"] += 1
        return
    if len(cells) < 5 or not (_OFFSET.fullmatch(cells[1]) and _OFFSET.fullmatch(cells[2])):
        problem = "is not ID, start, end, text and type, split by tabs"
        bad.leave_out(at(path, number, problem, "mend it"), LINE, line)
        return
    if len(cells) > 7:
        bad.leave_out(at(path, number, "has more than seven columns", "mend it"), LINE, line)
        return
    pairs = zip(_COLUMNS, cells[5:], strict=False)
    block.drafts.append((cells[4].strip(), tuple((key, value) for key, value in pairs if value)))
    block.claims.append(Claim(((int(cells[1]), int(cells[2])),), cells[3]))
    block.lines.append((number, line))


def _document(path: Path, block: _Block, notes: Notes, bad: BadAnnotations) -> Iterator[Document]:
    """The document of a block, or none where `check` goes on without it."""
    if "t" not in block.parts:
        problem = f"document {block.id} has no line {block.id}|t|"
        bad.document(at(path, None, problem, "add its title"))
        return
    title, abstract = block.parts["t"], block.parts.get("a")
    text = title if abstract is None else f"{title}\n{abstract}"
    passages = [Passage(0, len(title), "title")]
    if abstract is not None:
        passages.append(Passage(len(title) + 1, len(text), "abstract"))

    def wrong(number: int) -> tuple[UserError, str]:
        line, words = block.lines[number]
        ((start, end),) = block.claims[number].pieces
        if start >= end:
            return at(path, line, "is an empty mention", "remove it"), words
        problem = "the text of the mention is not what stands at its offsets"
        cure = "mend its offsets; they count from the title's first character"
        return at(path, line, problem, cure), words

    unit, pieces = settle(text, block.claims, UNITS, bad, wrong)
    if unit != CHARACTERS:
        notes[_NOTED[unit]] += 1
    mentions = tuple(
        Mention(bounds[0][0], bounds[0][1], kind, attributes=attributes)
        for (kind, attributes), bounds in zip(block.drafts, pieces, strict=True)
        if bounds is not None
    )
    yield Document(block.id, text, mentions, tuple(passages))


def write(documents: Iterable[Document], path: Path, notes: Notes) -> None:
    """Write a file."""
    with files.replacing(path) as file:
        for document in documents:
            name = document.id
            if not name.strip() or "|" in name or "\t" in name:
                raise UserError(f"{path}: the id {name[:80]!r} cannot stand in PubTator; give the "
                                "document another")  # fmt: skip
            title, gap, abstract = document.text.partition("\n")
            file.write(f"{name}|t|{_in_a_line(title, notes)}\n")
            implied = [Passage(0, len(title), "title")]
            if gap:
                file.write(f"{name}|a|{_in_a_line(abstract, notes)}\n")
                implied.append(Passage(len(title) + 1, len(document.text), "abstract"))
            if tuple(implied) != document.passages:
                notes["lost_passages"] += len(document.passages)
            for mention in document.mentions:
                words = " ".join(document.text[mention.start : mention.end].split())
                cells = [name, str(mention.start), str(mention.end), words, mention.type]
                file.write("\t".join(cells + _columns(mention, notes)) + "\n")
            file.write("\n")


def _in_a_line(text: str, notes: Notes) -> str:
    breaks = text.count("\n") + text.count("\r")
    notes["line_breaks"] += breaks
    return text.replace("\n", " ").replace("\r", " ") if breaks else text


def _columns(mention: Mention, notes: Notes) -> list[str]:
    known = dict(mention.attributes)
    cells = [known.pop(name, "") for name in _COLUMNS]
    lost = bool(known) or len(dict(mention.attributes)) != len(mention.attributes)
    if any(c in cell for cell in cells for c in "\t\r\n"):
        cells, lost = ["", ""], True
    notes["lost_attributes"] += lost
    return cells if cells[1] else cells[:1]  # some readers want the sixth column, empty or not
