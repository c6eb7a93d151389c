"""Strict entity-level scores: a mention counts only with exact bounds and type.

The official figures come from ``seqeval`` (strict mode, IOBES); counting by hand here serves
validation inside a run, and the tests hold the two equal.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field


@dataclass(frozen=True)
class Score:
    """F1, precision and recall on the 0-100 scale; mentions in the gold annotation."""

    f1: float
    precision: float
    recall: float
    mentions: int
    per_type: dict[str, Score] = field(default_factory=dict)


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
    report = classification_report(
        [list(s) for s in gold], [list(s) for s in predicted],
        mode="strict", scheme=IOBES, output_dict=True, zero_division=0,
    )  # fmt: skip
    per_type = {
        name: _score(row)
        for name, row in report.items()
        if name not in ("micro avg", "macro avg", "weighted avg")
    }
    total = _score(report["micro avg"])
    return Score(total.f1, total.precision, total.recall, total.mentions, per_type)


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


def interval(values: Sequence[float]) -> tuple[float, float]:
    """Mean and half width of its 95% interval (t distribution); NaN width for a single value."""
    n = len(values)
    mean = sum(values) / n
    if n < 2:
        return mean, math.nan
    from scipy.stats import t

    spread = math.sqrt(sum((v - mean) ** 2 for v in values) / (n - 1))
    return mean, float(t.ppf(0.975, n - 1)) * spread / math.sqrt(n)
