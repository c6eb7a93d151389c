"""BRAT standoff: a folder with a text (``.txt``) and its annotations (``.ann``) for each document.

The text is read as it is, CR LF and a byte order mark included: brat counts them as characters.
Read of the annotations: text-bound ones (``T``) with their fragments, attributes (``A``, ``M``) and
normalisations (``N``) of these; the others are counted. ``.a1`` and ``.a2`` of the BioNLP shared
tasks are read in the place of a missing ``.ann``. brat writes a mention that crosses a line's end
as fragments, one a line; these are one piece again.

A zip archive of such folders is read as one.

The name of a file is the id of its document, with ``%XX`` for characters that names cannot hold.
"""

from __future__ import annotations

import re
from collections.abc import Container, Iterable, Iterator
from itertools import pairwise
from pathlib import Path

from fewshot_metalstm.errors import UserError, at
from fewshot_metalstm.kinds.tagging.corpora.bad import IDS, LINE, OFFSETS, BadAnnotations
from fewshot_metalstm.kinds.tagging.formats import files
from fewshot_metalstm.kinds.tagging.formats.document import (
    Bounds,
    Document,
    Mention,
    apart,
    with_confidence,
)
from fewshot_metalstm.kinds.tagging.formats.folders import Folder, opened_folder
from fewshot_metalstm.kinds.tagging.formats.notes import Notes
from fewshot_metalstm.kinds.tagging.formats.offsets import (
    BYTES,
    CHARACTERS,
    NEWLINES,
    UTF16,
    Claim,
)
from fewshot_metalstm.kinds.tagging.formats.settle import settle

UNITS = (CHARACTERS, NEWLINES, UTF16, BYTES)
_SPAN = re.compile(r"([0-9]{1,18}) ([0-9]{1,18})")
_OWN_ID = re.compile(r"T[0-9]{1,9}")
_UNFIT = re.compile(r'[/\\%:*?"<>|\x00-\x1f\x7f]|^\.|^ | $|\.$')
_LINE_BREAKS = re.compile(r"[\r\n]+")
_OTHERS = {"R": "relations", "E": "events", "*": "equivalences", "#": "annotator_notes"}
_TEXT = ".txt"
_SUFFIXES = (".ann", ".a1", ".a2")
_NORMALISED = "Reference"  # the name of brat's normalisations


def read(path: Path, notes: Notes, bad: BadAnnotations) -> Iterator[Document]:
    """The documents of a folder and those below it, of a zip archive, or of one text."""
    if path.suffix.lower() in (_TEXT, *_SUFFIXES) and not path.is_dir():
        text = path.with_suffix(_TEXT)
        if not text.is_file():
            raise at(path, None, "has no text beside it", f"add {text.name}")
        found = [text, *map(text.with_suffix, _SUFFIXES)]
        contents = _Files({each.name: each for each in found if each.is_file()})
        yield _document(contents, text.name, notes, bad)
        return
    with opened_folder(path, (_TEXT, *_SUFFIXES)) as folder:
        texts = [name for name in folder.names if name.endswith(_TEXT)]
        known = {name.removesuffix(_TEXT) for name in texts}
        for mate in folder.names:
            stem = mate.rpartition(".")[0]
            if stem not in known:
                problem, cure = "has no text beside it", f"add {stem.rpartition('/')[2]}.txt"
                bad.document(at(folder.place(mate), None, problem, cure))
        if not texts:
            raise at(path, None, "holds no .txt file", "name a folder of .txt and .ann files")
        known_names = set(folder.names)
        for name in texts:
            try:
                yield _document(folder, name, notes, bad, known_names)
            except UserError as error:
                bad.document(error)


class _Files:
    """The files of one document."""

    def __init__(self, paths: dict[str, Path]) -> None:
        self._paths = paths
        self.names = list(paths)

    def read(self, name: str) -> bytes:
        return files.read_bytes(self._paths[name])

    def place(self, name: str) -> Path:
        return self._paths[name]


