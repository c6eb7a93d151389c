"""The few-shot table of a sweep: Markdown, CSV and learning curves.

Run as ``python -m benchmarks.transfer SWEEP... [--against METHOD] [--output FOLDER]`` on folders
that ``fewshot-metalstm sweep --output SWEEP`` wrote; it reads the files of the cells and computes
nothing anew. Several sweeps make one table: where each leaves other families out, a method has a
checkpoint for each of them. Means over draws have 95% intervals (t distribution); differences from
the method that the others are held against are paired by draw, and its wins are counted. The mean
over all targets is taken draw by draw, so that its interval is one over draws as well.
"""

from __future__ import annotations

import argparse
import csv
import io
import json
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from fewshot_metalstm.errors import UserError, at
from fewshot_metalstm.figure import Spread
from fewshot_metalstm.sweep.store import FORMAT
from fewshot_metalstm.tracking.pictures import shots_curve
from fewshot_metalstm.writing import write_text

WEIGHTS = "model.safetensors"  # whose digest names a checkpoint


@dataclass(frozen=True)
class Measured:
    """A finished cell of a sweep; scores are 0-100, ``checkpoint`` is a digest or empty."""

    target: str
    shots: int
    method: str
    draw: int
    f1: float
    precision: float
    recall: float
    checkpoint: str


@dataclass(frozen=True)
class Line:
    """A method at a target and shots; ``difference`` is it less the method it is held against.

    ``wins`` counts the draws in which it is strictly better, of the ``paired`` that both have.
    """

    target: str
    shots: int
    method: str
    f1: Spread
    precision: float
    recall: float
    draws: Mapping[int, float]
    difference: Spread | None
    wins: int
    paired: int


def read_cells(sweeps: Sequence[Path]) -> list[Measured]:
    """The scored cells of some sweeps' folders.

    Raises:
        UserError: none in one of them, a file that is no cell, a cell that is in two of them, or
            a method of several checkpoints at one target.
    """
    found: dict[tuple[str, int, str, int], Measured] = {}
    digests: dict[tuple[str, str], str] = {}
    for sweep in sweeps:
        own = [cell for path in sorted((sweep / "cells").glob("*.json")) for cell in _read(path)]
        if not own:
            raise UserError(f"{sweep}: holds no scored cell; give the --output of a sweep")
        for cell in own:
            key = (cell.target, cell.shots, cell.method, cell.draw)
            if key in found:
                told = f"{cell.target}, {cell.shots} shots, {cell.method}, draw {cell.draw}"
                raise UserError(f"{sweep}: holds {told}, as another sweep does; name one of them")
            found[key] = cell
            place = (cell.target, cell.method)
            if digests.setdefault(place, cell.checkpoint) != cell.checkpoint:
                raise UserError(
                    f"{sweep}: the cells of {cell.method} at {cell.target} come from different "
                    "checkpoints; do them anew"
                )
    return list(found.values())


def _read(path: Path) -> list[Measured]:
    """The cell in a file, unless it is not scored."""
    try:
        stored = json.loads(path.read_text(encoding="utf-8"))
        if stored["format"] != FORMAT:
            raise ValueError
        score = stored["result"]["score"]
        return [] if score is None else [_measured(stored["settings"], score)]
    except (ValueError, LookupError, TypeError):
        raise at(path, None, "is no cell of a sweep of this version", "remove it") from None


def _measured(settings: Mapping[str, Any], score: Mapping[str, Any]) -> Measured:
    return Measured(
        str(settings["target"]), int(settings["shots"]), str(settings["method"]),
        int(settings["draw"]), float(score["f1"]), float(score["precision"]),
        float(score["recall"]), str(settings["checkpoint"].get(WEIGHTS, "")),
    )  # fmt: skip


def in_order(sweeps: Sequence[Path], cells: Sequence[Measured]) -> list[str]:
    """The methods in the order in which the sweeps name them; others after them, by name."""
    named: list[str] = []
    for path in (sweep / "config.yaml" for sweep in sweeps):
        stored = yaml.safe_load(path.read_text(encoding="utf-8")) if path.is_file() else {}
        named += [str(method).partition("=")[0].strip() for method in stored.get("methods", ())]
    there = {cell.method for cell in cells}
    return [m for m in dict.fromkeys(named) if m in there] + sorted(there - set(named))


