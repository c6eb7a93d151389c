"""Does the order of source heads by loss say which one adapts best? Beside F1 that was measured.

The file of what was measured is a table (CSV) with the columns ``target``, ``source`` (such as
``BC2GM/GENE``) and ``f1``, and a line for each adaptation of the target from that one head; lines
of the same target and source are averaged. With the columns ``shots`` and ``draw`` only the lines
of the map's own support count: another support has other losses. Other columns are passed over.
"""

from __future__ import annotations

import csv
import math
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from fewshot_metalstm.errors import at
from fewshot_metalstm.kinds.tagging.adapt.task_map import Row, TaskMap

COLUMNS = ("target", "source", "f1")
LEAST = 3  # heads of a target: two are always in order, or in reverse


@dataclass(frozen=True)
class Agreement:
    """How well the losses order the heads of one target.

    ``rank_correlation`` is Spearman's between minus the loss and F1: 1 where the head of lower
    loss always adapts better; nan where all losses or all figures are equal. ``p`` is its
    two-sided p-value. ``f1_chosen`` is that of the head with the lowest loss among those measured,
    ``f1_best`` the greatest, ``f1_mean`` what a head at random gives.
    """

    target: str
    heads: int
    rank_correlation: float
    p: float
    chosen: str
    f1_chosen: float
    best: str
    f1_best: float
    f1_mean: float

    def as_dict(self) -> dict[str, Any]:
        """As JSON has it; what cannot be computed is null."""
        return {
            name: None if isinstance(value, float) and math.isnan(value) else value
            for name, value in asdict(self).items()
        }


def read_measured(
    path: Path, shots: int | None = None, draw: int | None = None
) -> tuple[dict[str, dict[str, float]], int]:
    """Mean F1 by target and source, and how many lines are of other supports.

    Args:
        shots: of the map; None takes lines of any. So does ``draw``.

    Raises:
        UserError: the file cannot be read, lacks a column, holds an F1 that is none, or nothing
            of this support.
    """
    support = {"shots": shots, "draw": draw}
    others = 0
    found: dict[str, dict[str, list[float]]] = {}
    try:
        with path.open(encoding="utf-8-sig", newline="") as file:
            reader = csv.DictReader(file)
            if missing := [n for n in COLUMNS if n not in (reader.fieldnames or ())]:
                raise at(path, 1, f"has no column {missing[0]}", f"name {', '.join(COLUMNS)}")
            for row in reader:
                try:
                    value = float(row["f1"])
                    if not 0 <= value <= 100:
                        raise ValueError
                except (TypeError, ValueError):
                    raise at(path, reader.line_num, f"{row['f1']!r} is no F1",
                             "give a number from 0 to 100") from None  # fmt: skip
                if any(
                    value is not None and not _says(row.get(name), value)
                    for name, value in support.items()
                ):
                    others += 1
                    continue
                found.setdefault(row["target"], {}).setdefault(row["source"], []).append(value)
    except csv.Error as problem:
        raise at(path, None, f"is no table ({problem})", "write it as CSV") from None
    except UnicodeDecodeError:
        raise at(path, None, "is not UTF-8", "save it as UTF-8") from None
    except OSError as error:
        raise at(
            path, None, "cannot be read", (error.strerror or "check the path").lower()
        ) from error
    if not found and others:
        raise at(path, None, f"holds no measurement of {shots} shots, draw {draw}",
                 "see --shots and --draw")  # fmt: skip
    if not found:
        raise at(path, None, "holds no measurement", "give a line for each adaptation")
    means = {
        target: {source: sum(values) / len(values) for source, values in own.items()}
        for target, own in found.items()
    }
    return means, others


def _says(text: str | None, wanted: int) -> bool:
    """Whether a cell is that number, however it is written, or empty."""
    try:
        return not text or float(text) == wanted
    except ValueError:
        return False


def agreements(
    made: TaskMap, measured: Mapping[str, Mapping[str, float]], path: Path
) -> tuple[Agreement, ...]:
    """How well the map's losses order the heads of each target that was measured.

    Args:
        path: of the file, for messages.

    Raises:
        UserError: a target or source that the map lacks, a target of several types, or too few
            heads to order.
    """
    names = {source.name: place for place, source in enumerate(made.sources)}
    rows: dict[str, list[Row]] = {}
    for row in made.rows:
        rows.setdefault(row.target, []).append(row)
    found = []
    for target, values in measured.items():
        if target not in rows:
            there = ", ".join(rows)
            raise at(path, None, f"the map has no target {target}", f"it has {there}; see --target")
        if len(rows[target]) > 1:
            raise at(path, None, f"{target} has several types, and an F1 of all of them",
                     "measure a target of one type")  # fmt: skip
        if unknown := [source for source in values if source not in names]:
            raise at(path, None, f"the checkpoint has no source head {unknown[0]}",
                     "take names as losses.csv has them")  # fmt: skip
        if len(values) < LEAST:
            raise at(path, None, f"{target}: {len(values)} heads have no order to speak of",
                     f"measure at least {LEAST}")  # fmt: skip
        losses = {source: rows[target][0].losses[names[source]] for source in values}
        found.append(_agreement(target, losses, values))
    return tuple(found)


def _agreement(target: str, losses: Mapping[str, float], values: Mapping[str, float]) -> Agreement:
    sources = list(losses)
    chosen, best = min(sources, key=losses.__getitem__), max(sources, key=values.__getitem__)
    rho, p = spearman([-losses[s] for s in sources], [values[s] for s in sources])
    return Agreement(
        target, len(sources), rho, p, chosen, values[chosen], best, values[best],
        sum(values.values()) / len(values),
    )  # fmt: skip


def spearman(first: Sequence[float], second: Sequence[float]) -> tuple[float, float]:
    """Spearman's rank correlation and its p-value; nan twice where one of them is constant."""
    if len(set(first)) == 1 or len(set(second)) == 1:
        return math.nan, math.nan
    from scipy.stats import spearmanr

    result = spearmanr(first, second)
    return float(result.statistic), float(result.pvalue)
