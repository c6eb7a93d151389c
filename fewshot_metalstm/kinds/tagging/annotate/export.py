"""What is annotated, as documents of any format."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

from fewshot_metalstm.errors import UserError
from fewshot_metalstm.kinds.tagging.annotate.project import Project
from fewshot_metalstm.kinds.tagging.annotate.state import DONE, Marks
from fewshot_metalstm.kinds.tagging.formats import Document, Mention, Notes, write_documents
from fewshot_metalstm.kinds.tagging.formats.notes import lines
from fewshot_metalstm.kinds.tagging.formats.overlaps import LONGEST
from fewshot_metalstm.kinds.tagging.formats.table import FORMATS, WRITABLE, find
from fewshot_metalstm.runs import fresh

SENTENCES, DOCUMENTS = "sentences", "documents"
WHAT = (SENTENCES, DOCUMENTS)
EXPORTS = "exports"


@dataclass(frozen=True)
class Exported:
    """Where an export is, what is in it, and what the format had no place for."""

    path: Path
    documents: int
    mentions: int
    notes: tuple[str, ...]


def export(project: Project, format: str, what: str = SENTENCES) -> Exported:
    """Write what is annotated to the project's folder of exports.

    A file takes the place of an older export's; a folder gets a name of its own.

    Args:
        what: ``sentences``: each annotated sentence as a document of its own, which is what a
            tagger learns from; ``documents``: every document with an annotated sentence, whole,
            with the mentions of annotated sentences.

    Raises:
        UserError: nothing is annotated, or the format is unknown or cannot be written here.
    """
    if what not in WHAT:
        raise UserError(f"{what[:40]}: is not to be exported; choose {' or '.join(WHAT)}")
    chosen = find(format)
    with project.guard:
        found = list(_sentences(project) if what == SENTENCES else _documents(project))
    if not found:
        raise UserError("no sentence is annotated yet; annotate one, and confirm it with Enter")
    # Formats that share a suffix get names of their own, and a folder is one of a format.
    folder, name = project.folder / EXPORTS, f"{what}-{format}{chosen.suffix}"
    path = fresh(name, folder) if chosen.folder else folder / name
    notes = Notes()
    write_documents(found, path, format, overlaps=LONGEST, notes=notes)
    mentions = sum(len(document.mentions) for document in found)
    return Exported(path, len(found), mentions, tuple(lines(notes)))


def formats() -> dict[str, str]:
    """The formats that can be written, with what each is."""
    return {name: FORMATS[name].about for name in WRITABLE}


def _sentences(project: Project) -> Iterator[Document]:
    text = project.text
    for number in sorted(project.done()):
        where, sentence = text.places[number], text.sentence(number)
        yield Document(
            f"{text.name(number)}-{where.start}", sentence,
            _mentions(project.state.marks(number), 0), sentences=((0, len(sentence)),),
            tokens=tuple(text.tokens(number)),
        )  # fmt: skip


def _documents(project: Project) -> Iterator[Document]:
    text, done = project.text, set(project.done())
    for number in sorted({text.places[i].document for i in done}):
        low = bisect_left(text.places, (number, 0, 0))
        high = bisect_left(text.places, (number + 1, 0, 0))
        mentions: list[Mention] = []
        for i in range(low, high):
            if i in done:
                mentions += _mentions(project.state.marks(i), text.places[i].start)
        document = text.document(number)
        yield replace(document, mentions=tuple(mentions))


def _mentions(marks: Marks, by: int) -> tuple[Mention, ...]:
    assert marks.status == DONE
    found = []
    for span in sorted(marks.spans, key=lambda s: (s.start, s.end)):
        pieces = tuple((start + by, end + by) for start, end in span.pieces)
        fragments = pieces if len(pieces) > 1 else ()
        found.append(Mention(pieces[0][0], pieces[-1][1], span.type, fragments=fragments))
    return tuple(found)
