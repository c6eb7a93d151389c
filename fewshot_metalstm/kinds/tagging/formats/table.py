"""Which formats there are, and what survives in each."""

from __future__ import annotations

import importlib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from fewshot_metalstm.errors import UserError, at
from fewshot_metalstm.kinds.tagging.formats.detect import by_name

IDS, ATTRIBUTES, PASSAGES = "ids", "attributes", "passages"
SENTENCES, TOKENS, OVERLAPS, FRAGMENTS = "sentences", "tokens", "overlaps", "fragments"
CONFIDENCES = "confidences"
_ALL = frozenset({IDS, ATTRIBUTES, PASSAGES, SENTENCES, TOKENS, OVERLAPS, FRAGMENTS, CONFIDENCES})
_TAGGED = frozenset({SENTENCES, TOKENS})
_BIOC = frozenset({IDS, ATTRIBUTES, PASSAGES, OVERLAPS, FRAGMENTS, CONFIDENCES})


@dataclass(frozen=True)
class Format:
    """A format: its module and functions, and which parts of a document survive in it.

    ``suffix`` is what the name of a file ends in. A ``folder`` is written as one; ``tags`` are flat
    and found for tokens by the writer itself. What is read may hold tags in a scheme such as
    IOB2 if it is ``schemed``; what is written does if it is ``schemed`` and ``tags``.
    """

    name: str
    module: str
    about: str
    suffix: str
    holds: frozenset[str] = frozenset()
    folder: bool = False
    reads: str | None = "read"
    writes: str | None = "write"
    tags: bool = False
    schemed: bool = False

    def function(self, name: str | None, doing: str) -> Any:
        """A function of the module, imported now."""
        if name is None:
            raise UserError(f"{self.name} cannot be {doing}; choose another format")
        module = importlib.import_module(f"fewshot_metalstm.kinds.tagging.formats.{self.module}")
        return getattr(module, name)

    def scheme(self, option: str, name: str, *, written: bool = False) -> str:
        """The scheme ``name`` that was asked for; :class:`UserError` where there is none."""
        fitting = [each for each in _TABLE if each.schemed and (each.tags or not written)]
        if self in fitting:
            return name
        those = ", ".join(each.name for each in fitting)
        raise UserError(
            f"{option} {name}: {self.name} has no scheme of tags; leave it out (it is for {those})"
        )


_TABLE = (
    Format("conll", "conll", "a token a line with its tag; id and text in comments", ".conll",
           _TAGGED, tags=True, schemed=True),
    Format("conll-plain", "conll", "the same without comments: text between tokens is lost",
           ".conll", _TAGGED, tags=True, schemed=True, writes="write_plain"),
    Format("brat", "brat", "BRAT standoff, a folder (or zip) of .txt and .ann files", "",
           frozenset({IDS, ATTRIBUTES, OVERLAPS, FRAGMENTS, CONFIDENCES}), folder=True),
    Format("pubtator", "pubtator", "PubTator: title, abstract, annotation lines", ".pubtator",
           frozenset({ATTRIBUTES, PASSAGES, OVERLAPS})),
    Format("bioc-xml", "bioc_xml", "BioC XML", ".xml", _BIOC),
    Format("bioc-json", "bioc_json", "BioC JSON", ".json", _BIOC),
    Format("jsonl", "jsonl", "JSON lines: text and mentions", ".jsonl", _ALL),
    Format("label-studio", "label_studio", "Label Studio's JSON", ".json",
           frozenset({IDS, OVERLAPS, CONFIDENCES})),
    Format("prodigy", "prodigy", "Prodigy's JSON lines", ".jsonl",
           frozenset({TOKENS, OVERLAPS, CONFIDENCES})),
    Format("pubannotation", "pubannotation", "PubAnnotation's JSON", ".json",
           frozenset({IDS, ATTRIBUTES, OVERLAPS, FRAGMENTS})),
    Format("huggingface", "huggingface", "JSON of tokens and ner_tags, as of Hugging Face",
           ".jsonl", frozenset({TOKENS}), tags=True, schemed=True),
    Format("gliner", "gliner", "GLiNER's JSON: tokenized_text and ner", ".json",
           frozenset({TOKENS}), tags=True),
    Format("table", "delimited", "a comma- or tab-separated table with a header", ".csv",
           writes=None, tags=True, schemed=True),
    Format("spacy-tuples", "spacy_tuples", "spaCy's examples of version 2: text and entities",
           ".json", frozenset({OVERLAPS})),
    Format("spacy-json", "spacy_json", "spaCy's training JSON of version 2", ".json", writes=None),
    Format("conllu", "conllu", "CoNLL-U with entities in its last column", ".conllu", writes=None),
    Format("webanno-tsv", "webanno", "WebAnno's and INCEpTION's TSV 3", ".tsv", writes=None),
    Format("xmi", "xmi", "UIMA CAS as XMI (needs dkpro-cassis)", ".xmi", writes=None),
    Format("docbin", "docbin", "spaCy's DocBin (needs spacy)", ".spacy", _TAGGED),
    Format("parquet", "parquet", "Parquet, a row a document", ".parquet", _ALL,
           schemed=True),
    Format("text", "text", "raw text, without mentions", ".txt", writes=None),
)  # fmt: skip
FORMATS = {format.name: format for format in _TABLE}
WRITABLE = tuple(name for name, format in FORMATS.items() if format.writes is not None)


def find(name: str) -> Format:
    """The format called ``name``; :class:`UserError` that lists them for any other."""
    try:
        return FORMATS[name]
    except KeyError:
        raise UserError(f"format {name!r} is unknown; use {', '.join(FORMATS)}") from None


def to_be_written(path: Path, name: str | None) -> Format:
    """The format called ``name``, or else the usual one of the suffix of ``path``.

    Raises:
        UserError: it is unknown, cannot be written, or the path tells none.
    """
    if name is None:
        name = by_name(path, written=True)
        if name is None:
            choice = ", ".join(WRITABLE)
            raise at(path, None, "its name tells no format", f"name one with --to: {choice}")
    chosen = find(name)
    if chosen.writes is None:
        raise UserError(f"{chosen.name} cannot be written; use {', '.join(WRITABLE)}")
    return chosen
