"""What the page shows of a project: sentences with their marks and proposals, and how far it is."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from fewshot_metalstm.kinds.tagging.annotate.adapter import Adapter
from fewshot_metalstm.kinds.tagging.annotate.project import Project
from fewshot_metalstm.kinds.tagging.annotate.state import OPEN, Marks, Span, as_json

SHOWN = 300  # characters of a sentence in the list


class Views:
    """Reads a project and its adapter; changes nothing."""

    def __init__(self, project: Project, adapter: Adapter) -> None:
        """Look at these."""
        self._project, self._adapter = project, adapter

    def sentence(self, number: int) -> dict[str, Any]:
        """A sentence with all that is needed to annotate it."""
        text, state = self._project.text, self._project.state
        with self._project.guard:
            marks, seen = state.marks(number), state.versions[number]
        learned = self._adapter.learned
        count, before = text.places[number].document, number - 1
        after = number + 1
        return {
            "number": number, "document": text.name(number), "text": text.sentence(number),
            "tokens": text.tokens(number), "status": marks.status, "seen": seen,
            "spans": as_json(marks.spans), "rejected": as_json(marks.rejected),
            "proposals": self._open(learned.proposals.get(number, ()), marks),
            "likely": self._open(learned.likely.get(number, ()), marks),
            "before": self._beside(before, count), "after": self._beside(after, count),
        }  # fmt: skip

    def line(self, number: int) -> dict[str, Any]:
        """A sentence as the list shows it."""
        text = self._project.text.sentence(number)
        short = text if len(text) <= SHOWN else f"{text[: SHOWN - 1]}…"
        return {"number": number, "text": " ".join(short.split())}

    def status(self) -> dict[str, Any]:
        """How far the project and its tagger are."""
        project, learned = self._project, self._adapter.learned
        with project.guard:
            state = project.state
            done = len(state.done_order)
            skipped = sum(marks.status == "skipped" for marks in state.changed.values())
            undo, redo, actions = state.can_undo, state.can_redo, len(project.journal.entries)
            types, last = list(state.types), state.done_order[-500:]
        return {
            "done": done, "skipped": skipped, "types": types, "can_undo": undo, "can_redo": redo,
            "actions": actions, "doing": learned.doing, "problem": learned.problem,
            "learned": learned.sentences, "due": self._adapter.due, "points": learned.points,
            "version": learned.version, "by": learned.by, "last": last[::-1],
        }  # fmt: skip

    def next(self, here: int | None) -> int | None:
        """The first that was chosen and is open, or else the first open one after ``here``."""
        state = self._project.state
        with self._project.guard:
            for number in self._adapter.learned.order:
                if number != here and state.marks(number).status == OPEN:
                    return number
            size = len(self._project.text)
            first = 0 if here is None else here + 1
            for step in range(size):
                number = (first + step) % size
                if number != here and state.marks(number).status == OPEN:
                    return number
        return None

    def _open(self, given: Iterable[list[Any]], marks: Marks) -> list[Any]:
        """What the tagger says beside what is marked already, where a person may take it."""
        if marks.status != OPEN:
            return []
        found = []
        for name, pieces, sure in given:
            span = Span(name, tuple((start, end) for start, end in pieces))
            known = span in marks.rejected or any(span.overlaps(own) for own in marks.spans)
            if not known:
                found.append([name, pieces, sure])
        return found

    def _beside(self, number: int, document: int) -> str:
        """A neighbour of a sentence, if it is of the same document."""
        text = self._project.text
        if not 0 <= number < len(text) or text.places[number].document != document:
            return ""
        return text.sentence(number)[:SHOWN]
