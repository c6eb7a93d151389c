"""Adaptation under a tracking run: a parent, one child a draw and method, report and pictures."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import torch

from fewshot_metalstm.adapt.cell import CellResult
from fewshot_metalstm.adapt.report import AdaptReport, MethodReport
from fewshot_metalstm.adapt.target import AdaptRunConfig, adapt_target
from fewshot_metalstm.config import dump, flat
from fewshot_metalstm.errors import UserError
from fewshot_metalstm.kinds.tagging.episodes.task import Task
from fewshot_metalstm.tracking.meta_training import EXPERIMENT
from fewshot_metalstm.tracking.pictures import adaptation_curve
from fewshot_metalstm.tracking.tracker import DatasetInput, Run, open_tracker
from fewshot_metalstm.writing import write_text


def tracked_adaptation(
    checkpoint: Path,
    target: Task,
    config: AdaptRunConfig,
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
    """Run :func:`~fewshot_metalstm.adapt.target.adapt_target`, log it and write its report.

    ``log_model`` logs the tagger too, as an MLflow model; ``register`` is the name of a registered
    model that it becomes a version of. Both need tracking.
    """
    if (log_model or register) and not enabled:
        raise UserError("a model is logged to MLflow, which --no-tracking turns off; leave it out")
    tracker = open_tracker(uri, EXPERIMENT, enabled)
    datasets = target_datasets(target)
    with tracker.run(
        f"adapt {target.name} {config.shots}",
        params={"target": target.name, "checkpoint": str(checkpoint), **flat(config)},
        tags={"kind": "adapt", "synthetic": str(target.corpus.synthetic).lower()},
        datasets=datasets,
    ) as run:
        report = adapt_target(
            checkpoint, target, config, output, device=device, workers=workers, on_cell=on_cell
        )
        write_text(json.dumps(report.as_dict(), indent=2) + "\n", output / "report.json")
        write_text(markdown(report), output / "report.md")
        write_text(dump(config), output / "config.yaml")
        for method in (report.main, *report.baselines):
            _log_method(run, report, method)
        curves = {
            f"{cell.method}, draw {cell.draw}": list(enumerate(cell.losses, start=1))
            for method in (report.main, *report.baselines) for cell in method.cells if cell.losses
        }  # fmt: skip
        pictures = []
        if curves:  # a tagger made of the support without gradients has none
            pictures.append(adaptation_curve(
                curves, output / "adaptation_curve.png",
                title=f"Adaptation to {report.target}, {report.shots} shots",
                synthetic=report.synthetic,
            ))  # fmt: skip
        mean, half = report.main.summary()
        if mean is not None:
            run.metrics({"few_shot_f1": mean} | ({} if half is None else {"ci95": half}))
        for name in ("report.json", "report.md", "config.yaml"):
            run.artifact(output / name)
        for picture in pictures:
            run.artifact(picture)
        if (log_model or register) and tracker.uri is not None:
            from fewshot_metalstm.tracking.registry import log_tagger

            log_tagger(Path(report.tagger), tracker.uri, run.id, register)
    return report


def target_datasets(target: Task) -> list[DatasetInput]:
    """The splits of a target as dataset inputs."""
    return [
        DatasetInput(target.name, digest, f"{target.name}/{split}", "target",
                     {"sentences": len(target.corpus.splits[split])})
        for split, digest in target.corpus.digests.items() if split in target.corpus.splits
    ]  # fmt: skip


def _log_method(run: Run, report: AdaptReport, method: MethodReport) -> None:
    for cell in method.cells:
        log_cell(run, report.target, report.shots, method.method, cell, report.checkpoint)


def log_cell(
    run: Run, target: str, shots: int, method: str, cell: CellResult, checkpoint: str
) -> None:
    """Log one adapted tagger as a child of ``run``."""
    params = {
        "target": target, "shots": shots, "draw": cell.draw, "method": method,
        "checkpoint": checkpoint,
    }  # fmt: skip
    name = f"{target} {shots} draw {cell.draw} {method}"
    with run.child(name, params=params, tags={"kind": "draw"}) as child:
        for epoch, loss in enumerate(cell.losses, start=1):
            child.log(epoch, {"loss_support": loss})
        figures = {
            "seconds": cell.seconds,
            "support_mentions": float(cell.support_mentions),
            "support_sentences": float(cell.support_sentences),
        }
        if cell.score is not None:
            figures |= {
                "few_shot_f1": cell.score.f1, "precision": cell.score.precision,
                "recall": cell.score.recall,
            }  # fmt: skip
        child.metrics(figures)


def markdown(report: AdaptReport) -> str:
    """The report as a page of Markdown."""
    target = f"{report.target} {report.world}".rstrip()
    lines = [
        f"# {target}, {report.shots or 'all'} shots",
        "",
        f"Checkpoint `{report.checkpoint}`, tuned: {report.tune}. Strict entity-level scores on "
        "the whole test split, 0-100."
        + (f" Unlabelled text: `{report.unlabelled}`." if report.unlabelled else ""),
        "",
        "| method | draw | F1 | precision | recall | mentions | sentences | seconds |",
        "|---|---|---|---|---|---|---|---|",
    ]
    for method in (report.main, *report.baselines):
        for cell in method.cells:
            s = cell.score
            scores = (
                "- | - | -" if s is None else f"{s.f1:.2f} | {s.precision:.2f} | {s.recall:.2f}"
            )
            lines.append(
                f"| {method.method} | {cell.draw} | {scores} | {cell.support_mentions} | "
                f"{cell.support_sentences} | {cell.seconds:.1f} |"
            )
        mean, half = method.summary()
        if mean is not None:
            spread = "" if half is None else f" ± {half:.2f}"
            lines.append(f"| {method.method} | mean | {mean:.2f}{spread} | | | | | |")
    types = [c.score.per_type for c in report.main.cells if c.score is not None]
    if types and len(types[0]) > 1:
        lines += ["", "| type | draw | F1 | precision | recall |", "|---|---|---|---|---|"]
        lines += [
            f"| {name} | {c.draw} | {s.f1:.2f} | {s.precision:.2f} | {s.recall:.2f} |"
            for c in report.main.cells if c.score is not None
            for name, s in sorted(c.score.per_type.items())
        ]  # fmt: skip
    lines += [""] + [
        f"- draw {c.draw} started from the source heads "
        + ", ".join(f"{head} for {name}" for name, head in c.start.items())
        for c in report.main.cells if c.start
    ]  # fmt: skip
    lines += [f"- {note}" for note in report.notes]
    return "\n".join(lines).rstrip() + "\n"
