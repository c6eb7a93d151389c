"""Reading and writing documents in any format."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import replace
from itertools import count
from pathlib import Path
from typing import Any

from fewshot_metalstm.errors import at
from fewshot_metalstm.kinds.tagging.corpora.bad import DOCUMENT_IDS, LIST, TYPE, BadAnnotations
from fewshot_metalstm.kinds.tagging.corpora.bad import ERROR as ERROR_OUT
from fewshot_metalstm.kinds.tagging.formats import files
from fewshot_metalstm.kinds.tagging.formats.detect import by_look
from fewshot_metalstm.kinds.tagging.formats.document import Document
from fewshot_metalstm.kinds.tagging.formats.notes import Notes
from fewshot_metalstm.kinds.tagging.formats.overlaps import ERROR, continuous, flat
from fewshot_metalstm.kinds.tagging.formats.table import (
    ATTRIBUTES,
    CONFIDENCES,
    FORMATS,
    FRAGMENTS,
    IDS,
    OVERLAPS,
    PASSAGES,
    SENTENCES,
    TOKENS,
    Format,
    find,
    to_be_written,
)
from fewshot_metalstm.kinds.tagging.formats.unannotated import SKIP, annotated

__all__ = ["FORMATS", "Format", "detect", "find", "read_documents", "write_documents"]


def detect(path: Path) -> Format:
    """The format of a file or folder, by its name and else by how it begins.

    Raises:
        UserError: it is not there, cannot be read, or is of a kind that is not read here.
    """
    if path.is_dir():
        return FORMATS["brat"]
    if not path.is_file():
        raise files.absent(path)
    return FORMATS[by_look(path)]


def read_documents(
    path: Path | str,
    format: str | None = None,
    *,
    notes: Notes | None = None,
    bad: BadAnnotations | None = None,
    unannotated: str = SKIP,
    **options: Any,
) -> Iterator[Document]:
    """The documents of a file or folder, one at a time.

    Args:
        format: its name, or None to detect it.
        notes: counts what the file holds and a document does not (relations, say).
        bad: what becomes of annotations that are wrong; by default the file is refused.
        unannotated: what becomes of documents that nobody annotated, one of
            :data:`~fewshot_metalstm.kinds.tagging.formats.unannotated.POLICIES`.
        options: those of the format's reader, such as ``scheme`` and ``repair`` of ``conll``.

    Raises:
        UserError: the file is absent or ill-formed, with place and cure; as documents are taken.
    """
    path = Path(path)
    notes = Notes() if notes is None else notes
    chosen = detect(path) if format is None else find(format)
    if not path.exists():
        raise files.absent(path)
    if path.is_dir() and not chosen.folder:
        raise at(path, None, f"is a folder, which {chosen.name} is not", "name a file")
    bad = BadAnnotations(offered=False) if bad is None else bad
    read = chosen.function(chosen.reads, "read")(path, notes, bad, **options)
    checked = (_checked(path, document, bad) for document in read)
    whole = filter(None, checked)
    return _counted(path, annotated(chosen.name, whole, unannotated, notes), notes, bad)


def _counted(
    path: Path, documents: Iterator[Document], notes: Notes, bad: BadAnnotations
) -> Iterator[Document]:
    """The documents as long as no annotation is wrong; then the error, after reading to the end."""
    before = bad.counts()
    ids: set[str] = set()
    for document in documents:
        if bad.stops:
            continue  # for the number of the others
        named = _of_its_own_name(path, document, ids, bad)
        if named is None:
            continue
        notes["documents"] += 1
        notes["mentions"] += len(named.mentions)
        yield named
    bad.check()
    notes.update(bad.counts() - before)


def _of_its_own_name(
    path: Path, document: Document, ids: set[str], bad: BadAnnotations
) -> Document | None:
    """The document, with an id that no other has where bad annotations are repaired."""
    name = document.id
    if name in ids and bad.policy != ERROR_OUT:
        problem = f"document {name[:80]} has the id of one before it"
        error = at(path, None, problem, "give each an id of its own")
        if not bad.repairs:
            bad.leave_out(error, DOCUMENT_IDS, name)
            return document if bad.policy == LIST else None
        new = next(each for n in count(2) if (each := f"{name}-{n}") not in ids)
        bad.mended(error, DOCUMENT_IDS, name, f"called {new}")
        document = replace(document, id=new)
    ids.add(document.id)
    return document


def _checked(path: Path, document: Document, bad: BadAnnotations) -> Document | None:
    """The document without bad mentions; None, or an error, where it is bad itself."""
    if document.problem() is None:
        return document
    name = document.id[:80].encode("utf-8", "replace").decode()
    wrong = document.bad_mentions()
    for mention, problem in wrong:
        words = document.text[mention.start : mention.end].encode("utf-8", "replace").decode()
        bad.leave_out(at(path, None, f"document {name}: {problem}", "mend it"), TYPE, words)
    lost = {id(mention) for mention, _ in wrong}
    document = replace(
        document, mentions=tuple(each for each in document.mentions if id(each) not in lost)
    )
    still = document.problem()
    if still is None:
        return document
    bad.document(at(path, None, f"document {name}: {still}", "mend it"))
    return None


def write_documents(
    documents: Iterable[Document],
    path: Path | str,
    format: str | None = None,
    *,
    overlaps: str = ERROR,
    notes: Notes | None = None,
    **options: Any,
) -> None:
    """Write documents as a file or folder, which is there when it is whole and not before.

    Args:
        format: its name, or None to tell it from the path's.
        overlaps: what becomes of mentions that the format cannot hold together.
        notes: counts what the format had no place for.
        options: those of the format's writer, such as ``scheme`` of ``conll``.

    Raises:
        UserError: the path is taken, or a document cannot be written in the format.
    """
    path = Path(path)
    notes = Notes() if notes is None else notes
    chosen = to_be_written(path, format)
    write = chosen.function(chosen.writes, "written")
    if chosen.tags:
        options["overlaps"] = overlaps
    write(_fitting(documents, chosen, path, overlaps, notes), path, notes, **options)


def _fitting(
    documents: Iterable[Document], format: Format, path: Path, overlaps: str, notes: Notes
) -> Iterator[Document]:
    """The documents with mentions that the format can hold, what it loses counted."""
    holds = format.holds
    for document in documents:
        if not format.tags and OVERLAPS not in holds:
            document = flat(document, overlaps, notes, str(path))
        elif not format.tags and FRAGMENTS not in holds:
            document = continuous(document, overlaps, notes, str(path))
        if IDS not in holds:
            notes["lost_ids"] += sum(bool(m.id) for m in document.mentions)
        if ATTRIBUTES not in holds:
            notes["lost_attributes"] += sum(bool(m.attributes) for m in document.mentions)
        if CONFIDENCES not in holds:
            notes["lost_confidences"] += sum(m.confidence is not None for m in document.mentions)
        for kind in (PASSAGES, SENTENCES, TOKENS):
            if kind not in holds:
                notes[f"lost_{kind}"] += len(getattr(document, kind))
        yield document
