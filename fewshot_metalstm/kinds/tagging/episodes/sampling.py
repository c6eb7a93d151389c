"""Support and query sets by the protocol's greedy rule, on precomputed mention counts.

Everything here works on counts: row ``i`` of a :class:`TaskIndex` says how many mentions of
each type sentence ``i`` holds. The index is built once a task; a draw then costs well under a
millisecond, because no draw loops over all sentences in Python.
"""

from __future__ import annotations

import heapq
from collections.abc import Container, Mapping, Sequence
from dataclasses import dataclass
from typing import Literal, TypeAlias

import numpy as np
import numpy.typing as npt

from fewshot_metalstm.kinds.tagging.corpora.sentence import Sentence

Proportion = Literal["support", "natural"]
IntArray: TypeAlias = "npt.NDArray[np.int64]"


@dataclass(frozen=True, slots=True)
class Support:
    """A support set: sentence indices in ascending order, mention-free ones included.

    ``counts`` gives the mentions of each type, ``bearing`` how many of the sentences hold a
    mention, ``shots`` the K that was asked for and ``negatives_wanted`` how many mention-free
    sentences were asked for.
    """

    indices: tuple[int, ...]
    counts: Mapping[str, int]
    shots: int = 0
    bearing: int = 0
    negatives_wanted: int = 0

    @property
    def mentions(self) -> int:
        """Mentions of all types together."""
        return sum(self.counts.values())

    @property
    def negatives(self) -> int:
        """How many of the sentences are mention-free."""
        return len(self.indices) - self.bearing

    @property
    def missing(self) -> Mapping[str, int]:
        """Types of which the corpus gave fewer than ``shots`` mentions, with what it gave."""
        return {name: count for name, count in self.counts.items() if count < self.shots}

    @property
    def shortfall(self) -> str:
        """One line on what the corpus could not give; empty when it gave everything."""
        parts = [f"{count} of {self.shots} {name}" for name, count in self.missing.items()]
        if self.negatives < self.negatives_wanted:
            parts.append(f"{self.negatives} of {self.negatives_wanted} mention-free sentences")
        return f"the corpus gave {', '.join(parts)}" if parts else ""


def sentence_key(sentence: Sentence) -> str:
    """What makes two sentences the same by the protocol: their lower-cased tokens."""
    return tokens_key(sentence.tokens)


def tokens_key(tokens: Sequence[str]) -> str:
    """:func:`sentence_key` of a sentence that is known by its tokens alone."""
    return "\t".join(tokens).lower()


def count_mentions(sentences: Sequence[Sentence], types: Sequence[str]) -> IntArray:
    """Mentions of each type in each sentence, shape ``(len(sentences), len(types))``."""
    column = {f"{kind}-{name}": at for at, name in enumerate(types) for kind in "BS"}
    counts = np.zeros((len(sentences), len(types)), dtype=np.int64)
    for row, sentence in enumerate(sentences):
        for tag in sentence.tags:
            if tag in column:
                counts[row, column[tag]] += 1
    return counts


