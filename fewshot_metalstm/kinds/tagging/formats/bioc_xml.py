"""BioC XML, by expat: a document at a time, and no entity but XML's own five.

A DOCTYPE that names BioC's DTD is passed over, and nothing is fetched; one with declarations of
its own is refused, and so is a reference to any entity, so that nothing can expand.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any
from xml.parsers import expat
from xml.sax.saxutils import escape, quoteattr

from fewshot_metalstm.errors import UserError, at
from fewshot_metalstm.kinds.tagging.corpora.bad import BadAnnotations
from fewshot_metalstm.kinds.tagging.formats import files
from fewshot_metalstm.kinds.tagging.formats.bioc import as_object, read_document
from fewshot_metalstm.kinds.tagging.formats.document import Document
from fewshot_metalstm.kinds.tagging.formats.notes import Notes
from fewshot_metalstm.kinds.tagging.formats.records import Place

_CHUNK = 2**16
_DEPTH = 16  # of elements; BioC has eight
_FORBIDDEN = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
_LISTS = {"passage": "passages", "sentence": "sentences", "annotation": "annotations",
          "relation": "relations", "location": "locations"}  # fmt: skip
_PARENTS = {
    "passage": ("document",), "sentence": ("passage",), "location": ("annotation",),
    "annotation": ("document", "passage", "sentence"),
    "relation": ("document", "passage", "sentence"),
    "infon": ("collection", "document", "passage", "sentence", "annotation", "relation"),
}  # fmt: skip
_LEAVES = ("text", "offset", "infon", "id", "location")
_NUMBERS = re.compile(r"\s*[0-9]{1,15}\s*")


class _Builder:
    """Expat's events as documents in the shape of BioC JSON."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.done: list[tuple[int, dict[str, Any]]] = []
        self.ended = False
        self._open: list[tuple[str, dict[str, Any]]] = []
        self._text: list[str] = []
        self._infon = ""
        self._began = 0
        self.parser = parser = expat.ParserCreate()
        parser.buffer_text = True
        parser.StartElementHandler = self._start
        parser.EndElementHandler = self._end
        parser.CharacterDataHandler = self._characters
        parser.StartDoctypeDeclHandler = self._doctype
        parser.EntityDeclHandler = self._entity
        parser.SkippedEntityHandler = self._skipped

    def error(self, problem: str, cure: str = "mend it") -> UserError:
        return at(self.path, self.parser.CurrentLineNumber, problem, cure)

    def _doctype(self, name: str, system: str | None, public: str | None, internal: int) -> None:
        if internal:
            raise self.error("declares entities or elements of its own, which are not read",
                             "remove what stands in [ ] in its DOCTYPE")  # fmt: skip

    def _entity(self, *declared: Any) -> None:
        raise self.error("declares an entity, which is not read", "remove the declaration")

    def _skipped(self, name: str, parameter: int) -> None:
        raise self.error(f"refers to the entity {name!r}, which XML does not define",
                         "write the character itself")  # fmt: skip

    def _start(self, tag: str, attributes: dict[str, str]) -> None:
        if not self._open and tag != "collection":
            raise self.error(f"is no BioC: it begins with <{tag[:40]}>, not <collection>",
                             "name its format with --format")  # fmt: skip
        if len(self._open) >= _DEPTH:
            raise self.error("has elements nested too deeply")
        parent = self._open[-1][0] if self._open else ""
        if parent in _LEAVES:
            raise self.error(f"has <{tag[:40]}> within <{parent}>, which holds text alone")
        if tag in _PARENTS and parent not in _PARENTS[tag]:
            raise self.error(f"has <{tag}> within <{parent}>")
        if tag == "document":
            self._began = self.parser.CurrentByteIndex
        value: dict[str, Any] = {}
        if tag in ("annotation", "relation") and "id" in attributes:
            value["id"] = attributes["id"]
        elif tag == "location":
            value = {key: self._number(attributes.get(key, "")) for key in ("offset", "length")}
        elif tag == "infon":
            self._infon = attributes.get("key", "")
        self._open.append((tag, value))
        self._text.clear()

    def _characters(self, data: str) -> None:
        self._text.append(data)

    def _end(self, tag: str) -> None:
        _, value = self._open.pop()
        text = "".join(self._text)
        self._text.clear()
        if not self._open:
            self.ended = True
            return
        parent, outer = self._open[-1]
        if tag == "document":
            self.done.append((self.parser.CurrentLineNumber, value))
        elif tag in _LISTS:
            outer.setdefault(_LISTS[tag], []).append(value)
        elif tag == "infon":
            if parent != "collection":
                outer.setdefault("infons", {}).setdefault(self._infon, []).append(text)
        elif tag == "offset" and parent in ("passage", "sentence"):
            outer["offset"] = self._number(text)
        elif (tag == "text" and parent in ("passage", "sentence", "annotation")) or (
            tag == "id" and parent == "document"
        ):
            if tag in outer:
                raise self.error(f"has two <{tag}> in one <{parent}>")
            outer[tag] = text

    def _number(self, text: str) -> int:
        if not _NUMBERS.fullmatch(text):
            raise self.error(f"{text[:40]!r} is no offset or length")
        return int(text)

    def check_size(self, fed: int) -> None:
        """Refuse a document, or a single piece of mark-up, that is too large."""
        begun = self._began if any(tag == "document" for tag, _ in self._open) else None
        reached = self.parser.CurrentByteIndex
        if fed - (max(reached, 0) if begun is None else begun) > files.MAX_DOCUMENT + _CHUNK:
            raise self.error("is in a document that is too large", "split the document")


