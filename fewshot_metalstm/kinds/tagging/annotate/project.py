"""A project: a folder with its text, what was done to it, and the tagger that learns from it.

``project.json``, ``text.jsonl`` and ``sentences.json`` are written once; ``journal.jsonl`` grows by
a line an action; ``tagger`` and ``learned.json`` are made of these.
"""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from fewshot_metalstm.errors import UserError, at
from fewshot_metalstm.kinds.tagging.annotate import text as texts
from fewshot_metalstm.kinds.tagging.annotate.journal import Journal
from fewshot_metalstm.kinds.tagging.annotate.state import (
    DONE,
    MOST_TYPES,
    Marks,
    Span,
    State,
    valid_type,
)
from fewshot_metalstm.kinds.tagging.annotate.text import Text
from fewshot_metalstm.kinds.tagging.formats import Notes
from fewshot_metalstm.kinds.tagging.formats.notes import lines as note_lines
from fewshot_metalstm.lock import holds_nothing, locked
from fewshot_metalstm.writing import write_text

ABOUT, JOURNAL = "project.json", "journal.jsonl"
WHAT = "an annotation project"
_VERSION = 1


@dataclass(frozen=True)
class Begin:
    """What a new project begins with; of one that is there, what it is checked against.

    ``source`` is the file or folder with the text and ``format`` its format, None to detect it.
    ``count_given``: sentences of documents that are annotated already count as annotated.
    """

    source: Path | None = None
    types: tuple[str, ...] = ()
    format: str | None = None
    checkpoint: str | None = None
    count_given: bool = False


@dataclass
class Project:
    """A project that is open and held by this process."""

    folder: Path
    about: Mapping[str, Any]
    text: Text
    journal: Journal
    state: State
    notes: tuple[str, ...] = ()
    guard: threading.RLock = field(default_factory=threading.RLock)
    _watchers: list[Callable[[], None]] = field(default_factory=list)

    @property
    def name(self) -> str:
        """The folder's name."""
        return self.folder.absolute().name

    def watch(self, called: Callable[[], None]) -> None:
        """Have a function called after every action."""
        self._watchers.append(called)

    def act(self, entry: Mapping[str, Any], seen: int | None = None) -> int | None:
        """Do something: check it, write it to the journal, let it hold.

        Args:
            entry: of the journal, without number and time.
            seen: the version of the sentence that the person looked at.

        Returns:
            The sentence that it changed.

        Raises:
            ValueError: the entry means nothing.
            Changed: the sentence is not what the person looked at.
            NotWritten: the journal cannot take it; nothing has changed.
        """
        with self.guard:
            self.state.check(entry)
            marks = entry["do"] == "mark" and seen is not None
            if marks and self.state.versions[int(entry["sentence"])] != seen:
                raise Changed
            self.journal.append({**entry, "at": round(time.time(), 2)})
            changed = self.state.apply(entry)
        for called in self._watchers:
            called()
        return changed

    def done(self) -> list[int]:
        """The annotated sentences, in the order in which they were, those of the text first."""
        with self.guard:
            return list(self.state.done_order)

    def statuses(self) -> str:
        """A letter for each sentence: o(pen), d(one), s(kipped)."""
        with self.guard:
            letters = bytearray(b"o" * len(self.text))
            for sentence in self.state.done_order:
                letters[sentence] = ord("d")
            for sentence, marks in self.state.changed.items():
                letters[sentence] = ord(marks.status[0])
            return letters.decode()


class Changed(Exception):
    """The sentence was changed elsewhere, in another window say."""


@contextmanager
def opened(folder: Path, begin: Begin) -> Iterator[Project]:
    """A project, begun if it is not there, and held by this process within the block.

    Raises:
        UserError: another process holds it (``Busy``), it is damaged, the folder holds other
            files, or what is asked does not go with it.
    """
    with locked(folder, WHAT):
        notes: tuple[str, ...] = ()
        text = None
        if not (folder / ABOUT).is_file():
            text, notes = _begin(folder, begin)
        about = _about(folder)
        _agree(folder, about, begin)
        if text is None:
            text = texts.load(folder, about["sha256"])
        journal = Journal(folder / JOURNAL)
        try:
            state = _replayed(folder, about, text, journal)
            for name in _new_types(begin, state):
                entry = {"do": "type", "name": name}
                journal.append({**entry, "at": round(time.time(), 2)})
                state.apply(entry)
            if journal.cut:
                notes = (*notes, f"{journal.path}: cut a last line of {journal.cut} bytes that was "
                         "not written to its end; it had not been acknowledged")  # fmt: skip
            yield Project(folder, about, text, journal, state, notes)
        finally:
            journal.close()