def means(cells: Sequence[Measured]) -> list[Measured]:
    """The mean over all targets, by shots, method and draw, where every target has that cell."""
    groups: dict[tuple[int, str, int], list[Measured]] = {}
    for cell in cells:
        groups.setdefault((cell.shots, cell.method, cell.draw), []).append(cell)
    targets = {cell.target for cell in cells}
    n = len(targets)
    return [
        Measured(
            f"mean of {n}", shots, method, draw, sum(cell.f1 for cell in own) / n,
            sum(cell.precision for cell in own) / n, sum(cell.recall for cell in own) / n, "",
        )
        for (shots, method, draw), own in groups.items() if n > 1 and len(own) == n
    ]  # fmt: skip


def digests_of(cells: Sequence[Measured], methods: Sequence[str]) -> dict[str, list[str]]:
    """The digests of the checkpoints of each method, in order."""
    return {
        method: sorted({c.checkpoint for c in cells if c.method == method and c.checkpoint})
        for method in methods
    }


def table(cells: Sequence[Measured], methods: Sequence[str], against: str) -> list[Line]:
    """A line for each target, shots and method, in this order.

    Raises:
        UserError: ``against`` is none of the methods.
    """
    if against not in methods:
        raise UserError(f"--against {against}: no such method here; use {', '.join(methods)}")
    groups: dict[tuple[str, int, str], dict[int, Measured]] = {}
    for cell in cells:
        groups.setdefault((cell.target, cell.shots, cell.method), {})[cell.draw] = cell
    lines = []
    for target, shots in sorted({key[:2] for key in groups}):
        base = groups.get((target, shots, against), {})
        for method in methods:
            own = groups.get((target, shots, method))
            if own is None:
                continue
            draws = {draw: own[draw].f1 for draw in sorted(own)}
            pairs = [f1 - base[draw].f1 for draw, f1 in draws.items() if draw in base]
            if method == against:
                pairs = []
            lines.append(Line(
                target, shots, method, Spread.of(list(draws.values())),
                sum(cell.precision for cell in own.values()) / len(own),
                sum(cell.recall for cell in own.values()) / len(own), draws,
                Spread.of(pairs) if pairs else None, sum(d > 0 for d in pairs), len(pairs),
            ))  # fmt: skip
    return lines


def markdown(
    lines: Sequence[Line], against: str, digests: Mapping[str, Sequence[str]],
    synthetic: Sequence[str] = (), overall: Sequence[Line] = (),
) -> str:  # fmt: skip
    """The table as a page; ``digests`` are those of the methods' checkpoints.

    ``overall`` are the lines of the mean over all targets, which end the table.
    """
    rows = [(
        "target", "shots", "method", "F1", f"less {against}", "wins", "P / R", "draws"
    )]  # fmt: skip
    for line in (*lines, *overall):
        world = " (synthetic)" if line.target in synthetic else ""
        rows.append((
            f"{line.target}{world}", str(line.shots or "all"), line.method, line.f1.text(),
            line.difference.text("+") if line.difference else "",
            f"{line.wins} of {line.paired}" if line.paired else "",
            f"{line.precision:.1f} / {line.recall:.1f}",
            ", ".join(f"{f1:.1f}" for f1 in line.draws.values()),
        ))  # fmt: skip
    page = [
        "Strict entity-level F1 on whole test splits, 0-100: mean over draws with its 95% "
        f"interval; differences from {against} paired by draw, wins counted over draws.",
        "", *_rows(rows), "",
    ]  # fmt: skip
    totals = [("method", "higher mean", "draws won")]
    for method in dict.fromkeys(line.method for line in lines):
        own = [line for line in lines if line.method == method and line.difference is not None]
        if own:
            higher = sum(line.difference.mean > 0 for line in own if line.difference)
            won, paired = sum(line.wins for line in own), sum(line.paired for line in own)
            totals.append((method, f"{higher} of {len(own)}", f"{won} of {paired}"))
    if len(totals) > 1:
        page += [f"Against {against}, over all targets and shots:", "", *_rows(totals), ""]
    told = [
        f"{method} {' and '.join(digest[:16] for digest in own)}"
        for method, own in digests.items() if own
    ]  # fmt: skip
    if told:
        page += [f"SHA-256 of the checkpoints' weights (first 16 digits): {', '.join(told)}.", ""]
    return "\n".join(page)