def _document(
    folder: Folder,
    file: str,
    notes: Notes,
    bad: BadAnnotations,
    names: Container[str] | None = None,
) -> Document:
    """The document of a text; ``names`` are those of the folder, where there are many."""
    names = folder.names if names is None else names
    stem = file.removesuffix(_TEXT)
    path = folder.place(file)
    text = files.decode(folder.read(file), path)
    identifier = re.sub(r"%([0-9A-F]{2})", lambda m: chr(int(m[1], 16)), stem)
    found = _Annotations(bad)
    mates = [f"{stem}{suffix}" for suffix in _SUFFIXES]
    for mate in [mates[0]] if mates[0] in names else mates[1:]:
        if mate in names:
            place = folder.place(mate)
            found.read(place, files.decode(_without_mark(folder.read(mate)), place), notes)

    def wrong(number: int) -> tuple[UserError, str]:
        mate, line = found.places[number]
        (name, kind), claim = found.named[number], found.claims[number]
        spans = ";".join(f"{start} {end}" for start, end in claim.pieces)
        words = f"{name}\t{kind} {spans}\t{claim.text}"
        if any(start >= end for start, end in claim.pieces):
            return at(mate, line, f"the mention {name} is empty", "remove it"), words
        problem = "the text of the mention is not what stands at its offsets"
        return at(mate, line, problem, f"export it again with {path.name}"), words

    unit, pieces = settle(text, found.claims, UNITS, bad, wrong)
    if unit != CHARACTERS:
        notes[
            {NEWLINES: "newline_offsets", UTF16: "utf16_offsets", BYTES: "byte_offsets"}[unit]
        ] += 1
    mentions = tuple(
        _mention(text, name, kind, bounds, tuple(found.attributes.get(name, ())))
        for (name, kind), bounds in zip(found.named, pieces, strict=True)
        if bounds is not None
    )
    return Document(identifier, text, mentions)


def _mention(
    text: str,
    name: str,
    kind: str,
    pieces: tuple[Bounds, ...],
    attributes: tuple[tuple[str, str], ...],
) -> Mention:
    whole = [pieces[0]]
    for start, end in pieces[1:]:
        last = whole[-1][1]
        if (last < start and not _LINE_BREAKS.fullmatch(text, last, start)) or start < last:
            whole.append((start, end))
        else:
            whole[-1] = (whole[-1][0], end)
    fragments = tuple(whole) if len(whole) > 1 else ()
    others, sure = apart(attributes)
    return Mention(whole[0][0], whole[-1][1], kind, name, fragments, others, sure)


def _without_mark(data: bytes) -> bytes:
    return data.removeprefix(b"\xef\xbb\xbf")


def _joined(pieces: tuple[Bounds, ...]) -> tuple[Bounds, ...]:
    """Pieces in order, those that overlap made one."""
    joined: list[Bounds] = []
    for start, end in sorted(pieces):
        if joined and start < joined[-1][1]:
            joined[-1] = (joined[-1][0], max(end, joined[-1][1]))
        else:
            joined.append((start, end))
    return tuple(joined)


class _Annotations:
    """What the lines of annotation files say of one document."""

    def __init__(self, bad: BadAnnotations) -> None:
        self._bad = bad
        self.named: list[tuple[str, str]] = []  # id and type
        self.claims: list[Claim] = []
        self.places: list[tuple[Path, int]] = []
        self.attributes: dict[str, list[tuple[str, str]]] = {}
        self._seen: set[str] = set()

    def read(self, path: Path, content: str, notes: Notes) -> None:
        """Add the annotations of a file's content."""
        waiting: list[tuple[int, str]] = []
        for number, line in enumerate(content.split("\n"), 1):
            line = line.removesuffix("\r")
            if not line.strip():
                continue
            if line[0] == "T":
                self._textbound(path, number, line)
            elif line[0] in "AMN":
                waiting.append((number, line))
            elif line[0] in _OTHERS:
                notes[_OTHERS[line[0]]] += 1
            else:
                problem = f"begins with {line[0]!r}, which no annotation does"
                error = at(path, number, problem, "mend or remove the line")
                self._bad.leave_out(error, LINE, line)
        for number, line in waiting:
            self._attribute(path, number, line, notes)

    def _textbound(self, path: Path, number: int, line: str) -> None:
        cells = line.split("\t", 2)
        kind, _, spans = cells[1].partition(" ") if len(cells) == 3 else ("", "", "")
        found = [_SPAN.fullmatch(span) for span in spans.split(";")]
        if not kind or not all(found):
            error = at(path, number, "is not ID, type and offsets, and text, split by tabs",
                       "write it as T1<TAB>Gene 0 4<TAB>BRCA")  # fmt: skip
            self._bad.leave_out(error, LINE, line)
            return
        name = cells[0]
        if name in self._seen:
            problem = f"{name} is the id of an annotation before it"
            error = at(path, number, problem, "rename it")
            if not self._bad.repairs:
                self._bad.leave_out(error, IDS, line)
                return
            self._bad.mended(error, IDS, line, "taken without an id")
            name = ""
        self._seen.add(name)
        pieces = tuple((int(m[1]), int(m[2])) for m in found if m is not None)
        words: str | None = cells[2]
        if any(a[1] > b[0] for a, b in pairwise(sorted(pieces))):
            error = at(path, number, f"{name} has fragments that overlap", "mend its offsets")
            if not self._bad.repairs:
                self._bad.leave_out(error, OFFSETS, line)
                return
            pieces, words = _joined(pieces), None
            self._bad.mended(error, OFFSETS, line, "its fragments joined")
        self.named.append((name, kind))
        self.claims.append(Claim(pieces, words))
        self.places.append((path, number))

    def _attribute(self, path: Path, number: int, line: str, notes: Notes) -> None:
        words = line.split("\t")[1].split(" ") if "\t" in line else []
        if len(words) < 2:
            error = at(path, number, "is not ID, name and annotation", "mend or remove the line")
            self._bad.leave_out(error, LINE, line)
            return
        if words[1] not in self._seen:
            notes["attributes_of_others"] += 1
            return
        value = " ".join(words[2:])
        self.attributes.setdefault(words[1], []).append((words[0], value))


