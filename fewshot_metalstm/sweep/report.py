"""The table of a sweep: means over draws with 95% intervals, differences paired by draw."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

from fewshot_metalstm.adapt.cell import CellResult
from fewshot_metalstm.figure import Figure, Spread
from fewshot_metalstm.jobs.outcome import Failure
from fewshot_metalstm.printable import in_markdown
from fewshot_metalstm.sweep.grid import Key


@dataclass(frozen=True)
class Row:
    """One method at one target and shots.

    ``value`` is the figure's mean, None where nothing is scored; ``further`` are the means of the
    figures beside it; ``difference`` is the sweep's first method minus this one, over the
    ``paired`` draws that both have.
    """

    target: str
    shots: int
    method: str
    draws: Mapping[int, CellResult]
    missing: int
    value: Spread | None
    further: Mapping[str, float]
    difference: Spread | None
    paired: int
    figure: Figure

    def as_dict(self) -> dict[str, Any]:
        """As ``--json`` prints it."""
        return {
            "target": self.target, "shots": self.shots, "method": self.method,
            "draws": {
                str(draw): None if r.score is None else round(r.score.value, self.figure.digits)
                for draw, r in sorted(self.draws.items())
            },
            "missing": self.missing,
            **self.figure.as_dict(),
            "mean": self.value and round(self.value.mean, self.figure.digits),
            self.figure.key: self.value and self.value.as_dict(),
            **{
                key: _rounded(self.further.get(key), self.figure.digits)
                for key in self.figure.further
            },
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
    figure: Figure
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
            **self.figure.as_dict(),
            "rows": [row.as_dict() for row in self.rows],
            "synthetic": list(self.synthetic),
            "notes": list(self.notes),
            "seconds": round(self.seconds, 2),
        }  # fmt: skip

    def table(self) -> tuple[tuple[str, ...], list[tuple[str, ...]]]:
        """Head and rows of the table, as text."""
        return table_of(self.rows, self.first, self.synthetic, self.figure)

    def markdown(self) -> str:
        """The report as a page of Markdown."""
        head, body = self.table()
        lines = ["# Sweep", "", f"Checkpoint `{self.checkpoint}`. {self.figure.title} on whole "
                 f"test splits, in {self.figure.unit} ({self.figure.better} is better); means over "
                 "draws with 95% intervals.", ""]  # fmt: skip
        lines += [f"| {' | '.join(head)} |", "|---" * len(head) + "|"]
        lines += [f"| {' | '.join(map(in_markdown, row))} |" for row in body]
        lines += ["", *(f"- {in_markdown(note)}" for note in self.notes)]
        lines += [
            f"- failed: {in_markdown(f'{key}: {failure.reason}')}" for key, failure in self.failed
        ]
        return "\n".join(lines).rstrip() + "\n"


Curves = dict[str, list[tuple[int, float, float | None]]]  # by method: shots, mean, half width


def shots_curves(rows: Sequence[Row]) -> dict[str, Curves]:
    """The figure against shots of every target with a score; whole splits have no place there."""
    found: dict[str, Curves] = {}
    for row in rows:
        if row.value is not None and row.shots:
            point = (row.shots, row.value.mean, row.value.half)
            found.setdefault(row.target, {}).setdefault(row.method, []).append(point)
    return found


def table_of(
    rows: Sequence[Row], first: str, synthetic: Sequence[str], figure: Figure
) -> tuple[tuple[str, ...], list[tuple[str, ...]]]:
    """Head and rows of a table, as text; ``first`` is the method that others are compared with."""
    head = ("target", "shots", "method", "draws", figure.label, *figure.further,
            f"{first} minus it, paired")  # fmt: skip
    body: list[tuple[str, ...]] = []
    for row in rows:
        world = " (synthetic)" if row.target in synthetic else ""
        total = len(row.draws) + row.missing
        draws = str(total) if not row.missing else f"{len(row.draws)} of {total}"
        body.append((
            f"{row.target}{world}", str(row.shots or "all"), row.method, draws,
            row.value.text() if row.value else "-",
            *(
                figure.shown(row.further[key]) if key in row.further else "-"
                for key in figure.further
            ),
            row.difference.text("+") if row.difference else "",
        ))  # fmt: skip
    return head, body


def rows_of(
    keys: Sequence[Key], results: Mapping[Key, CellResult], figure: Figure
) -> tuple[Row, ...]:
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
            other.value - score.value for draw, score in sorted(scores.items())
            if method != first and (other := before.get(draw)) is not None
        ]  # fmt: skip
        n = len(scores)
        rows.append(Row(
            target, shots, method, found, len(cells) - len(found),
            Spread.of([s.value for s in scores.values()], figure.digits) if n else None,
            {
                key: sum(s.further[key] for s in scores.values()) / n
                for key in figure.further if n
            },
            Spread.of(pairs, figure.digits) if pairs else None, len(pairs), figure,
        ))  # fmt: skip
    return tuple(rows)


def _rounded(value: float | None, digits: int) -> float | None:
    return None if value is None else round(value, digits)
