"""CoNLL-U with entities in its last column, MISC.

Two ways of writing them are read: a tag of any scheme a token (``NER=B-PER``, ``ner=S-ORG``,
``Entity=B-PER``), and brackets (``Entity=(person-1``, ``Entity=1)``), of which a comment
``# global.Entity = eid-etype-head`` says in what order type and number stand. Brackets may nest.

The text is the tokens' forms, with a blank after each that is not marked ``SpaceAfter=No``. A token
of several words (``1-2``) is one token here, and empty nodes (``8.1``) are none. A document begins
at ``# newdoc``. A file without any entity is one that nobody annotated.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from fewshot_metalstm.errors import at
from fewshot_metalstm.kinds.tagging.corpora import schemes
from fewshot_metalstm.kinds.tagging.corpora.bad import LINE, SEQUENCE, TAG, BadAnnotations
from fewshot_metalstm.kinds.tagging.corpora.columns import read_tag
from fewshot_metalstm.kinds.tagging.formats import files
from fewshot_metalstm.kinds.tagging.formats.conll import MAX_FILE
from fewshot_metalstm.kinds.tagging.formats.document import Bounds, Document, Mention
from fewshot_metalstm.kinds.tagging.formats.notes import Notes

_KEYS = ("NER", "ner", "NE", "Entity")
_NUMBER = re.compile(r"[0-9]{1,9}(?:-[0-9]{1,9}|\.[0-9]{1,9})?")
# Each beginning takes all up to the next bracket, so that none is looked at twice.
_BRACKET = re.compile(r"\(([^()]*)(\)?)|([^()]*)\)|[^()]+")
_ORDER = ("etype", "eid")
_COLUMNS = 10
# Of the tags of two words of one token, where a mention ends with the second.
_AT_ONCE = {"BE": "S", "IE": "E", "BL": "U", "IL": "L"}


@dataclass
class _Building:
    """A document as it is put together."""

    id: str
    written: list[str] = field(default_factory=list)
    size: int = 0
    blank: str = ""  # what stands before the next token
    tokens: list[Bounds] = field(default_factory=list)
    lines: list[int] = field(default_factory=list)
    tags: list[str] = field(
        default_factory=list
    )  # of the sentence's tokens, "" where there is none
    annotated: bool = False
    first: int = 0  # token of the sentence
    sentences: list[Bounds] = field(default_factory=list)
    mentions: list[Mention] = field(default_factory=list)
    sequences: list[tuple[int, tuple[str, ...]]] = field(default_factory=list)  # first token, tags
    open: dict[str, list[tuple[int, str, int]]] = field(default_factory=dict)  # by number of entity

    def add(self, form: str, line: int) -> None:
        self.written += (self.blank, form)
        start = self.size + len(self.blank)
        self.size = start + len(form)
        self.tokens.append((start, self.size))
        self.lines.append(line)
        self.blank = " "

    def close(self) -> None:
        """End the sentence."""
        if len(self.tokens) > self.first:
            self.sentences.append((self.tokens[self.first][0], self.size))
            if any(self.tags):
                self.sequences.append((self.first, tuple(tag or "O" for tag in self.tags)))
            self.first, self.blank = len(self.tokens), "\n"
        self.tags = []


def read(path: Path, notes: Notes, bad: BadAnnotations) -> Iterator[Document]:
    """The documents of a file."""
    documents = _built(path, files.read_text(path, MAX_FILE), bad)
    try:
        scheme = schemes.detect(tags for each in documents for _, tags in each.sequences)
    except ValueError as mixed:
        raise at(path, None, str(mixed), "write all tags in one scheme") from None
    some = any(each.annotated for each in documents)
    for each in documents:
        for first, tags in each.sequences:
            each.mentions += _tagged(path, each, first, tags, scheme, bad)
        text = "".join(each.written)
        yield Document(each.id, text, tuple(sorted(each.mentions, key=lambda m: m.start)), (),
                       tuple(each.sentences), tuple(each.tokens), some)  # fmt: skip


def _built(path: Path, text: str, bad: BadAnnotations) -> list[_Building]:
    documents: list[_Building] = []
    order: tuple[str, ...] = _ORDER
    within = 0  # the last word that belongs to a token of several
    for number, row in enumerate(text.split("\n"), 1):
        line = row.removesuffix("\r")
        if not line.strip():
            if documents:
                documents[-1].close()
            within = 0
        elif line.startswith("#"):
            key, _, value = line.lstrip("# ").partition("=")
            if key.strip() == "global.Entity":
                order = tuple(value.strip().split("-"))
            elif key.split()[:1] == ["newdoc"]:
                name = value.strip() if key.split()[1:2] == ["id"] else ""
                documents.append(_Building(name or f"{path.stem}-{len(documents) + 1}"))
        else:
            if not documents:
                documents.append(_Building(path.stem))
            within = _token(path, number, line, documents[-1], within, order, bad)
    for each in documents:
        each.close()
        for left in each.open.values():
            for _, _, began in left:
                error = at(path, began, "opens an entity that is never closed", "mend it")
                bad.leave_out(error, LINE)
    documents = [each for each in documents if each.tokens]
    bad.check()
    if not documents:
        raise at(path, None, "holds no sentence", "give a file of CoNLL-U")
    return documents


def _token(
    path: Path, number: int, line: str, document: _Building, within: int, order: tuple[str, ...],
    bad: BadAnnotations,
) -> int:  # fmt: skip
    """Add a line's token; the last word of the token of several words that it is in."""
    cells = line.split("\t")
    if len(cells) != _COLUMNS or not _NUMBER.fullmatch(cells[0]) or not cells[1].strip():
        error = at(path, number, f"is no line of CoNLL-U ({_COLUMNS} columns by tabs, of which "
                   "number and form come first)", "mend it")  # fmt: skip
        bad.leave_out(error, TAG, line)
        return within
    first, dash, last = cells[0].partition("-")
    if "." in cells[0]:
        return within
    misc = dict(pair.partition("=")[::2] for pair in cells[9].split("|"))
    inner = not dash and int(first) <= within
    if not inner:
        document.add(cells[1], number)
        document.tags.append("")
    if misc.get("SpaceAfter") == "No" and not inner:
        document.blank = ""
    value = next((misc[key] for key in _KEYS if misc.get(key)), "")
    document.annotated |= value not in ("", "_")
    if "(" in value or ")" in value:
        _brackets(path, number, value, document, order, bad)
    elif value not in ("", "_"):
        tag = read_tag(value)
        if tag is None:
            error = at(path, number, f"tag {value[:40]!r} is not O or <letter>-<type>", "mend it")
            bad.leave_out(error, TAG, line)
        else:
            document.tags[-1] = _together(document.tags[-1], tag)
    return int(last) if dash else within


