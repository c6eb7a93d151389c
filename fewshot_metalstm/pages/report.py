"""A report of runs: what they found, how they went, what their taggers get wrong and do."""

from __future__ import annotations

import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from fewshot_metalstm.figure import Spread
from fewshot_metalstm.pages.figures import adaptation_bands, rates_curve
from fewshot_metalstm.pages.look import Look, LookPart, Picture, relative
from fewshot_metalstm.pages.render import data_uri, write_page
from fewshot_metalstm.pages.runs import Runs
from fewshot_metalstm.sweep.comparison import Comparison
from fewshot_metalstm.sweep.report import Row, shots_curves
from fewshot_metalstm.tracking.pictures import learning_curve, shots_curve


@dataclass(frozen=True)
class Shown:
    """A picture on the page."""

    caption: str
    uri: str


@dataclass(frozen=True)
class TypeRow:
    """A method's scores on one entity type, over the draws."""

    target: str
    shots: str
    method: str
    type: str
    value: Spread
    further: tuple[float, ...]
    size: int


def pictures(
    runs: Runs, comparison: Comparison | None, looks: Sequence[Look]
) -> dict[str, list[Picture]]:
    """The pictures by the section that they belong to."""
    sections = {
        "shots": _shots(comparison) if comparison else [],
        "adaptation": _adaptation(comparison) if comparison else [],
        "training": _training(runs),
    }  # fmt: skip
    for look in looks:
        for part in look.parts:
            sections.setdefault(part.id, []).extend(part.pictures)
    return _apart(sections)


def _apart(sections: Mapping[str, Sequence[Picture]]) -> dict[str, list[Picture]]:
    """The pictures under names of their own: folders of two runs may be called the same."""
    taken: set[str] = set()
    found: dict[str, list[Picture]] = {}
    for section, each in sections.items():
        found[section] = []
        for picture in each:
            name, number = picture.name, 1
            while name in taken:
                number += 1
                name = f"{picture.name}-{number}"
            taken.add(name)
            found[section].append(replace(picture, name=name))
    return found


def write_pictures(sections: Mapping[str, Sequence[Picture]], folder: Path) -> list[Path]:
    """Write every picture as a PNG file."""
    return [p.draw(folder / f"{p.name}.png") for each in sections.values() for p in each]


def write_report(
    runs: Runs,
    comparison: Comparison | None,
    looks: Sequence[Look],
    sections: Mapping[str, Sequence[Picture]],
    path: Path,
    notes: Sequence[str] = (),
) -> Path:
    """Write the page, with the pictures in it."""
    shown: dict[str, list[Shown]] = {}
    with tempfile.TemporaryDirectory() as folder:
        for section, each in sections.items():
            drawn = [(p, p.draw(Path(folder) / "picture.svg").read_bytes()) for p in each]
            shown[section] = [
                Shown(p.caption, data_uri(data, "image/svg+xml")) for p, data in drawn
            ]
    head, body = comparison.table() if comparison else ((), [])
    parts = {part.id: part for look in looks for part in look.parts}

    def looks_with(name: str) -> list[tuple[Look, LookPart]]:
        return [(look, part) for look in looks for part in look.parts if part.id == name]

    return write_page(
        path, "report", title=_title(runs), runs=runs, head=head, body=body, shown=shown,
        types=type_rows(comparison) if comparison else [], parts=list(parts.values()),
        looks_with=looks_with, notes=(*runs.notes, *notes), relative=relative,
        figure=comparison.figure if comparison else None,
    )  # fmt: skip


def type_rows(comparison: Comparison) -> list[TypeRow]:
    """A line for each type or class where there are several, for every target and method."""
    found = []
    for row in comparison.rows:
        scores = [r.score for r in row.draws.values() if r.score is not None]
        types = sorted({name for score in scores for name in score.groups})
        if len(types) < 2:
            continue
        for name in types:
            own = [score.groups[name] for score in scores if name in score.groups]
            found.append(TypeRow(
                row.target, str(row.shots or "all"), row.method, name,
                Spread.of([s.value for s in own], comparison.figure.digits),
                tuple(sum(s.further[key] for s in own) / len(own)
                      for key in comparison.figure.further),
                max(s.size for s in own),
            ))  # fmt: skip
    return found


def _shots(comparison: Comparison) -> list[Picture]:
    return [
        _picture(
            f"shots-{target}",
            f"{comparison.figure.heading} on the test split of {target}, against shots.",
            shots_curve, curves, title=f"Few-shot {comparison.figure.label} on {target}",
            synthetic=target in comparison.synthetic, ylabel=comparison.figure.axis,
            xlabel=f"shots ({comparison.shots})",
        )
        for target, curves in shots_curves(comparison.rows).items()
    ]  # fmt: skip


def _adaptation(comparison: Comparison) -> list[Picture]:
    groups: dict[tuple[str, int], list[Row]] = {}
    for row in comparison.rows:
        groups.setdefault((row.target, row.shots), []).append(row)
    found = []
    for (target, shots), rows in groups.items():
        losses = {
            row.method: draws for row in rows
            if (draws := [r.losses for r in row.draws.values() if r.losses])
        }  # fmt: skip
        if losses:
            support = f"{shots} shots" if shots else "the whole train split"
            found.append(_picture(
                f"adaptation-{target}-{shots or 'all'}", f"Adaptation to {target}, {support}.",
                adaptation_bands, losses, synthetic=target in comparison.synthetic,
            ))  # fmt: skip
    return found


def _training(runs: Runs) -> list[Picture]:
    found = []
    for training in runs.trainings:
        name = training.folder.name
        about = f"{training.algorithm} on {training.suite} ({name})"
        for rows, kind, step in (
            (training.joint, "joint", "joint step"), (training.outer, "outer", "outer step")
        ):  # fmt: skip
            if rows:
                caption = f"{'Joint training' if kind == 'joint' else 'Meta-training'}: {about}."
                found.append(_picture(f"{kind}-{name}", caption, learning_curve, rows, step=step,
                                      synthetic=training.synthetic,
                                      figure_label=training.kind.figure.axis))  # fmt: skip
        if training.rates:
            found.append(_picture(f"rates-{name}", f"Learned inner rates: {about}.", rates_curve,
                                  training.rates, synthetic=training.synthetic))  # fmt: skip
    for each in runs.supervised:
        name = each.folder.name
        found.append(_picture(
            f"train-{name}", f"Training on {each.tasks} ({name}).", learning_curve, each.epochs,
            step="epoch", synthetic=each.synthetic, figure_label=each.figure.axis,
        ))  # fmt: skip
    return found


def _picture(name: str, caption: str, draw: Any, data: Any, **options: Any) -> Picture:
    options.setdefault("title", caption.removesuffix("."))
    return Picture(name.replace("/", "_"), caption, lambda path: draw(data, path, **options))


def _title(runs: Runs) -> str:
    names = [folder.name for folder in runs.folders]
    return f"Report of {', '.join(names[:4])}{f' and {len(names) - 4} more' * (len(names) > 4)}"