def _begin(folder: Path, begin: Begin) -> tuple[Text, tuple[str, ...]]:
    """Write the text, and what the project is; the text, as :func:`texts.load` would read it."""
    if begin.source is None:
        raise at(folder, None, "holds no project", "name the text to begin one with")
    if not holds_nothing(folder):
        # A beginning that was cut short has left these, and nothing that matters.
        known = {texts.TEXT, texts.SENTENCES}
        others = [p.name for p in folder.iterdir() if p.name not in known and p.name[0] != "."]
        if others:
            raise at(folder, None, f"holds other files ({min(others)})", "name another folder")
    _check_names(begin.types)
    counted = Notes()
    text = texts.gather(begin.source, begin.format, counted)
    given = {m["type"] for record in text.records for m in record["mentions"]}
    types = list(dict.fromkeys([*begin.types, *sorted(given)]))
    if not types:
        raise UserError(f"{begin.source}: holds no mention; say what to mark with --types A,B")
    digest = texts.store(text, folder)
    about = {
        "version": _VERSION, "source": str(begin.source.absolute()), "sha256": digest,
        "types": types, "checkpoint": begin.checkpoint, "count_given": begin.count_given,
    }  # fmt: skip
    write_text(json.dumps(about, ensure_ascii=False, indent=1) + "\n", folder / ABOUT)
    return text, tuple(note_lines(counted))


def _new_types(begin: Begin, state: State) -> list[str]:
    """The types that a project has not yet; :class:`UserError` for what cannot be one of it."""
    new = [name for name in begin.types if name not in state.types]
    _check_names(new)
    if new and len(state.types) + len(new) > MOST_TYPES:
        raise UserError(f"--types: there are {len(state.types)} types, and {len(new)} more are too "
                        f"many ({MOST_TYPES} at most); name fewer")  # fmt: skip
    return new


def _check_names(types: Sequence[str]) -> None:
    for name in types:
        if not valid_type(name):
            raise UserError(f"--types {name[:80]!r}: is no name of a type; use words in one line")


def _about(folder: Path) -> dict[str, Any]:
    path = folder / ABOUT
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
        version, types = found["version"], found["types"]
        if not all(isinstance(name, str) for name in types) or not found["sha256"]:
            raise ValueError
    except (OSError, ValueError, KeyError, TypeError):
        raise at(path, None, "is damaged", "restore it, or begin the project anew") from None
    if version != _VERSION:
        raise at(path, None, f"is of version {version}", "use a newer fewshot-metalstm")
    return dict(found)


def _agree(folder: Path, about: Mapping[str, Any], begin: Begin) -> None:
    if begin.source is not None and str(begin.source.absolute()) != about["source"]:
        raise at(folder, None, f"was begun with {about['source']}",
                 "leave the text out to go on, or name another folder")  # fmt: skip
    if begin.count_given and not about.get("count_given"):
        raise at(folder, None, "was begun without --count-given, which cannot be changed",
                 "leave it out to go on, or name another folder")  # fmt: skip


def _replayed(folder: Path, about: Mapping[str, Any], text: Text, journal: Journal) -> State:
    count = bool(about.get("count_given"))

    def given(sentence: int) -> Marks:
        spans = tuple(dict.fromkeys(Span(m.type, m.pieces) for m in text.given(sentence)))
        done = count and sentence in text.annotated
        return Marks(spans, (), DONE) if done else Marks(spans)

    def length(sentence: int) -> int:
        where = text.places[sentence]
        return where.end - where.start

    state = State(len(text), length, list(about["types"]), given)
    if count:
        state.done_order.extend(sorted(text.annotated))
    for entry in journal.entries:
        try:
            state.check(entry)
            state.apply(entry)
        except ValueError as error:
            problem = f"does not go with the text: {error}"
            cure = "restore the file from a copy, or cut it before this line"
            raise at(folder / JOURNAL, entry["n"], problem, cure) from None
    return state


def examples(project: Project, sentences: Sequence[int]) -> list[dict[str, Any]]:
    """Sentences with their spans, for a tagger to learn from."""
    with project.guard:
        return [
            {"sentence": i, "spans": [[s.type, s.pieces] for s in project.state.marks(i).spans]}
            for i in sentences
        ]
