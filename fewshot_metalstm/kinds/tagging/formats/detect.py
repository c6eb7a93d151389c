"""Which format a file is in, by its name and else by how it begins."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from fewshot_metalstm.errors import at
from fewshot_metalstm.kinds.tagging.formats import files
from fewshot_metalstm.kinds.tagging.formats.bioc_json import COLLECTIONS
from fewshot_metalstm.kinds.tagging.formats.header import columns_of
from fewshot_metalstm.kinds.tagging.formats.looks import is_tuple, looks_so
from fewshot_metalstm.kinds.tagging.formats.pubtator import FIRST

# A name that tells the format whatever is inside. The others are looked into.
_SUFFIXES = {
    ".ann": "brat", ".a1": "brat", ".a2": "brat",
    ".pubtator": "pubtator",
    ".spacy": "docbin",
    ".parquet": "parquet",
    ".xmi": "xmi",
    **dict.fromkeys(
        (".conll", ".conllu", ".tsv", ".bio", ".iob", ".iob1", ".iob2", ".iobes", ".bioes",
         ".bilou", ".col", ".tags"), "conll"
    ),
}  # fmt: skip
_LOOKED_INTO = (".tsv", ".tags", ".conllu", ".conll")  # others' names too, as a look tells
_UNIVERSAL = re.compile(r"[0-9]+(?:[-.][0-9]+)?(?:\t[^\t]*){9}")  # a token of CoNLL-U
_ENTITY = re.compile(r"(?:NER|ner|NE|Entity)=")
_WRITTEN = {".jsonl": "jsonl", ".ndjson": "jsonl", ".xml": "bioc-xml", ".json": "bioc-json"}
_HEAD = 65_536  # bytes that are looked at
_TAG = re.compile(r"O|[BIESLU]-\S.*")


def by_name(path: Path, *, written: bool = False) -> str | None:
    """The format that a name tells; of a file to be ``written``, the usual one of its suffix."""
    suffix = path.suffix.lower()
    return _SUFFIXES.get(suffix) or (_WRITTEN.get(suffix) if written else None)


def by_look(path: Path) -> str:
    """The format of a file whose name does not tell it.

    Raises:
        UserError: it cannot be read, or is of a kind that is not read here.
    """
    known = by_name(path)
    if known is not None and path.suffix.lower() not in _LOOKED_INTO:
        return known
    if path.suffix.lower() == ".txt" and any(
        path.with_suffix(suffix).is_file() for suffix in (".ann", ".a1")
    ):
        return "brat"
    with files.opened(path) as stream:
        head: bytes = stream.read(_HEAD).removeprefix(b"\xef\xbb\xbf")
    if columns_of(head.lstrip(b"\r\n").split(b"\n", 1)[0].decode("utf-8", "replace")):
        return "table"
    if head.startswith(b"#FORMAT=WebAnno TSV 3"):
        return "webanno-tsv"
    if _is_universal(head.decode("utf-8", "replace"), path.suffix.lower() == ".conllu"):
        return "conllu"
    if known is not None:
        return known
    if path.suffix.lower() == ".csv":
        problem = "is a table without a header that names columns of tokens (word) and tags (tag)"
        raise at(path, None, problem, "add one, or name the format")
    start = head.lstrip()[:1]
    if head.startswith(b"PAR1"):
        return "parquet"
    if head.startswith((b"PK\x03\x04", b"PK\x05\x06")):
        return "brat"
    if path.suffix.lower() == ".py":
        return "spacy-tuples"
    if path.suffix.lower() in (".jsonl", ".ndjson", ".json") or (
        start in (b"{", b"[") and path.suffix.lower() != ".txt"
    ):
        return _of_json(path)
    if path.suffix.lower() == ".xml" or head.startswith((b"\xff\xfe<", b"\xfe\xff\x00<")) or (
        start == b"<" and path.suffix.lower() != ".txt"
    ):  # fmt: skip
        if b"<PubmedArticle" in head:
            raise at(path, None, "is PubMed's XML, without mentions", "tag it with tag-corpus")
        if b"<xmi:XMI" in head:
            return "xmi"
        return "bioc-xml"
    return _of_lines(head.decode("utf-8", "replace"), cut=len(head) == _HEAD)


def _is_universal(head: str, named: bool) -> bool:
    """Whether the first token is one of CoNLL-U, of a file so ``named`` or with entities."""
    rows = (line for line in head.split("\n") if line.strip() and not line.startswith("#"))
    first = next(rows, "").rstrip("\r")
    return bool(_UNIVERSAL.fullmatch(first)) and (named or bool(_ENTITY.search(head)))


def _of_lines(head: str, *, cut: bool) -> str:
    rows = [line.rstrip("\r") for line in head.split("\n")]
    rows = [row for row in (rows[:-1] if cut and len(rows) > 1 else rows) if row.strip()][:50]
    if rows and FIRST.match(rows[0]):
        return "pubtator"
    rows = [row for row in rows if not row.startswith(("#", "-DOCSTART-"))]
    tags = [re.split(r"\t", row)[-1] if "\t" in row else row.split(" ")[-1] for row in rows]
    columns = [tag for tag, row in zip(tags, rows, strict=True) if tag != row]
    labelled = len(columns) == len(rows) and all(_TAG.fullmatch(tag.strip()) for tag in columns)
    # One line without a tab is prose, a title about B-cells: a token stands in no line alone.
    if labelled and (len(rows) > 1 or any("\t" in row for row in rows)):
        return "conll"
    # Columns by tabs with O in the last: tags, if not of a form that is known; a reader says so.
    widths = {row.count("\t") for row in rows}
    if len(rows) > 1 and len(widths) == 1 and widths != {0} and "O" in map(str.strip, tags):
        return "conll"
    return "text"


def _of_json(path: Path) -> str:
    # A line that is no JSON is the reader's to judge.
    first: Any = next(files.json_values(path, lambda error: None), (None, {}))[1]
    if is_tuple(first):
        return "spacy-tuples"
    listed = first.get("annotations") if isinstance(first, Mapping) else first
    if isinstance(listed, list) and any(map(is_tuple, listed)):
        return "spacy-tuples"
    if isinstance(first, list):
        first = first[0] if first else {}
    if not isinstance(first, Mapping):
        return "jsonl"
    if any(isinstance(first.get(key), list) for key in COLLECTIONS):
        return "bioc-json"
    if "text" not in first and "passages" in first:
        return "bioc-json"
    if isinstance(first.get("paragraphs"), list):
        return "spacy-json"
    if isinstance(first.get("denotations"), list):
        return "pubannotation"
    if isinstance(first.get("tokenized_text"), list):
        return "gliner"
    if looks_so(first):
        return "huggingface"
    if "text" not in first and isinstance(first.get("data"), dict):
        return "label-studio"
    if "_input_hash" in first or first.get("answer") in ("accept", "reject", "ignore"):
        return "prodigy"
    return "jsonl"
