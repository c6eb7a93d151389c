"""Results of a few-shot study: a CSV with a line a run, and the table and picture made of it."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from benchmarks.studies import kept
from benchmarks.studies.few_shot import FewShotStudy, Fold, Row, Run
from fewshot_metalstm.errors import UserError, at
from fewshot_metalstm.figure import Spread
from fewshot_metalstm.sweep.grid import numbers
from fewshot_metalstm.writing import write_text

FIELDS = ("fold", "row", "seed", "digest", "values", "seconds", "failed", "cpu", "torch")
Values = dict[int, dict[str, dict[int, float]]]  # by shots, target and draw


def result_of(study: FewShotStudy, run: Run, sweep: Path) -> dict[str, Any]:
    """What the cells of a run's sweep came to: figures, and the mean seconds of a cell.

    Raises:
        UserError: a cell is missing, or damaged.
    """
    found: Values = {}
    seconds = []
    for path in sorted((sweep / "cells").glob("*.json")):
        try:
            stored = json.loads(path.read_text(encoding="utf-8"))
            settings, result = stored["settings"], stored["result"]
            value = float(result["score"][study.figure])
            by_target = found.setdefault(int(settings["shots"]), {})
            by_target.setdefault(str(settings["target"]), {})[int(settings["draw"])] = value
            seconds.append(float(result["seconds"]))
        except (ValueError, LookupError, TypeError):
            raise at(path, None, f"is no cell with a {study.figure}", "remove it") from None
    wanted = len(run.row.shots) * len(run.fold.targets) * len(numbers(run.draws, "draws"))
    if len(seconds) != wanted:
        raise UserError(f"{sweep} has {len(seconds)} cells of {wanted}; run the study again")
    return {"values": found, "seconds": sum(seconds) / len(seconds)}


def add(study: FewShotStudy, run: Run, result: Mapping[str, Any], folder: Path) -> None:
    """Add a run's result to the CSV, or put it in its place; ``failed`` says why there is none."""
    line = {
        "fold": run.fold.name, "row": run.row.name, "seed": run.seed, "digest": run.digest,
        "failed": result.get("failed", ""),
    }  # fmt: skip
    if "failed" not in result:
        line["values"] = json.dumps(result["values"], sort_keys=True)
        line["seconds"] = f"{result['seconds']:.3f}"
    kept.keep(study.name, line, FIELDS, [each.digest for each in study.runs], folder)


def values_of(
    study: FewShotStudy, known: Mapping[str, Mapping[str, str]]
) -> dict[str, list[Values]]:
    """The figures of the runs that are done, by ``fold row``: a seed after the other."""
    found: dict[str, list[Values]] = {}
    for run in study.runs:
        text = known.get(run.digest, {}).get("values")
        if text:
            of_seeds = found.setdefault(f"{run.fold.name} {run.row.name}", [])
            of_seeds.append({
                int(shots): {
                    target: {int(draw): float(value) for draw, value in draws.items()}
                    for target, draws in targets.items()
                }
                for shots, targets in json.loads(text).items()
            })  # fmt: skip
    return found


def by_draw(values: Sequence[Values], shots: int) -> dict[int, float]:
    """The mean over targets and seeds, draw by draw; a draw that a target has not is left out.

    Args:
        values: of one row on some folds, with some seeds.
    """
    targets = [draws for each in values for draws in each.get(shots, {}).values()]
    if not targets:
        return {}
    every = set.intersection(*(set(draws) for draws in targets))
    return {d: sum(draws[d] for draws in targets) / len(targets) for d in sorted(every)}


def markdown(study: FewShotStudy, folder: Path) -> str:
    """The tables: of every fold, and of all that are held out of a suite together."""
    known = kept.done(study.name, folder)
    found = values_of(study, known)
    parts = [f"# {study.title}", study.about, f"    make study NAME={study.name}"]
    own = [fold for fold in study.folds if fold.own]
    groups: list[tuple[str, list[Fold]]] = [(fold.name, [fold]) for fold in study.folds]
    if len(own) > 1:
        groups.insert(0, (f"all {len(own)} folds", own))
    for title, folds in groups:
        targets = ", ".join(target for fold in folds for target in fold.targets)
        if rows := _table(study, folds, found):
            parts.append(f"## {title[:1].upper()}{title[1:]}: {targets}")
            parts.append("\n".join(rows))
    left = [run.called for run in study.runs if run.digest not in known]
    failed = [f"- {run.called}: {known[run.digest]['failed']}" for run in study.runs
              if known.get(run.digest, {}).get("failed")]  # fmt: skip
    better = "less" if study.lower else "more"
    seeds = ", seeds of meta-training" if any(run.seed for run in study.runs) else ""
    parts.append(
        f"{len(study.runs) - len(left)} of {len(study.runs)} runs. {study.figure}, of which "
        f"{better} is better: means over targets{seeds} and draws of the support, with 95% "
        "intervals over the draws (t distribution); in brackets the difference from "
        f"{study.against}, paired by draw. Machine: {kept.machines(known)}."
    )
    parts.append(f"Not run: {', '.join(left)}." if left else "")
    parts.append("\n".join(failed))
    return "\n\n".join(part for part in parts if part) + "\n"


