"""Articles of PubMed's XML files (baseline, updates, efetch), read as a stream.

The file is cut into its ``<PubmedArticle>`` elements as bytes, and each is parsed on its own.
Beside an incremental parse of the whole file this has three advantages: an ill-formed article
costs that article and not the rest of the file; memory holds one article; and no document type
declaration is ever parsed, so that nothing can define an entity: an expansion bomb in the file's
head is not read, and a reference to such an entity is an error of its article.
"""

from __future__ import annotations

import re
import xml.etree.ElementTree as ET
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

from fewshot_metalstm.errors import at
from fewshot_metalstm.kinds.tagging.bulk.records import BadRecord, Item, Items, Record, checked

MAX_BYTES = 16 * 2**20  # of one article; the longest of PubMed have under 2 MiB
_CHUNK = 2**20
_TAG = re.compile(
    rb"(<Pubmed(?:Book)?Article(?=[\s>]))|</Pubmed(?:Book)?Article\s{0,8}>"  # (start) or end
)
_ENCODING = re.compile(rb"""<\?xml[^>]*?encoding\s*=\s*["']([^"']+)""")
# Every part has a bound, so that each beginning costs little, however often it stands there.
_PMID = re.compile(rb"<PMID(?:\s[^<>]{0,100})?>\s{0,100}(\d{1,20})(?!\d)")
_LONGEST_TAG = 64


def read_pubmed(stream: BinaryIO, path: Path) -> Items:
    """The articles of a file, in order.

    Args:
        stream: the file's bytes, decompressed.
        path: for messages.

    Raises:
        UserError: the file is not in UTF-8, or its end is missing.
    """
    for number, element, problem in _elements(stream, path):
        if problem is not None:
            pmid = _PMID.search(element)
            yield BadRecord(number, problem, pmid[1].decode() if pmid else None)
        else:
            yield _article(number, element)


def _article(number: int, element: bytes) -> Item:
    pmid = _PMID.search(element)
    name = pmid[1].decode() if pmid else None
    if element.startswith(b"<PubmedBook"):
        return BadRecord(number, "is a book's entry; only articles are read", name)
    try:
        citation = ET.fromstring(element).find("MedlineCitation")
    except (ET.ParseError, UnicodeError, ValueError) as problem:
        return BadRecord(number, f"is not well-formed XML ({problem})", name)
    identifier = " ".join((citation.findtext("PMID") or "").split()) if citation is not None else ""
    if citation is None or not identifier:
        return BadRecord(number, "has no PMID")
    title = _text(citation.find("Article/ArticleTitle"))
    parts = [_text(part) for part in citation.iterfind("Article/Abstract/AbstractText")]
    abstract = "\n".join(part for part in parts if part)
    sections = {"title": (0, len(title))}
    text = title
    if abstract:
        text = f"{title}\n{abstract}"
        sections["abstract"] = (len(title) + 1, len(text))
    return checked(number, Record(identifier, text, sections))


def _text(element: ET.Element | None) -> str:
    """All text of an element, mark-up left out, every run of white space one space."""
    return "" if element is None else " ".join("".join(element.itertext()).split())


def _elements(stream: BinaryIO, path: Path) -> Iterator[tuple[int, bytes, str | None]]:
    """Number, bytes and problem (None where there is none) of every article element."""
    buffer, tail = b"", b""
    number, searched = 0, 0
    begin: int | None = None  # of the article that is open, in the buffer
    while chunk := stream.read(_CHUNK):
        if number == 0 and not tail:
            _check_encoding(chunk, path)
        tail = (tail + chunk).rstrip()[-_LONGEST_TAG:]
        buffer += chunk
        while tag := _TAG.search(buffer, searched):
            searched = tag.end()
            if tag[1] is not None:
                if begin is not None:
                    yield number, buffer[begin : tag.start()], "does not end before the next begins"
                begin = tag.start()
                number += 1
            elif begin is not None:
                yield number, buffer[begin:searched], None
                begin = None
        if begin is not None and len(buffer) - begin > MAX_BYTES:
            yield number, buffer[begin : begin + _CHUNK], f"is longer than {MAX_BYTES} bytes"
            begin = None
        # A tag may be cut by the chunk's end.
        searched = max(searched, len(buffer) - _LONGEST_TAG)
        kept = searched if begin is None else begin
        buffer, searched = buffer[kept:], searched - kept
        begin = None if begin is None else 0
    if begin is not None:
        raise at(path, None, f"ends within article {number}", "fetch the file again")
    if not tail.endswith((b"</PubmedArticleSet>", b"<PubmedArticleSet/>")):
        raise at(
            path, None, "does not end with </PubmedArticleSet>",
            "fetch the file again, or name its kind with --format",
        )  # fmt: skip


def _check_encoding(head: bytes, path: Path) -> None:
    declared = _ENCODING.search(head[:200])
    name = declared[1].decode("latin-1") if declared else "UTF-8"
    if head.startswith((b"\xff\xfe", b"\xfe\xff")):
        name = "UTF-16"
    if name.lower().replace("_", "-") not in ("utf-8", "utf8", "us-ascii", "ascii"):
        raise at(path, 1, f"is in {name}, not UTF-8", "convert it, for example with iconv")
