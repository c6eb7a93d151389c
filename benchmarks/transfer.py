"""The few-shot table of a sweep: Markdown, CSV and learning curves.

Run as ``python -m benchmarks.transfer SWEEP [--against METHOD] [--output FOLDER]`` on a folder
that ``fewshot-metalstm sweep --output SWEEP`` wrote; it reads the files of the cells and computes
nothing anew. Means over draws have 95% intervals (t distribution); differences from the method
that the others are held against are paired by draw, and its wins are counted.
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
from fewshot_metalstm.sweep.report import Spread
from fewshot_metalstm.sweep.store import FORMAT
from fewshot_metalstm.tagging.model import write_atomically
from fewshot_metalstm.tracking.pictures import shots_curve

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


def read_cells(sweep: Path) -> list[Measured]:
    """The scored cells of a sweep's folder.

    Raises:
        UserError: none there, a file that is no cell, or a method of several checkpoints.
    """
    found = []
    for path in sorted((sweep / "cells").glob("*.json")):
        try:
            stored = json.loads(path.read_text(encoding="utf-8"))
            if stored["format"] != FORMAT:
                raise ValueError
            if stored["result"]["score"] is not None:
                found.append(_measured(stored["settings"], stored["result"]["score"]))
        except (ValueError, LookupError, TypeError):
            raise at(path, None, "is no cell of a sweep of this version", "remove it") from None
    if not found:
        raise UserError(f"{sweep}: holds no scored cell; give the --output of a sweep")
    digests: dict[str, str] = {}
    for cell in found:
        if digests.setdefault(cell.method, cell.checkpoint) != cell.checkpoint:
            raise UserError(
                f"{sweep}: the cells of {cell.method} come from different checkpoints; do them anew"
            )
    return found


def _measured(settings: Mapping[str, Any], score: Mapping[str, Any]) -> Measured:
    return Measured(
        str(settings["target"]), int(settings["shots"]), str(settings["method"]),
        int(settings["draw"]), float(score["f1"]), float(score["precision"]),
        float(score["recall"]), str(settings["checkpoint"].get(WEIGHTS, "")),
    )  # fmt: skip


def in_order(sweep: Path, cells: Sequence[Measured]) -> list[str]:
    """The methods in the order in which the sweep names them; others after them, by name."""
    path = sweep / "config.yaml"
    stored = yaml.safe_load(path.read_text(encoding="utf-8")) if path.is_file() else {}
    named = [str(method).partition("=")[0].strip() for method in stored.get("methods", ())]
    there = {cell.method for cell in cells}
    return [m for m in dict.fromkeys(named) if m in there] + sorted(there - set(named))


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
    lines: Sequence[Line], against: str, digests: Mapping[str, str], synthetic: Sequence[str] = ()
) -> str:
    """The table as a page; ``digests`` are those of the methods' checkpoints."""
    rows = [(
        "target", "shots", "method", "F1", f"less {against}", "wins", "P / R", "draws"
    )]  # fmt: skip
    for line in lines:
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
    told = [f"{method} {digest[:16]}" for method, digest in digests.items() if digest]
    if told:
        page += [f"SHA-256 of the checkpoints' weights (first 16 digits): {', '.join(told)}.", ""]
    return "\n".join(page)


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
            path = folder / f"shots-{target}.png".replace("/", "_")
            title = f"Few-shot F1 on {target}"
            paths.append(shots_curve(points, path, title=title, synthetic=target in synthetic))
    return paths


def main(arguments: Sequence[str]) -> int:
    """Write ``transfer.md``, ``transfer.csv`` and the pictures; the exit code."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.transfer")
    parser.add_argument("sweep", type=Path, help="what `fewshot-metalstm sweep --output` wrote")
    parser.add_argument("--against", help="method to hold the others against (default: the first)")
    parser.add_argument("--output", type=Path, help="where to write (default: SWEEP/transfer)")
    given = parser.parse_args(arguments)
    try:
        cells = read_cells(given.sweep)
        methods = in_order(given.sweep, cells)
        against = given.against or methods[0]
        lines = table(cells, methods, against)
    except UserError as problem:
        print(f"error: {problem}", file=sys.stderr)
        return 2
    report = given.sweep / "report.json"
    synthetic = json.loads(report.read_text())["synthetic"] if report.is_file() else []
    folder = given.output or given.sweep / "transfer"
    by_method = {cell.method: cell.checkpoint for cell in cells}
    page = markdown(lines, against, {m: by_method[m] for m in methods}, synthetic)
    write_atomically(page, folder / "transfer.md")
    write_atomically(as_csv(lines, against), folder / "transfer.csv")
    curves(lines, folder, synthetic)
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