@dataclass(frozen=True, slots=True, eq=False)
class TaskIndex:
    """Mention counts of a task's sentences, ready to draw from.

    ``counts`` has shape ``(sentences, types)``. ``texts`` numbers the distinct texts: two
    sentences with equal lower-cased tokens share a number, so that a query never repeats a
    sentence of its support. ``bearing`` and ``free`` are the indices of the mention-bearing and
    mention-free sentences that may be drawn; ``excluded`` and ``too_long`` count those that may
    not.
    """

    types: tuple[str, ...]
    counts: IntArray
    texts: IntArray
    bearing: IntArray
    free: IntArray
    excluded: int = 0
    too_long: int = 0

    @classmethod
    def from_counts(
        cls,
        counts: IntArray,
        types: Sequence[str],
        *,
        texts: IntArray | None = None,
        usable: npt.NDArray[np.bool_] | None = None,
        excluded: int = 0,
        too_long: int = 0,
    ) -> TaskIndex:
        """Index of a count matrix; ``usable`` marks the rows that may be drawn (default all)."""
        holds = counts.any(axis=1)
        drawn = np.ones(len(counts), dtype=np.bool_) if usable is None else usable
        return cls(
            types=tuple(types),
            counts=counts,
            texts=np.arange(len(counts)) if texts is None else texts,
            bearing=np.flatnonzero(holds & drawn),
            free=np.flatnonzero(~holds & drawn),
            excluded=excluded,
            too_long=too_long,
        )

    @classmethod
    def from_sentences(
        cls,
        sentences: Sequence[Sentence],
        types: Sequence[str],
        *,
        exclude: Container[str] = frozenset(),
        max_tokens: int | None = None,
    ) -> TaskIndex:
        """Index of annotated text.

        Sentences whose :func:`sentence_key` is in ``exclude``, and those with more than
        ``max_tokens`` tokens, are never drawn; both are counted, neither is cut short.
        """
        numbers: dict[str, int] = {}
        texts = np.zeros(len(sentences), dtype=np.int64)
        usable = np.ones(len(sentences), dtype=np.bool_)
        excluded = too_long = 0
        for row, sentence in enumerate(sentences):
            key = sentence_key(sentence)
            texts[row] = numbers.setdefault(key, len(numbers))
            if key in exclude:
                excluded += 1
                usable[row] = False
            elif max_tokens is not None and len(sentence) > max_tokens:
                too_long += 1
                usable[row] = False
        return cls.from_counts(
            count_mentions(sentences, types),
            types,
            texts=texts,
            usable=usable,
            excluded=excluded,
            too_long=too_long,
        )

    @property
    def size(self) -> int:
        """How many sentences may be drawn."""
        return len(self.bearing) + len(self.free)

    def select(self, types: Sequence[str]) -> TaskIndex:
        """The same sentences with only the mentions of ``types`` counted."""
        usable = np.zeros(len(self.counts), dtype=np.bool_)
        usable[self.bearing] = True
        usable[self.free] = True
        columns = [self.types.index(name) for name in types]
        return TaskIndex.from_counts(
            self.counts[:, columns],
            types,
            texts=self.texts,
            usable=usable,
            excluded=self.excluded,
            too_long=self.too_long,
        )

    def most_shots(self, wanted: int) -> int:
        """The largest K up to ``wanted`` whose support leaves half of the mentions' sentences.

        A support of K shots takes at most ``sum(min(K, mentions of type))`` mention-bearing
        sentences; with this K at least half of the distinct ones remain for a query. 0 when no
        K does.
        """
        half = len(np.unique(self.texts[self.bearing])) // 2
        totals = self.counts[self.bearing].sum(axis=0)
        taken = np.minimum.outer(np.arange(1, wanted + 1), totals).sum(axis=1)
        return int(np.searchsorted(taken, half, side="right")) if totals.any() else 0

    def support(self, shots: int, rng: np.random.Generator, *, negatives: float = 1.0) -> Support:
        """Draw a support set of ``shots`` mentions a type; see :func:`draw_support`."""
        if shots < 1:
            raise ValueError(f"shots must be at least 1, not {shots}")
        if negatives < 0:
            raise ValueError(f"negatives must not be negative, not {negatives}")
        order = rng.permutation(self.bearing)
        counts = self.counts[order]
        taken, have = _first_visit(counts, shots)
        _fill(counts, shots, taken, have)
        wanted = int(negatives * len(taken) + 0.5)
        given = min(wanted, len(self.free))
        free = rng.choice(self.free, given, replace=False, shuffle=False)
        return Support(
            indices=tuple(np.sort(np.concatenate([order[taken], free])).tolist()),
            counts=dict(zip(self.types, have.tolist(), strict=True)),
            shots=shots,
            bearing=len(taken),
            negatives_wanted=wanted,
        )

    def query(
        self,
        support: Support,
        size: int,
        rng: np.random.Generator,
        *,
        proportion: Proportion = "support",
    ) -> tuple[int, ...]:
        """Draw a query set that shares no sentence with ``support``; see :func:`draw_query`."""
        fresh = np.ones(int(self.texts.max(initial=-1)) + 1, dtype=np.bool_)
        fresh[self.texts[list(support.indices)]] = False
        bearing = self.bearing[fresh[self.texts[self.bearing]]]
        free = self.free[fresh[self.texts[self.free]]]
        size = min(size, len(bearing) + len(free))
        if proportion == "natural":
            drawn = rng.choice(np.concatenate([bearing, free]), size, replace=False, shuffle=False)
            return tuple(np.sort(drawn).tolist())
        share = support.bearing / max(len(support.indices), 1)
        with_mentions = min(max(int(size * share + 0.5), 1), len(bearing), size)
        # Where there are too few mention-free ones, others fill the place.
        with_mentions = max(with_mentions, size - len(free))
        drawn = np.concatenate(
            [
                rng.choice(bearing, with_mentions, replace=False, shuffle=False),
                rng.choice(free, size - with_mentions, replace=False, shuffle=False),
            ]
        )
        return tuple(np.sort(drawn).tolist())


