"""A study's results: a CSV with a line a run, and the table and picture that are made of it."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from benchmarks.studies import by_task, kept
from benchmarks.studies.declared import Row, Run, Study
from benchmarks.studies.kept import RESULTS
from fewshot_metalstm.figure import Spread
from fewshot_metalstm.writing import write_text

FIELDS = (
    "row", "seed", "digest", "test", "devel", "train", "train_loss", "epoch", "steps",
    "skipped_steps", "parameters", "seconds", "failed", "cpu", "torch", "tests",
)  # fmt: skip


def add(study: Study, run: Run, result: Mapping[str, Any], folder: Path = RESULTS) -> None:
    """Add a run's result to the CSV, or put it in its place."""
    line: dict[str, Any] = {
        "row": run.row.name, "seed": str(run.seed), "digest": run.digest,
        "failed": result.get("failed", ""),
    }  # fmt: skip
    if "failed" not in result:
        key, tasks = result["figure"], list(result["tasks"].values())
        for split in ("test", "devel", "train"):
            line[split] = _mean([task[split][key] for task in tasks if split in task])
        line["train_loss"] = _mean([t["train"]["loss"] for t in tasks if "train" in t])
        if study.tasks:
            named = zip((name for name, _ in run.tasks), tasks, strict=True)
            line["tests"] = json.dumps({name: task["test"][key] for name, task in named})
        for field in ("epoch", "steps", "skipped_steps", "parameters", "seconds"):
            line[field] = result[field]
    # A line whose settings are no longer declared goes; the others stand as they are declared.
    kept.keep(study.name, line, FIELDS, [each.digest for each in study.runs], folder)


def _mean(values: Sequence[float]) -> float | str:
    """The mean, the one value as it is, or nothing where there is none."""
    return (values[0] if len(values) == 1 else sum(values) / len(values)) if values else ""


@dataclass(frozen=True)
class Line:
    """A row with what its runs came to."""

    row: Row
    test: Spread | None  # over seeds
    difference: Spread | None  # from the row that it is held against, paired by seed
    values: Mapping[int, float]  # by seed
    seconds: float | None  # mean
    parameters: int | None
    notes: tuple[str, ...]


def lines(study: Study, folder: Path = RESULTS) -> list[Line]:
    """The rows of the table, in their order."""
    known = kept.done(study.name, folder)
    by_row: dict[str, dict[int, dict[str, str]]] = {row.name: {} for row in study.rows}
    for run in study.runs:
        if run.digest in known:
            by_row[run.row.name][run.seed] = known[run.digest]
    scores = {
        name: {seed: float(line["test"]) for seed, line in found.items() if line["test"]}
        for name, found in by_row.items()
    }
    made = []
    for row in study.rows:
        found, values = by_row[row.name], scores[row.name]
        finished = [line for line in found.values() if line["seconds"]]
        pairs = [values[s] - scores[study.against][s] for s in values if s in scores[study.against]]
        notes = [f"seed {seed}: {line['failed']}" for seed, line in found.items() if line["failed"]]
        skipped = sum(_whole(line["skipped_steps"]) or 0 for line in finished)
        if skipped:
            notes.append(f"{skipped} steps without a finite gradient")
        left = [seed for seed in row.seeds if seed not in found]
        if left:
            notes.append("not run" if not found else f"not run: seeds {', '.join(map(str, left))}")
        made.append(
            Line(
                row, Spread.of(list(values.values())) if values else None,
                Spread.of(pairs) if pairs and row.name != study.against else None, values,
                sum(float(x["seconds"]) for x in finished) / len(finished) if finished else None,
                _whole(finished[0]["parameters"]) if finished else None, tuple(notes),
            )
        )  # fmt: skip
    return made


def _whole(text: str) -> int | None:
    """A number of the CSV; peers leave out what they have none of."""
    return int(text) if text else None


def write(study: Study, folder: Path = RESULTS) -> None:
    """Write the table and, where there is something to show, the picture."""
    if study.tasks:
        by_task.write(study, kept.done(study.name, folder), folder)
        return
    made = lines(study, folder)
    write_text(markdown(study, made, folder), folder / f"{study.name}.md")
    if any(line.test for line in made):
        picture(study, made, folder / f"{study.name}.png")


def markdown(study: Study, made: Sequence[Line], folder: Path = RESULTS) -> str:
    """The table, with what it was made by."""
    known = kept.done(study.name, folder)
    runs = sum(run.digest in known for run in study.runs)
    parts = [f"# {study.title}", study.about, f"    make study NAME={study.name}"]
    published = any(line.row.published is not None for line in made)
    for group in dict.fromkeys(line.row.group for line in made):
        if group:
            parts.append(f"## {group.capitalize()}")
        parts.append("\n".join(_rows([x for x in made if x.row.group == group], study, published)))
    parts.append(
        f"{runs} of {len(study.runs)} runs. {'Less is better. ' * study.lower}Means over seeds "
        f"with 95% intervals (t distribution); differences from {study.against} are paired by "
        "seed. Seconds are of one core that other work shared, so they are rough. Machine: "
        f"{kept.machines(known)}."
    )
    return "\n\n".join(part for part in parts if part) + "\n"


def _rows(made: Sequence[Line], study: Study, published: bool) -> list[str]:
    head = ["row", "what it is", "test", f"less {study.against}", "seeds", "parameters", "seconds"]
    head += ["published"] if published else []
    head.append("notes")
    body = []
    for line in made:
        cells = [
            line.row.name, line.row.about, _spread(line.test, study),
            _spread(line.difference, study, "+"), str(len(line.values)),
            "-" if line.parameters is None else f"{line.parameters:,}",
            "-" if line.seconds is None else f"{line.seconds:.0f}",
        ]  # fmt: skip
        if published:
            cells.append("-" if line.row.published is None else f"{line.row.published:g}")
        body.append([*cells, "; ".join(line.notes).replace("|", "/")])
    return kept.grid(head, body)


def _spread(spread: Spread | None, study: Study, sign: str = "") -> str:
    return "-" if spread is None else spread.text(sign, study.digits)


def picture(study: Study, made: Sequence[Line], path: Path) -> None:
    """Every run a dot, every row's mean a bar, the rows of a group in a colour."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    shown = [line for line in made if line.test is not None][::-1]
    figure = Figure(figsize=(8, 0.8 + 0.32 * len(shown)), layout="constrained")
    FigureCanvasAgg(figure)
    axes = figure.add_subplot()
    for place, line in enumerate(shown):
        assert line.test is not None
        colour = "tab:orange" if line.row.group else "tab:blue"
        values = list(line.values.values())
        axes.plot(values, [place] * len(values), "o", color=colour, alpha=0.5, markersize=5)
        axes.plot([line.test.mean] * 2, [place - 0.3, place + 0.3], color=colour, linewidth=2)
    axes.set_yticks(range(len(shown)), [line.row.name for line in shown])
    axes.set_xlabel("test; a dot a seed, a bar their mean")
    axes.set_title(study.title, fontsize=10)
    axes.grid(axis="x", alpha=0.3)
    kept.save(figure, path)
