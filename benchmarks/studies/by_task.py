"""The table of a study of several tasks: a line a task, a column a row of the study."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path

from benchmarks.studies import kept
from benchmarks.studies.declared import Row, Study
from benchmarks.studies.kept import Lines
from fewshot_metalstm.figure import Spread
from fewshot_metalstm.writing import write_text

Values = dict[str, dict[str, dict[int, float]]]  # test figures by row, task and seed


def values_of(study: Study, known: Lines) -> Values:
    """The figures of the runs that are done."""
    found: Values = {row.name: {task: {} for task, _ in study.tasks} for row in study.rows}
    for run in study.runs:
        line = known.get(run.digest, {})
        for task, value in json.loads(line.get("tests") or "{}").items():
            found[run.row.name][task][run.seed] = float(value)
    return found


def markdown(study: Study, known: Lines) -> str:
    """The table, the means of the rows that have every task, and what was not run."""
    found = values_of(study, known)
    head = ["task", *(row.about for row in study.rows)]
    body = [
        [task, *(_cell(row, task, found[row.name][task]) for row in study.rows)]
        for task, _ in study.tasks
    ]
    means = {row.name: _means(found[row.name]) for row in study.rows}
    first = means[study.against]
    body.append(["**mean**", *(_spread(list(means[row.name].values())) for row in study.rows)])
    less = [
        _spread([value - first[seed] for seed, value in means[row.name].items() if seed in first],
                "+") if row.name != study.against else "-"
        for row in study.rows
    ]  # fmt: skip
    body.append([f"less {study.against}", *less])
    body.append(["seconds", *(_seconds(study, row, known) for row in study.rows)])
    text = "\n".join(kept.grid(head, body))
    done = sum(run.digest in known for run in study.runs)
    foot = (
        f"{done} of {len(study.runs)} runs. Test figures of the epoch chosen on devel (of tasks "
        "without one, the last), means over seeds with 95% intervals (t distribution); published "
        "figures in brackets. Seconds of one core that other work shared, over a seed's runs. "
        f"Machine: {kept.machines(known)}."
    )
    failed = [f"- {run.called}: {known[run.digest]['failed']}" for run in study.runs
              if known.get(run.digest, {}).get("failed")]  # fmt: skip
    parts = [f"# {study.title}", study.about, f"    make study NAME={study.name}", text, foot]
    return "\n\n".join(part for part in (*parts, "\n".join(failed)) if part) + "\n"


def write(study: Study, known: Lines, folder: Path) -> None:
    """Write the table and, where there is something to show, the picture."""
    write_text(markdown(study, known), folder / f"{study.name}.md")
    if any(values for tasks in values_of(study, known).values() for values in tasks.values()):
        picture(study, known, folder / f"{study.name}.png")


def picture(study: Study, known: Lines, path: Path) -> None:
    """Every task a line of dots, a colour a row of the study."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    found = values_of(study, known)
    tasks = [task for task, _ in study.tasks][::-1]
    figure = Figure(figsize=(8, 1.2 + 0.35 * len(tasks)), layout="constrained")
    FigureCanvasAgg(figure)
    axes = figure.add_subplot()
    for number, row in enumerate(study.rows):
        points = [(value, place) for place, task in enumerate(tasks)
                  for value in found[row.name][task].values()]  # fmt: skip
        if points:
            axes.plot(*zip(*points, strict=True), "o", color=f"C{number}", alpha=0.7,
                      label=row.about)  # fmt: skip
    axes.set_yticks(range(len(tasks)), tasks)
    axes.set_xlabel("test; a dot a seed")
    axes.set_title(study.title, fontsize=10)
    axes.grid(axis="x", alpha=0.3)
    axes.legend(fontsize=8)
    kept.save(figure, path)


def _cell(row: Row, task: str, values: Mapping[int, float]) -> str:
    published = f" ({row.by_task[task]:g})" if task in row.by_task else ""
    return (_spread(list(values.values())) if values else "not run") + published


def _means(tasks: Mapping[str, Mapping[int, float]]) -> dict[int, float]:
    """The mean over the tasks by seed, of the seeds that have all."""
    seeds = set.intersection(*(set(values) for values in tasks.values()))
    return {seed: sum(v[seed] for v in tasks.values()) / len(tasks) for seed in sorted(seeds)}


def _seconds(study: Study, row: Row, known: Lines) -> str:
    by_seed: dict[int, float] = {}
    for run in study.runs:
        if run.row is row and known.get(run.digest, {}).get("seconds"):
            by_seed[run.seed] = by_seed.get(run.seed, 0.0) + float(known[run.digest]["seconds"])
    return f"{sum(by_seed.values()) / len(by_seed):.0f}" if by_seed else "-"


def _spread(values: list[float], sign: str = "") -> str:
    return Spread.of(values).text(sign) if values else "-"