def _together(before: str, tag: str) -> str:
    """The tag of a token from what is known of it and the tag of a further word of its."""
    if before in ("", "O"):
        return tag
    letter = _AT_ONCE.get(before[0] + tag[0]) if before[2:] == tag[2:] else None
    return before if letter is None else f"{letter}-{tag[2:]}"


def _brackets(
    path: Path, number: int, value: str, document: _Building, order: tuple[str, ...],
    bad: BadAnnotations,
) -> None:  # fmt: skip
    """Open and close the entities of a token."""
    token = len(document.tokens) - 1
    for match in _BRACKET.finditer(value):
        if match[1] is match[3] is None:  # text between brackets, which means nothing
            continue
        if match[1] is None:
            began = document.open.get(match[3].split("-")[0])
            if not began:
                error = at(path, number, f"closes the entity {match[3][:40]!r}, which is not open",
                           "mend it")  # fmt: skip
                bad.leave_out(error, LINE, value)
                continue
            start, kind, _ = began.pop()
            _mention(document, start, token, kind)
            continue
        about = dict(zip(order, match[1].split("-"), strict=False))
        kind, name = about.get("etype", ""), about.get("eid", "")
        if not kind:
            error = at(path, number, f"the entity {match[1][:40]!r} has no type", "mend it")
            bad.leave_out(error, LINE, value)
        elif match[2]:
            _mention(document, token, token, kind)
        else:
            document.open.setdefault(name, []).append((token, kind, number))


def _mention(document: _Building, first: int, last: int, kind: str) -> None:
    start, end = document.tokens[first][0], document.tokens[last][1]
    document.mentions.append(Mention(start, end, kind))


def _tagged(
    path: Path, document: _Building, first: int, tags: tuple[str, ...], scheme: schemes.Scheme,
    bad: BadAnnotations,
) -> Iterator[Mention]:  # fmt: skip
    wrong = schemes.violations(tags, scheme)
    if wrong:
        line = document.lines[first + wrong[0].index]
        error = at(path, line, f"{wrong[0].reason} in {scheme}", "mend the tags")
        if not bad.repairs:
            bad.leave_out(error, SEQUENCE, " ".join(tags))
            return
        bad.mended(error, SEQUENCE, " ".join(tags), "tags mended")
    for span in schemes.decode(tags):
        pieces = document.tokens[first + span.start : first + span.end]
        yield Mention(pieces[0][0], pieces[-1][1], span.type)