def wide(
    lines: Sequence[Line], against: str, methods: Sequence[str], synthetic: Sequence[str] = ()
) -> str:
    """The table with a column a method, and what the first has more than ``against``."""
    first = methods[0]
    tail = [f"{first} less {against}"] if first != against else []
    rows: list[list[str]] = [["target", "shots", *methods, *tail]]
    groups: dict[tuple[str, int], dict[str, Line]] = {}
    for line in lines:
        groups.setdefault((line.target, line.shots), {})[line.method] = line
    for (target, shots), own in groups.items():
        world = " (synthetic)" if target in synthetic else ""
        texts = [own[m].f1.text(digits=1) if m in own else "" for m in methods]
        difference = own[first].difference if first in own else None
        more = [difference.text("+", digits=1) if difference else ""] if tail else []
        rows.append([f"{target}{world}", str(shots or "all"), *texts, *more])
    return "\n".join([*_rows(rows), ""])


def as_csv(lines: Sequence[Line], against: str) -> str:
    """The table for a machine: a row a line, empty where there is no figure."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow((
        "target", "shots", "method", "draws", "f1", "f1_ci95", "precision", "recall", "against",
        "difference", "difference_ci95", "wins", "paired", "f1_of_draws",
    ))  # fmt: skip
    for line in lines:
        other = line.difference
        writer.writerow((
            line.target, line.shots, line.method, len(line.draws), *_pair(line.f1),
            f"{line.precision:.4f}", f"{line.recall:.4f}", against if other else "", *_pair(other),
            line.wins if other else "", line.paired if other else "",
            " ".join(f"{draw}:{f1:.4f}" for draw, f1 in line.draws.items()),
        ))  # fmt: skip
    return text.getvalue()


def curves(lines: Sequence[Line], folder: Path, synthetic: Sequence[str] = ()) -> list[Path]:
    """F1 against shots, a picture a target. The whole train split is no number of shots."""
    paths = []
    for target in dict.fromkeys(line.target for line in lines):
        points: dict[str, list[tuple[int, float, float | None]]] = {}
        for line in lines:
            if line.target == target and line.shots:
                points.setdefault(line.method, []).append((line.shots, line.f1.mean, line.f1.half))
        if points:
            path = folder / f"shots-{target}.png".replace("/", "_").replace(" ", "-")
            title = f"Few-shot F1 on {target}"
            paths.append(shots_curve(points, path, title=title, synthetic=target in synthetic))
    return paths


def main(arguments: Sequence[str]) -> int:
    """Write ``transfer.md``, ``wide.md``, ``transfer.csv`` and the pictures; the exit code."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.transfer")
    parser.add_argument(
        "sweep", type=Path, nargs="+", help="what `fewshot-metalstm sweep --output` wrote"
    )
    parser.add_argument("--against", help="method to hold the others against (default: the first)")
    parser.add_argument("--output", type=Path, help="where to write (default: SWEEP/transfer)")
    given = parser.parse_args(arguments)
    try:
        cells = read_cells(given.sweep)
        methods = in_order(given.sweep, cells)
        against = given.against or methods[0]
        lines = table(cells, methods, against)
        overall = table(means(cells), methods, against)
    except UserError as problem:
        print(f"error: {problem}", file=sys.stderr)
        return 2
    reports = [sweep / "report.json" for sweep in given.sweep]
    synthetic = [
        name for report in reports if report.is_file()
        for name in json.loads(report.read_text(encoding="utf-8"))["synthetic"]
    ]  # fmt: skip
    folder = given.output or given.sweep[0] / "transfer"
    page = markdown(lines, against, digests_of(cells, methods), synthetic, overall)
    write_text(page, folder / "transfer.md")
    write_text(wide([*lines, *overall], against, methods, synthetic), folder / "wide.md")
    write_text(as_csv([*lines, *overall], against), folder / "transfer.csv")
    curves([*lines, *overall], folder, synthetic)
    print(page)
    return 0


def _rows(rows: Sequence[Sequence[str]]) -> list[str]:
    """A table in Markdown; the first row is its head."""
    body = [f"| {' | '.join(row)} |" for row in rows]
    return [body[0], "|---" * len(rows[0]) + "|", *body[1:]]


def _pair(spread: Spread | None) -> tuple[str, str]:
    if spread is None:
        return "", ""
    return f"{spread.mean:.4f}", "" if spread.half is None else f"{spread.half:.4f}"


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