def write(study: FewShotStudy, folder: Path) -> None:
    """Write the table and, where there is something to show, the picture."""
    write_text(markdown(study, folder), folder / f"{study.name}.md")
    found = values_of(study, kept.done(study.name, folder))
    if found:
        picture(study, found, folder / f"{study.name}.png")


def _of(row: Row, folds: Sequence[Fold], found: Mapping[str, list[Values]]) -> list[Values] | None:
    """A row's figures on some folds, of seeds that are done; None unless every fold is there."""
    keys = [f"{fold.name} {row.name}" for fold in folds]
    return [v for key in keys for v in found[key]] if all(key in found for key in keys) else None


def _table(
    study: FewShotStudy, folds: Sequence[Fold], found: Mapping[str, list[Values]]
) -> list[str]:
    """The rows that have figures on all of some folds; nothing where none has."""
    head = ["row", "what it is", *(f"K = {shots}" if shots else "all" for shots in study.shots)]
    against = next(row for row in study.rows if row.name == study.against)
    first = _of(against, folds, found)
    body = []
    for row in study.rows:
        values = _of(row, folds, found)
        cells = []
        for shots in study.shots:
            own = by_draw(values or [], shots)
            base = by_draw(first or [], shots)
            pairs = [own[draw] - base[draw] for draw in own if draw in base]
            more = ""
            if pairs and row.name != study.against:
                more = f" ({_spread(pairs, study.digits, '+')})"
            cells.append(f"{_spread(list(own.values()), study.digits)}{more}" if own else "-")
        if values:
            body.append([row.name, row.about, *cells])
    return kept.grid(head, body) if body else []


def _spread(values: Sequence[float], digits: int, sign: str = "") -> str:
    return Spread.of(values).text(sign, digits)


def picture(study: FewShotStudy, found: Mapping[str, list[Values]], path: Path) -> None:
    """A panel a fold, a line a row: means over targets and draws against shots."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    places = {shots: place for place, shots in enumerate(study.shots)}
    folds = [fold for fold in study.folds if any(k.startswith(f"{fold.name} ") for k in found)]
    figure = Figure(figsize=(1.5 + 3.6 * len(folds), 4.2), layout="constrained")
    FigureCanvasAgg(figure)
    panels = figure.subplots(1, len(folds), squeeze=False, sharey=False)[0]
    for fold, axes in zip(folds, panels, strict=True):
        for number, row in enumerate(study.rows):
            values = _of(row, [fold], found)
            points = {s: by_draw(values, s) for s in row.shots} if values else {}
            shown = [(shots, Spread.of(list(each.values()))) for shots, each in points.items()]
            if shown:
                axes.errorbar(
                    [places[shots] for shots, _ in shown], [spread.mean for _, spread in shown],
                    [spread.half or 0 for _, spread in shown], marker="o", markersize=4,
                    capsize=2, color=f"C{number % 10}", label=row.name,
                )  # fmt: skip
        axes.set_title(fold.name, fontsize=10)
        axes.set_xticks(range(len(places)), [str(shots or "all") for shots in places])
        axes.set_xlabel("shots")
        axes.grid(alpha=0.3)
    panels[0].set_ylabel(study.figure)
    known: dict[str, Any] = {}
    for axes in panels:  # a row that not every fold has is in the legend, too
        for handle, label in zip(*axes.get_legend_handles_labels(), strict=True):
            known.setdefault(label, handle)
    figure.legend(known.values(), known, fontsize=8, loc="outside right upper")
    figure.suptitle(study.title, fontsize=11)
    kept.save(figure, path)
