"""Documents by hypothesis, and what becomes of one that is written and read."""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from pathlib import Path

from hypothesis import strategies as st

from fewshot_metalstm.kinds.tagging.formats import (
    Document,
    Mention,
    Notes,
    read_documents,
    write_documents,
)
from fewshot_metalstm.kinds.tagging.formats.document import Passage

PIECES = (
    "IL-2", "p53", "a", "B", ".", " ", "  ", "\n", "\r\n", "\r", "\t", "é", "e\u0301", "日", "😀",
    "\u2028", "\u00a0", "\x85", "|t|", "#", '"', "<b>&amp;", "]]>", "\\", "-DOCSTART-", "O",
    "1,4-β-D", "\ufeff", ". The",
)  # fmt: skip
TYPES = ("Gene", "Cell_line", "x-1")
NAMES = ("a", "12", "PMC1.2", "10.1/x", "..", "%41", "é 日")


@st.composite
def texts(draw: st.DrawFn) -> str:
    return "".join(draw(st.lists(st.sampled_from(PIECES), max_size=12)))


@st.composite
def spans(draw: st.DrawFn, text: str, *, overlaps: bool) -> list[tuple[int, int]]:
    """Bounds of mentions anywhere in the text, at its edges and within words too."""
    if not text:
        return []
    edge = st.integers(0, len(text))
    pairs = draw(st.lists(st.tuples(edge, edge), max_size=4))
    found = sorted({(min(pair), max(pair)) for pair in pairs if pair[0] != pair[1]})
    kept: list[tuple[int, int]] = []
    for start, end in found:
        if overlaps or not kept or kept[-1][1] <= start:
            kept.append((start, end))
    return kept


@st.composite
def documents(
    draw: st.DrawFn,
    *,
    overlaps: bool = False,
    fragments: bool = False,
    ids: bool = False,
    attributes: Sequence[str] = (),
    passages: bool = False,
    given: bool = False,
    confidences: bool = False,
) -> list[Document]:
    """Up to three documents, with as much in them as the format can hold."""
    result = []
    for name in draw(st.lists(st.sampled_from(NAMES), min_size=1, max_size=3, unique=True)):
        text = draw(texts())
        mentions = []
        for number, (start, end) in enumerate(draw(spans(text, overlaps=overlaps)), 1):
            pieces = _pieces(draw, start, end) if fragments else ()
            pairs = tuple((key, draw(st.sampled_from(("v", "a b", "é&")))) for key in attributes)
            kind = draw(st.sampled_from(TYPES))
            name_of = f"T{number}" if ids else ""
            sure = draw(st.none() | st.floats(0, 1)) if confidences else None
            mentions.append(Mention(start, end, kind, name_of, pieces, pairs, sure))
        bounds = draw(spans(text, overlaps=False)) if passages else []
        parts = tuple(Passage(a, b, draw(st.sampled_from(("title", "par")))) for a, b in bounds)
        sentences = tuple(draw(spans(text, overlaps=False))) if given else ()
        tokens = tuple(draw(spans(text, overlaps=False))) if given else ()
        result.append(Document(name, text, tuple(mentions), parts, sentences, tokens))
    return result


def _pieces(draw: st.DrawFn, start: int, end: int) -> tuple[tuple[int, int], ...]:
    if end - start < 3 or draw(st.booleans()):
        return ()
    gap = sorted(draw(st.lists(st.integers(start + 1, end - 1), min_size=2, max_size=2)))
    return ((start, gap[0]), (gap[1], end)) if gap[0] < gap[1] else ()


def through(given: Sequence[Document], format: str, name: str, notes: Notes) -> list[Document]:
    """What is read of documents that were written."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / name
        write_documents(given, path, format, notes=notes)
        return list(read_documents(path, notes=notes))
