"""The table of a sweep: means over draws with 95% intervals, differences paired by draw."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

from fewshot_metalstm.adapt.cell import CellResult
from fewshot_metalstm.jobs.outcome import Failure
from fewshot_metalstm.kinds.tagging.tagger.scoring import interval
from fewshot_metalstm.sweep.grid import Key


@dataclass(frozen=True)
class Spread:
    """A mean and the half width of its 95% interval, None for a single value."""

    mean: float
    half: float | None

    @classmethod
    def of(cls, values: Sequence[float]) -> Spread:
        """Of at least one value."""
        mean, half = interval(values)
        return cls(mean, None if math.isnan(half) else half)

    def text(self, sign: str = "", digits: int = 2) -> str:
        """Such as ``53.02 ± 9.91``."""
        half = "" if self.half is None else f" ± {self.half:.{digits}f}"
        return f"{self.mean:{sign}.{digits}f}{half}"

    def as_dict(self) -> dict[str, float | None]:
        """As ``--json`` prints it."""
        half = None if self.half is None else round(self.half, 2)
        return {"mean": round(self.mean, 2), "ci95": half}


@dataclass(frozen=True)
class Row:
    """One method at one target and shots.

    ``f1`` is None where nothing is scored; ``difference`` is the sweep's first method less this
    one, over the ``paired`` draws that both have.
    """

    target: str
    shots: int
    method: str
    draws: Mapping[int, CellResult]
    missing: int
    f1: Spread | None
    precision: float | None
    recall: float | None
    difference: Spread | None
    paired: int

    def as_dict(self) -> dict[str, Any]:
        """As ``--json`` prints it."""
        return {
            "target": self.target, "shots": self.shots, "method": self.method,
            "draws": {
                str(draw): None if r.score is None else round(r.score.f1, 2)
                for draw, r in sorted(self.draws.items())
            },
            "missing": self.missing,
            "f1": self.f1 and self.f1.as_dict(),
            "precision": _rounded(self.precision), "recall": _rounded(self.recall),
            "difference": self.difference and {**self.difference.as_dict(), "draws": self.paired},
        }  # fmt: skip


@dataclass(frozen=True)
class SweepReport:
    """All that a sweep found; ``failed`` are the cells without a result and why."""

    rows: tuple[Row, ...]
    first: str  # the method that the others are compared with
    cells: int
    reused: int
    failed: tuple[tuple[Key, Failure], ...]
    checkpoint: str
    synthetic: tuple[str, ...]
    notes: tuple[str, ...]
    seconds: float
    checkpoints: Mapping[str, str] = field(default_factory=dict)  # by method

    def as_dict(self) -> dict[str, Any]:
        """As ``--json`` prints it."""
        return {
            "checkpoint": self.checkpoint,
            "checkpoints": dict(self.checkpoints),
            "cells": self.cells,
            "reused": self.reused,
            "failed": [
                {**asdict(key), "reason": f.reason, "attempts": f.attempts}
                for key, f in self.failed
            ],
            "rows": [row.as_dict() for row in self.rows],
            "synthetic": list(self.synthetic),
            "notes": list(self.notes),
            "seconds": round(self.seconds, 2),
        }  # fmt: skip

    def table(self) -> tuple[tuple[str, ...], list[tuple[str, ...]]]:
        """Head and rows of the table, as text."""
        return table_of(self.rows, self.first, self.synthetic)

    def markdown(self) -> str:
        """The report as a page of Markdown."""
        head, body = self.table()
        lines = ["# Sweep", "", f"Checkpoint `{self.checkpoint}`. Strict entity-level scores on "
                 "whole test splits, 0-100; means over draws with 95% intervals.", ""]  # fmt: skip
        lines += [f"| {' | '.join(head)} |", "|---" * len(head) + "|"]
        lines += [f"| {' | '.join(row)} |" for row in body]
        lines += ["", *(f"- {note}" for note in self.notes)]
        lines += [f"- failed: {key}: {failure.reason}" for key, failure in self.failed]
        return "\n".join(lines).rstrip() + "\n"


Curves = dict[str, list[tuple[int, float, float | None]]]  # by method: shots, mean F1, half width


def shots_curves(rows: Sequence[Row]) -> dict[str, Curves]:
    """F1 against shots of every target that has a score; a whole split has no place there."""
    found: dict[str, Curves] = {}
    for row in rows:
        if row.f1 is not None and row.shots:
            point = (row.shots, row.f1.mean, row.f1.half)
            found.setdefault(row.target, {}).setdefault(row.method, []).append(point)
    return found


def table_of(
    rows: Sequence[Row], first: str, synthetic: Sequence[str]
) -> tuple[tuple[str, ...], list[tuple[str, ...]]]:
    """Head and rows of a table, as text; ``first`` is the method that others are held against."""
    head = ("target", "shots", "method", "draws", "F1", "precision", "recall",
            f"{first} less it, paired")  # fmt: skip
    body: list[tuple[str, ...]] = []
    for row in rows:
        world = " (synthetic)" if row.target in synthetic else ""
        total = len(row.draws) + row.missing
        draws = str(total) if not row.missing else f"{len(row.draws)} of {total}"
        body.append((
            f"{row.target}{world}", str(row.shots or "all"), row.method, draws,
            row.f1.text() if row.f1 else "-",
            f"{row.precision:.2f}" if row.precision is not None else "-",
            f"{row.recall:.2f}" if row.recall is not None else "-",
            row.difference.text("+") if row.difference else "",
        ))  # fmt: skip
    return head, body


def rows_of(keys: Sequence[Key], results: Mapping[Key, CellResult]) -> tuple[Row, ...]:
    """Rows in the order of the grid, a row for each target, shots and method."""
    groups: dict[tuple[str, int, str], list[Key]] = {}
    for key in keys:
        groups.setdefault((key.target, key.shots, key.method), []).append(key)
    first = keys[0].method
    rows = []
    for (target, shots, method), cells in groups.items():
        found = {key.draw: results[key] for key in cells if key in results}
        scores = {draw: r.score for draw, r in found.items() if r.score is not None}
        before = {
            key.draw: results[key].score
            for key in groups.get((target, shots, first), ()) if key in results
        }  # fmt: skip
        pairs = [
            other.f1 - score.f1 for draw, score in sorted(scores.items())
            if method != first and (other := before.get(draw)) is not None
        ]  # fmt: skip
        n = len(scores)
        rows.append(Row(
            target, shots, method, found, len(cells) - len(found),
            Spread.of([s.f1 for s in scores.values()]) if n else None,
            sum(s.precision for s in scores.values()) / n if n else None,
            sum(s.recall for s in scores.values()) / n if n else None,
            Spread.of(pairs) if pairs else None, len(pairs),
        ))  # fmt: skip
    return tuple(rows)


def _rounded(value: float | None) -> float | None:
    return None if value is None else round(value, 2)