def read(path: Path, notes: Notes, bad: BadAnnotations) -> Iterator[Document]:
    """The documents of a collection."""
    builder = _Builder(path)
    fed = count = 0
    size, reached = _CHUNK, -1
    with files.opened(path) as stream:
        while not builder.ended:
            # Expat looks through mark-up that is not whole from its beginning again, whenever
            # there is more of it: so it gets twice as much each time.
            at_rest = builder.parser.CurrentByteIndex == reached
            size = 2 * size if at_rest else _CHUNK
            reached = builder.parser.CurrentByteIndex
            data = stream.read(size)
            fed += len(data)
            try:
                builder.parser.Parse(data, not data)
            except expat.ExpatError as error:
                reason = expat.errors.messages.get(error.code, "unknown")
                problem = f"is not well-formed XML ({reason})"
                raise at(path, error.lineno, problem, "mend it") from None
            except (LookupError, ValueError):
                raise at(
                    path, 1, "is in an encoding that is not known", "convert it to UTF-8"
                ) from None
            found, builder.done = builder.done, []
            for line, value in found:
                count += 1
                place = Place(path, line, None, bad)
                try:
                    document = read_document(_single(value), place, notes, f"{path.stem}-{count}")
                except UserError as error:
                    bad.document(error)
                else:
                    yield document
            builder.check_size(fed)
            if not data:
                break


def _single(value: dict[str, Any]) -> dict[str, Any]:
    """Infons that stand once as text and not as a list."""
    for key, inner in value.items():
        if key == "infons":
            value[key] = {name: v[0] if len(v) == 1 else v for name, v in inner.items()}
        elif isinstance(inner, list):
            for item in inner:
                _single(item)
    return value


def write(documents: Iterable[Document], path: Path, notes: Notes) -> None:
    """Write a collection."""
    with files.replacing(path) as file:
        file.write('<?xml version="1.0" encoding="UTF-8"?>\n'
                   '<!DOCTYPE collection SYSTEM "BioC.dtd">\n<collection>'
                   "<source>fewshot-metalstm</source><date></date><key></key>\n")  # fmt: skip
        for document in documents:
            xml = "".join(_document(as_object(document, notes)))
            odd = _FORBIDDEN.search(xml)
            if odd:
                raise UserError(f"{path}: document {document.id}: holds the character "
                                f"U+{ord(odd[0]):04X}, which XML has no place for; choose another "
                                "format, such as bioc-json")  # fmt: skip
            file.write(xml)
        file.write("</collection>\n")


def _document(value: dict[str, Any]) -> Iterator[str]:
    yield f"<document><id>{_escape(value['id'])}</id>\n"
    for passage in value["passages"]:
        yield f"<passage>{_infons(passage)}<offset>{passage['offset']}</offset>"
        yield f"<text>{_escape(passage['text'])}</text>"
        yield from map(_annotation, passage["annotations"])
        yield "</passage>\n"
    yield from map(_annotation, value["annotations"])
    yield "</document>\n"


def _annotation(value: dict[str, Any]) -> str:
    locations = "".join(
        f'<location offset="{each["offset"]}" length="{each["length"]}"/>'
        for each in value["locations"]
    )
    return (
        f"\n<annotation id={quoteattr(value['id'], {chr(13): '&#13;'})}>{_infons(value)}{locations}"
        f"<text>{_escape(value['text'])}</text></annotation>"
    )


def _infons(value: dict[str, Any]) -> str:
    return "".join(
        f"<infon key={quoteattr(key, {chr(13): '&#13;'})}>{_escape(text)}</infon>"
        for key, given in value["infons"].items()
        for text in (given if isinstance(given, list) else [given])
    )


def _escape(text: str) -> str:
    return escape(text, {"\r": "&#13;"})  # else a reader makes a line feed of it
