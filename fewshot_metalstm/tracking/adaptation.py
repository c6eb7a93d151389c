"""Adaptation under a tracking run: a parent, one child a draw and method, report and pictures."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import torch

from fewshot_metalstm.adapt.cell import CellResult
from fewshot_metalstm.adapt.plan import plan_adaptation
from fewshot_metalstm.adapt.report import AdaptReport, checkpoint_name, checkpoint_place
from fewshot_metalstm.adapt.settings import AdaptRunSettings
from fewshot_metalstm.adapt.target import adapt_as_planned
from fewshot_metalstm.config import dump, flat
from fewshot_metalstm.errors import UserError
from fewshot_metalstm.figure import Figure
from fewshot_metalstm.kinds import registry
from fewshot_metalstm.kinds.kind import Kind, Task
from fewshot_metalstm.printable import in_markdown
from fewshot_metalstm.tracked_run import DatasetInput, Run
from fewshot_metalstm.tracking.meta_training import EXPERIMENT
from fewshot_metalstm.tracking.pictures import adaptation_curve
from fewshot_metalstm.tracking.tracker import open_tracker
from fewshot_metalstm.writing import write_text


def tracked_adaptation(
    checkpoint: Path,
    target: Task,
    config: AdaptRunSettings,
    output: Path,
    *,
    device: torch.device,
    workers: int,
    on_cell: Callable[[CellResult], None] | None,
    uri: str | None,
    enabled: bool = True,
    log_model: bool = False,
    register: str | None = None,
) -> AdaptReport:
    """Plan an adaptation, do it under a run, log it and write its report.

    ``log_model`` logs the adapted model too, in MLflow's form; ``register`` names a registered
    model that it becomes a version of. Both need tracking.

    Raises:
        UserError: as :func:`~fewshot_metalstm.adapt.target.adapt_target` does.
    """
    if (log_model or register) and not enabled:
        raise UserError("a model is logged to MLflow, which --no-tracking turns off; leave it out")
    kind = registry.kind(target.kind)
    if log_model or register:
        from fewshot_metalstm.tracking.registry import log_adapted, serving_of

        serving_of(kind)  # refused before anything is computed
    plan = plan_adaptation(checkpoint, target, config, output)  # what is refused leaves no run
    tracker = open_tracker(uri, EXPERIMENT, enabled)
    datasets = target_datasets(target, kind)
    with tracker.run(
        f"adapt {run_name(target.name, config.shots, target.sizes.get('train', 0), kind)}, "
        f"from {checkpoint_name(checkpoint)}",
        params={"target": target.name, "checkpoint": str(checkpoint), **flat(config)},
        tags={
            "kind": "adapt",
            "task_kind": kind.name,
            "synthetic": str(target.synthetic).lower(),
        },
        datasets=datasets,
        folder=output,
    ) as run:
        report = adapt_as_planned(plan, device=device, workers=workers, on_cell=on_cell)
        write_text(json.dumps(report.as_dict(), indent=2) + "\n", output / "report.json")
        write_text(markdown(report), output / "report.md")
        write_text(dump(config), output / "config.yaml")
        for method in report.methods:
            for cell in method.cells:
                label = report.label(method.method)
                log_cell(
                    run, kind, report.target, report.shots, method.method, cell,
                    report.checkpoint, f"from {label}" if method is report.main else label,
                    report.figure, label,
                )  # fmt: skip
        curves = {
            f"{report.label(cell.method)}, draw {cell.draw}": list(enumerate(cell.losses, start=1))
            for method in report.methods for cell in method.cells if cell.losses
        }  # fmt: skip
        pictures = []
        if curves:  # a tagger made of the support without gradients has none
            pictures.append(adaptation_curve(
                curves, output / "adaptation_curve.png",
                title=f"Adaptation to {report.target}, {report.shots} shots",
                synthetic=report.synthetic,
            ))  # fmt: skip
        spread = report.main.summary()
        if spread is not None:
            half = {} if spread.half is None else {"ci95": spread.half}
            run.metrics({f"few_shot_{report.figure.key}": spread.mean} | half)
        for name in ("report.json", "report.md", "config.yaml"):
            run.artifact(output / name)
        for picture in pictures:
            run.artifact(picture)
        if (log_model or register) and tracker.uri is not None:
            log_adapted(Path(report.model), tracker.uri, run.id, register)
    return report


def target_datasets(target: Task, kind: Kind) -> list[DatasetInput]:
    """The splits of a target as dataset inputs."""
    return [
        DatasetInput(target.name, digest, f"{target.name}/{split}", "target",
                     {kind.items: target.sizes[split]})
        for split, digest in target.digests.items() if split in target.sizes
    ]  # fmt: skip


def run_name(target: str, shots: int, size: int, kind: Kind) -> str:
    """Target and shots as people look for them: ``my50, 10 shots``, ``my50, all 50 sentences``.

    ``size`` is that of the support where it is the whole train split.
    """
    return f"{target}, {f'{shots} shots' if shots else f'all {size} {kind.items}'}"


def log_cell(
    run: Run, kind: Kind, target: str, shots: int, method: str, cell: CellResult,
    checkpoint: str, how: str, figure: Figure | None = None, label: str = "",
) -> None:  # fmt: skip
    """Log one adapted model as a child of ``run``; ``how`` it was made stands in its name.

    ``figure`` is that of the target, None for the kind's usual one; ``label`` what tables call the
    method, where it is not the method's own name.
    """
    figure = figure or kind.figure
    params = {
        "target": target, "shots": shots, "draw": cell.draw, "method": method,
        "checkpoint": checkpoint,
        **({"label": label} if label else {}),
        **({"recipe": cell.choice["recipe"], "recipe_why": cell.choice["why"]}
           if cell.choice else {}),
    }  # fmt: skip
    name = f"{run_name(target, shots, cell.support_items, kind)}, draw {cell.draw}, {how}"
    with run.child(name, params=params, tags={"kind": "draw", "task_kind": kind.name}) as child:
        for epoch, loss in enumerate(cell.losses, start=1):
            child.log(epoch, {"loss_support": loss})
        figures = {
            "seconds": cell.seconds,
            **{k: float(v) for k, v in cell.sizes(kind.items, figure).items()},
        }
        if cell.score is not None:
            figures |= {f"few_shot_{figure.key}": cell.score.value, **cell.score.further}
        if cell.choice:
            figures |= {f"signal/{name}": v for name, v in cell.choice["signals"].items()}
        child.metrics(figures)


def markdown(report: AdaptReport) -> str:
    """The report as a page of Markdown."""
    target = in_markdown(f"{report.target} {report.world}".rstrip())
    figure, items = report.figure, report.items
    columns = (figure.label, *figure.further)
    sizes = tuple(dict.fromkeys((figure.counted, items)))
    lines = [
        f"# {target}, {report.shots or 'all'} shots",
        "",
        f"Checkpoint `{checkpoint_place(Path(report.checkpoint))}`, tuned: {report.tune}. "
        f"{figure.heading} on the whole test split, in {figure.unit} ({figure.better} is better)."
        + (f" Beside the support: {report.text}." if report.text else ""),
        "",
        _row("method", "draw", *columns, *sizes, "seconds"),
        "|---" * (3 + len(columns) + len(sizes)) + "|",
    ]
    for method in report.methods:
        label = report.label(method.method)
        for cell in method.cells:
            score = cell.score
            scores = ["-"] * len(columns)
            if score is not None:
                values = (score.value, *(score.further[key] for key in figure.further))
                scores = [figure.shown(value) for value in values]
            known = cell.sizes(items, figure)
            lines.append(_row(
                label, str(cell.draw), *scores,
                *(str(known[f"support_{size}"]) for size in sizes), f"{cell.seconds:.1f}",
            ))  # fmt: skip
        spread = method.summary(figure.digits)
        if spread is not None:
            empty = [""] * (len(columns) + len(sizes))
            lines.append(_row(label, "mean", spread.text(), *empty))
    groups = [c.score.groups for c in report.main.cells if c.score is not None]
    if groups and len(groups[0]) > 1:
        lines += ["", _row(figure.group, "draw", *columns), "|---" * (2 + len(columns)) + "|"]
        lines += [
            _row(name, str(c.draw), figure.shown(s.value),
                 *(figure.shown(s.further[key]) for key in figure.further))
            for c in report.main.cells if c.score is not None
            for name, s in sorted(c.score.groups.items())
        ]  # fmt: skip
    lines += [""] + [
        f"- draw {c.draw} started from the source heads "
        + ", ".join(in_markdown(f"{head} for {name}") for name, head in c.start.items())
        for c in report.main.cells if c.start
    ]  # fmt: skip
    lines += [f"- {in_markdown(note)}" for note in report.notes]
    return "\n".join(lines).rstrip() + "\n"


def _row(*cells: str) -> str:
    return f"| {' | '.join(map(in_markdown, cells))} |"
