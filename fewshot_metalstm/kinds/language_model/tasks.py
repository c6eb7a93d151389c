"""Tasks of language models: documents, in segments of a hundred characters.

An item is a segment: what a split is counted in, a support drawn in and a batch made of. The
documents of a task stand one behind another, and a place is an index into the row of all their
segments; the last segment of a document may be shorter. In a target of the catalogue a support is
the beginning of a document, and the test split what comes next in it.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from fewshot_metalstm.errors import UserError
from fewshot_metalstm.kinds.language_model.text import Document
from fewshot_metalstm.kinds.loaded_suite import LoadedSuite

KIND = "language-model"
TRAIN, DEVEL, TEST = "train", "devel", "test"
SEGMENT = 100  # characters
SHOT = 10  # segments: a thousand characters
QUERY = 50  # segments that are scored behind a support: five thousand characters

Span = tuple[int, int]  # segments from the first to before the second, of one document


@dataclass(frozen=True, eq=False)
class TextTask:
    """Some documents and their splits.

    ``splits`` has the numbers of each split's documents. ``follows`` says that the test split is
    what follows a support in its document.
    """

    name: str
    family: str
    documents: tuple[Document, ...]
    splits: Mapping[str, tuple[int, ...]]
    data: str = ""
    follows: bool = False
    synthetic: bool = False
    invented: bool = False

    @property
    def kind(self) -> str:
        """See :class:`fewshot_metalstm.kinds.kind.Task`."""
        return KIND

    @property
    def types(self) -> tuple[str, ...]:
        """What all its items are, by the name that every kind has for it."""
        return ("characters",)

    @cached_property
    def sizes(self) -> dict[str, int]:
        """Segments of each split."""
        found = {
            name: sum(self.span(number)[1] - self.span(number)[0] for number in numbers)
            for name, numbers in self.splits.items()
        }
        return found | ({TEST: QUERY} if self.follows else {})

    @cached_property
    def digests(self) -> dict[str, str]:
        """SHA-256 of the documents of each split, each with its length before it."""
        found = {}
        for name, numbers in self.splits.items():
            every = hashlib.sha256()
            for number in numbers:
                data = self.documents[number].data
                every.update(b"%d\n" % len(data) + data)
            found[name] = every.hexdigest()
        return found

    @cached_property
    def codes(self) -> NDArray[np.uint8]:
        """The bytes of all documents."""
        return np.frombuffer(b"".join(each.data for each in self.documents), np.uint8)

    @cached_property
    def begins(self) -> NDArray[np.int64]:
        """The place in :attr:`codes` of each document's first byte, and of the end."""
        return np.cumsum([0, *(len(each.data) for each in self.documents)])

    @cached_property
    def cuts(self) -> NDArray[np.int64]:
        """The place in :attr:`codes` of each segment's first byte, and of the end."""
        return self._segments[0]

    @cached_property
    def characters(self) -> NDArray[np.int64]:
        """How many characters each segment has."""
        return self._segments[1]

    @cached_property
    def firsts(self) -> NDArray[np.int64]:
        """The first segment of each document, and the number of all."""
        return np.searchsorted(self.cuts, self.begins)

    @cached_property
    def _segments(self) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        cuts, sizes = [], []
        for number, document in enumerate(self.documents):
            codes = np.frombuffer(document.data, np.uint8)
            starts = np.flatnonzero((codes & 0xC0) != 0x80)  # bytes that begin a character
            cuts.append(self.begins[number] + starts[::SEGMENT])
            own = np.full(len(cuts[-1]), SEGMENT)
            own[-1] = len(starts) - SEGMENT * (len(own) - 1)
            sizes.append(own)
        return np.concatenate([*cuts, self.begins[-1:]]), np.concatenate(sizes)

    def span(self, number: int) -> Span:
        """The segments of a document."""
        return int(self.firsts[number]), int(self.firsts[number + 1])

    def spans(self, split: str) -> tuple[Span, ...]:
        """The segments of a split, a span a document."""
        return tuple(self.span(number) for number in self.splits[split])

    def number(self, place: int) -> int:
        """Which document a segment is of."""
        return int(np.searchsorted(self.firsts, place, side="right")) - 1

    def runs(self, places: Sequence[int]) -> tuple[Span, ...]:
        """Ascending segments as spans, each within a document."""
        ordered = np.asarray(places, np.int64)
        cut = np.flatnonzero((np.diff(ordered) != 1) | np.isin(ordered[1:], self.firsts)) + 1
        return tuple(
            (int(part[0]), int(part[-1]) + 1) for part in np.split(ordered, cut) if len(part)
        )

    def size(self, spans: Sequence[Span]) -> int:
        """How many characters some spans have."""
        return int(sum(self.characters[start:stop].sum() for start, stop in spans))

    def text(self, span: Span) -> bytes:
        """The bytes of a span."""
        return bytes(self.codes[self.cuts[span[0]] : self.cuts[span[1]]])

    def query(self, support: Sequence[Span]) -> tuple[Span, ...]:
        """What is scored behind a support: segments, a span a document.

        Raises:
            UserError: there is nothing behind it.
        """
        if not self.follows:
            return self.spans(TEST)
        found = tuple((stop, stop + QUERY) for _, stop in support)
        for start, stop in found:
            if stop > self.span(self.number(start - 1))[1]:
                raise UserError(
                    f"{self.name} has no {QUERY * SEGMENT:,} characters behind the support to "
                    "score; take fewer shots"
                )
        return found


@dataclass(frozen=True)
class Exclusions:
    """What was kept out of a suite for its targets: tasks by family, documents by title."""

    targets: tuple[str, ...]
    tasks: tuple[str, ...] = ()
    documents: tuple[str, ...] = field(default=())

    def summary(self) -> tuple[str, ...]:
        """See :class:`fewshot_metalstm.kinds.kind.Exclusions`."""
        if not self.targets:
            return ("no target is kept out",)
        return (
            f"nothing of {', '.join(self.targets)} is learned from: {len(self.tasks)} tasks of "
            f"their families and {len(self.documents)} documents with their titles were left out",
        )

    def lines(self) -> tuple[str, ...]:
        """See :class:`fewshot_metalstm.kinds.kind.Exclusions`."""
        return (
            *self.summary(), *(f"{name}: of a target's family" for name in self.tasks),
            *(f"{title}: a target has a document of this title" for title in self.documents),
        )  # fmt: skip


LoadedTexts = LoadedSuite[TextTask, Exclusions]
