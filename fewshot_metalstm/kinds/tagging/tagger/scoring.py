"""Strict entity-level scores: a mention counts only with exact bounds and type.

The official figures come from ``seqeval`` (strict mode, IOBES); counting by hand here serves
validation inside a run, and the tests hold the two equal.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from fewshot_metalstm import accuracy
from fewshot_metalstm.figure import Figure
from fewshot_metalstm.kinds.tagging.corpora.sentence import TokenLabels

FIGURE = Figure(
    "f1", "F1", "strict entity F1", "points of 100", further=("precision", "recall"),
    counted="mentions", group="type",
)  # fmt: skip
ACCURACY = Figure(
    "accuracy", "accuracy", "accuracy of labels", "points of 100", counted="tokens", group="label"
)
"""Of tasks in which every token has a label."""
MIXED = Figure(
    "f1", "F1", "strict entity F1, of one label a token accuracy", "points of 100",
    counted="mentions", group="type",
)  # fmt: skip
"""Of tasks of both kinds together; where every token has a label, F1 and accuracy are the same."""


def figure_of(tasks: Iterable[Sequence[str]]) -> Figure:
    """The figure of tasks that are given by their types."""
    labelled = {isinstance(types, TokenLabels) for types in tasks}
    return ACCURACY if labelled == {True} else MIXED if len(labelled) == 2 else FIGURE


@dataclass(frozen=True)
class Score:
    """F1, precision and recall on the 0-100 scale; mentions in the gold annotation."""

    f1: float
    precision: float
    recall: float
    mentions: int
    per_type: dict[str, Score] = field(default_factory=dict)

    @property
    def value(self) -> float:
        """F1, the figure of taggers."""
        return self.f1

    @property
    def further(self) -> Mapping[str, float]:
        """Precision and recall."""
        return {"precision": self.precision, "recall": self.recall}

    @property
    def size(self) -> int:
        """Gold mentions."""
        return self.mentions

    @property
    def groups(self) -> Mapping[str, Score]:
        """The scores of the entity types."""
        return self.per_type


def strict_scores(gold: Sequence[Sequence[str]], predicted: Sequence[Sequence[str]]) -> Score:
    """Micro-averaged strict scores of IOBES tags, by ``seqeval``.

    Raises ``ValueError`` if the sentences differ in number or length.
    """
    from seqeval.metrics import classification_report
    from seqeval.scheme import IOBES

    for i, (g, p) in enumerate(zip(gold, predicted, strict=True)):
        if len(g) != len(p):
            raise ValueError(f"sentence {i}: {len(g)} gold tags, {len(p)} predicted")
    if all(t == "O" for s in (*gold, *predicted) for t in s):
        return Score(0.0, 0.0, 0.0, 0)  # seqeval cannot report on no mention at all
    # Types are numbers to seqeval, which strips hyphens off their names and has rows of its own.
    tags = {t for s in (*gold, *predicted) for t in s if t != "O"}
    types = sorted({tag[2:] for tag in tags})
    number = {name: str(i) for i, name in enumerate(types)}
    neutral = {"O": "O"} | {tag: f"{tag[0]}-{number[tag[2:]]}" for tag in tags}
    report = classification_report(
        [[neutral[t] for t in s] for s in gold], [[neutral[t] for t in s] for s in predicted],
        mode="strict", scheme=IOBES, output_dict=True, zero_division=0,
    )  # fmt: skip
    # A type of illegal tags alone has no row.
    per_type = {name: _score(report[i]) for name, i in number.items() if i in report}
    total = _score(report["micro avg"])
    return Score(total.f1, total.precision, total.recall, total.mentions, per_type)


def scored(
    types: Sequence[str], gold: Sequence[Sequence[str]], predicted: Sequence[Sequence[str]]
) -> Score | accuracy.Score:
    """The score of a task with ``types``: strict F1, or accuracy where every token has a label.

    Raises ``ValueError`` if the sentences differ in number or length.
    """
    if not isinstance(types, TokenLabels):
        return strict_scores(gold, predicted)
    place = {f"S-{name}": at for at, name in enumerate(types)}
    none = len(types)  # what a baseline leaves outside of all labels is wrong
    pairs = [
        (place[g], place.get(p, none))
        for one, other in zip(gold, predicted, strict=True)
        for g, p in zip(one, other, strict=True)
    ]
    both = np.array(pairs, np.int64).reshape(-1, 2)
    return accuracy.compare(both[:, 0], both[:, 1], (*types, ""))


def read_accuracy(stored: Mapping[str, Any]) -> accuracy.Score:
    """The accuracy that a file has as :data:`ACCURACY` names its parts."""
    groups = stored.get(f"per_{ACCURACY.group}", {})
    return accuracy.Score(
        float(stored[ACCURACY.key]), int(stored[ACCURACY.counted]),
        {name: read_accuracy(each) for name, each in groups.items()},
    )  # fmt: skip


def _score(row: dict[str, float]) -> Score:
    return Score(
        100 * float(row["f1-score"]), 100 * float(row["precision"]), 100 * float(row["recall"]),
        int(row["support"]),
    )  # fmt: skip


def mention_counts(
    gold: Sequence[Sequence[int]], predicted: Sequence[Sequence[int]]
) -> tuple[int, int, int]:
    """(right, predicted, gold) mentions of legal IOBES tag indices as the encoder gives them."""
    right = found = wanted = 0
    for g, p in zip(gold, predicted, strict=True):
        a, b = _mentions(g), _mentions(p)
        right += len(a & b)
        found += len(b)
        wanted += len(a)
    return right, found, wanted


def f1(right: float, found: float, wanted: float) -> float:
    """F1 on the 0-100 scale from counts; 0 where nothing was right."""
    return 200.0 * right / (found + wanted) if right else 0.0


def _mentions(tags: Sequence[int]) -> set[tuple[int, int, int]]:
    mentions = set()
    start = 0
    for i, tag in enumerate(tags):
        kind = (tag - 1) % 4 if tag else -1  # B, I, E, S are 0, 1, 2, 3
        if kind in (0, 3):
            start = i
        if kind in (2, 3):
            mentions.add((start, i, (tag - 1) // 4))
    return mentions