def write(documents: Iterable[Document], path: Path, notes: Notes) -> None:
    """Write a folder, which must be new or empty."""
    with files.replacing_folder(path) as folder:
        for document in documents:
            name = _UNFIT.sub(lambda m: f"%{ord(m[0]):02X}", document.id)
            if not name or len(name.encode()) > 240:
                raise UserError(f"{path}: the id {document.id[:80]!r} is no name for a file; "
                                "give the document a short one")  # fmt: skip
            text = folder / f"{name}.txt"
            try:
                with text.open("xb") as file:
                    file.write(document.text.encode())
            except FileExistsError:
                raise UserError(
                    f"{path}: two documents have the id {document.id}; give each an id of its own, "
                    "which for those of one file convert --bad-annotations repair does"
                ) from None
            lines = _lines(document, path, notes)
            (folder / f"{name}.ann").write_bytes("".join(f"{line}\n" for line in lines).encode())


def _lines(document: Document, path: Path, notes: Notes) -> Iterator[str]:
    taken = [m.id for m in document.mentions if _OWN_ID.fullmatch(m.id)]
    kept = len(set(taken)) == len(taken)  # else all are numbered anew
    fresh = (
        f"T{n}"
        for n in range(1, 2 * len(document.mentions) + 2)
        if f"T{n}" not in taken or not kept
    )
    attributes: list[tuple[str, str, str]] = []
    for mention in document.mentions:
        if any(c.isspace() for c in mention.type):
            raise UserError(f"{path}: document {document.id}: the type {mention.type!r} has a "
                            "blank, which brat has no place for; use --rename")  # fmt: skip
        if kept and _OWN_ID.fullmatch(mention.id):
            name = mention.id
        else:
            name = next(fresh)
            notes["lost_ids"] += bool(mention.id)
        pieces = [
            part for bounds in mention.pieces for part in _without_breaks(document.text, bounds)
        ]
        words = _LINE_BREAKS.sub(" ", " ".join(document.text[a:b] for a, b in pieces))
        spans = ";".join(f"{a} {b}" for a, b in pieces)
        yield f"{name}\t{mention.type} {spans}\t{words}"
        own = with_confidence(mention.attributes, mention)
        attributes += ((name, key, value) for key, value in own)
    for number, (name, key, value) in enumerate(attributes, 1):
        kind = "N" if key == _NORMALISED else "A"
        if not key or any(c.isspace() for c in key) or _LINE_BREAKS.search(value) or "\t" in value:
            notes["lost_attributes"] += 1
        else:
            yield f"{kind}{number}\t{key} {name}{' ' if value else ''}{value}"


def _without_breaks(text: str, bounds: Bounds) -> list[Bounds]:
    """The pieces of a fragment between line ends, as brat writes them, where all can be seen."""
    start, end = bounds
    if text[start] in "\r\n" or text[end - 1] in "\r\n":
        return [bounds]
    edges = [start]
    for gap in _LINE_BREAKS.finditer(text, start, end):
        edges += gap.span()
    edges.append(end)
    return list(zip(edges[::2], edges[1::2], strict=True))