def draw_support(
    mentions: Sequence[Mapping[str, int]],
    shots: int,
    rng: np.random.Generator,
    *,
    types: Sequence[str],
    negatives: float = 1.0,
) -> Support:
    """Draw a support set by the greedy rule of Few-NERD (Ding et al., 2021).

    ``mentions[i]`` maps types to mentions in sentence ``i``. The mention-bearing sentences are
    visited in random order; one is taken when some type it holds is still below ``shots`` and
    no type would pass ``2 * shots``. For a type that is still below ``shots`` the remaining
    sentences that hold it follow, those that push the fewest mentions past ``2 * shots`` first.
    To these come ``negatives`` times as many mention-free sentences. What a corpus cannot give
    is in :attr:`Support.shortfall`.
    """
    return _index(mentions, types).support(shots, rng, negatives=negatives)


def draw_query(
    mentions: Sequence[Mapping[str, int]],
    support: Support,
    query: int,
    rng: np.random.Generator,
    *,
    types: Sequence[str],
    proportion: Proportion = "support",
) -> tuple[int, ...]:
    """Draw ``query`` sentence indices, ascending, disjoint from ``support``.

    ``proportion`` is ``support`` (mention-bearing and mention-free sentences in the proportion
    of the support, at least one mention-bearing) or ``natural`` (uniform over what remains).
    Fewer are given only when fewer remain.
    """
    return _index(mentions, types).query(support, query, rng, proportion=proportion)


def _index(mentions: Sequence[Mapping[str, int]], types: Sequence[str]) -> TaskIndex:
    rows = [[counts.get(name, 0) for name in types] for counts in mentions]
    counts = np.array(rows, dtype=np.int64).reshape(len(rows), len(types))
    return TaskIndex.from_counts(counts, types)


def _first_visit(counts: IntArray, shots: int) -> tuple[list[int], IntArray]:
    """Rows of ``counts`` taken on the first visit, in order, and the mentions they hold.

    Only rows that hold a type still below ``shots`` can be taken, so the visit walks the lists
    of those rows alone, merged by a heap; a type that has enough drops out of the heap.
    """
    have = np.zeros(counts.shape[1], dtype=np.int64)
    taken: list[int] = []
    holders = [np.flatnonzero(counts[:, column]) for column in range(counts.shape[1])]
    heap = [(int(rows[0]), column, 0) for column, rows in enumerate(holders) if len(rows)]
    heapq.heapify(heap)
    visited = -1
    while heap:  # every turn moves one type one row on: at most one turn a nonzero count
        row, column, at = heap[0]
        if have[column] >= shots:
            heapq.heappop(heap)
            continue
        if row != visited:
            visited = row
            after = have + counts[row]
            if after.max() <= 2 * shots:
                taken.append(row)
                have = after
        if at + 1 < len(holders[column]):
            heapq.heapreplace(heap, (int(holders[column][at + 1]), column, at + 1))
        else:
            heapq.heappop(heap)
    return taken, have


def _fill(counts: IntArray, shots: int, taken: list[int], have: IntArray) -> None:
    """Second visit, in place: give the types below ``shots`` what the corpus still holds."""
    for column in range(counts.shape[1]):
        if have[column] >= shots:
            continue
        left = np.setdiff1d(np.flatnonzero(counts[:, column]), taken, assume_unique=True)
        for _ in range(len(left)):
            if have[column] >= shots:
                break
            surplus = np.maximum(have + counts[left] - 2 * shots, 0).sum(axis=1)
            best = int(surplus.argmin())  # the first in visiting order among equals
            taken.append(int(left[best]))
            have += counts[left[best]]
            left = np.delete(left, best)
