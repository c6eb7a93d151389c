"""What is kept of a study's runs, a line of CSV each, and what its tables and pictures share."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from benchmarks.timing import machine
from fewshot_metalstm.writing import beside, write_text

if TYPE_CHECKING:
    from matplotlib.figure import Figure

RESULTS = Path(__file__).parents[1] / "results" / "studies"
Lines = Mapping[str, Mapping[str, str]]  # by the digests of their runs


def done(name: str, folder: Path = RESULTS) -> dict[str, dict[str, str]]:
    """The lines of a study's CSV by the digests of their runs."""
    path = folder / f"{name}.csv"
    if not path.is_file():
        return {}
    with path.open(encoding="utf-8", newline="") as file:
        return {line["digest"]: line for line in csv.DictReader(file)}


def keep(
    name: str, line: Mapping[str, object], fields: Sequence[str], order: Iterable[str], folder: Path
) -> None:
    """Add a run's line to a study's CSV, or put it in its place; the machine is added to it.

    Args:
        line: with the run's ``digest``.
        order: the digests of all runs that are declared. A line of none of them goes.
    """
    here = machine("torch")
    made = {**line, "cpu": here["cpu"], "torch": here["versions"]["torch"]}
    lines: dict[str, Mapping[str, object]] = {**done(name, folder), str(line["digest"]): made}
    text = io.StringIO()
    writer = csv.DictWriter(text, fields, restval="", lineterminator="\n")
    writer.writeheader()
    writer.writerows(lines[digest] for digest in order if digest in lines)
    write_text(text.getvalue(), folder / f"{name}.csv")


def machines(known: Lines) -> str:
    """Where runs were done, as a table's foot has it."""
    there = sorted({f"{line['cpu']}, torch {line['torch']}" for line in known.values()})
    return "; ".join(there) or "none yet"


def grid(head: Sequence[str], body: Iterable[Sequence[str]]) -> list[str]:
    """The lines of a table in Markdown."""
    return [f"| {' | '.join(row)} |" for row in (head, ["---"] * len(head), *body)]


def save(figure: Figure, path: Path) -> None:
    """Write a picture, whole or not at all; the same figure gives the same bytes."""
    with beside(path) as part, part.open("wb") as file:
        figure.savefig(file, format="png", dpi=110, metadata={"Software": None})
