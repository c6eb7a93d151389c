"""Meta-training under a tracking run: settings, datasets, figures, pictures."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

import torch

from fewshot_metalstm.config import flat
from fewshot_metalstm.figure import Figure
from fewshot_metalstm.kinds.kind import Kind, Suite
from fewshot_metalstm.meta.config import TrainingConfig
from fewshot_metalstm.meta.driver import meta_train
from fewshot_metalstm.meta.outcome import Interrupted, MetaTrainResult, Progress
from fewshot_metalstm.meta.ranks import Ranks
from fewshot_metalstm.meta.registry import JOINT
from fewshot_metalstm.meta.state import load_state
from fewshot_metalstm.tracked_run import DatasetInput
from fewshot_metalstm.tracking.pictures import learning_curve
from fewshot_metalstm.tracking.store import EXPERIMENT as EXPERIMENT
from fewshot_metalstm.tracking.tracker import open_tracker


def tracked_meta_training(
    kind: Kind,
    config: TrainingConfig,
    suite: Suite,
    output: Path,
    *,
    device: torch.device,
    workers: int,
    resume: bool,
    progress: Progress,
    uri: str | None,
    enabled: bool = True,
    ranks: Ranks | None = None,
) -> MetaTrainResult:
    """Run :func:`~fewshot_metalstm.meta.driver.meta_train` and log it.

    A resumed run goes on in the tracking run that it began in.
    """
    tracker = open_tracker(uri, EXPERIMENT, enabled)
    state = output / "state" / "training.safetensors"
    resume_id = None
    if resume:  # before a run is opened, which an absent or damaged state would leave failed
        resume_id = load_state(state).record.get("run_id")
    with tracker.run(
        f"meta-train {config.tasks}",
        params=flat(config),
        tags={
            "kind": "meta-train",
            "task_kind": kind.name,
            "synthetic": str(suite.synthetic).lower(),
        },
        datasets=suite_datasets(suite, kind),
        resume_id=resume_id,
        folder=output,
    ) as run:
        try:
            result = meta_train(
                config, kind.source(config, suite), output, device=device, workers=workers,
                resume=resume, run=run, progress=progress, ranks=ranks,
            )  # fmt: skip
        except Interrupted:
            run.interrupted()
            run.flush()
            raise
        alone = config.algorithm == JOINT
        picture = learning_curve(
            joint_history(output) if alone else outer_history(output, kind.figure),
            output / "learning_curve.png",
            title=f"{'Joint training' if alone else 'Meta-training'} on {config.tasks}",
            synthetic=suite.synthetic, step="joint step" if alone else "outer step",
            figure_label=kind.figure.axis,
        )  # fmt: skip
        run.metrics({"seconds": result.seconds, "peak_rss_mib": result.peak_rss_mib})
        run.artifact(picture)
        run.artifact(output / "config.yaml")
        run.json(result.as_dict(), "result.json")
    return result


def outer_history(output: Path, figure: Figure) -> list[dict[str, float]]:
    """The outer loop of a run's ``history.jsonl``, under the pictures' names."""
    rows: dict[int, dict[str, float]] = {}
    with (output / "history.jsonl").open(encoding="utf-8") as file:
        for line in file:
            entry: dict[str, Any] = json.loads(line)
            row = rows.setdefault(int(entry["step"]), {"step": float(entry["step"])})
            if entry["phase"] == "outer":
                figures = {
                    "loss_before": entry["query_loss_before"], "loss_after": entry["query_loss"],
                    "inner_lr": entry["inner_lr"], "outer_lr": entry["outer_lr"],
                    "inner_grad_norm": entry["inner_norm"],
                    "outer_grad_norm": entry["outer_norm"],
                }  # fmt: skip
                # A step without a finite episode has no figures.
                row |= {name: math.nan if v is None else v for name, v in figures.items()}
            elif entry["phase"] == "validation":
                value = entry[figure.key]
                row[f"validation_{figure.key}"] = math.nan if value is None else value
    return [rows[step] for step in sorted(rows) if len(rows[step]) > 1]


def joint_history(output: Path, points: int = 200) -> list[dict[str, float]]:
    """The loss of joint training in ``history.jsonl``, as means of about ``points`` stretches."""
    losses: list[float] = []
    with (output / "history.jsonl").open(encoding="utf-8") as file:
        for line in file:
            entry: dict[str, Any] = json.loads(line)
            if entry["phase"] == "joint":
                losses.append(math.nan if entry["loss"] is None else entry["loss"])
    stretch = -(-len(losses) // points)
    rows = []
    for start in range(0, len(losses), max(stretch, 1)):
        finite = [x for x in losses[start : start + stretch] if math.isfinite(x)]
        mean = sum(finite) / len(finite) if finite else math.nan
        rows.append({"step": float(min(start + stretch, len(losses))), "loss_joint": mean})
    return rows


def suite_datasets(suite: Suite, kind: Kind) -> list[DatasetInput]:
    """The data sets of a suite as dataset inputs, each once."""
    found: dict[tuple[str, str], DatasetInput] = {}
    for context, tasks in (("meta-train", suite.train), ("meta-validation", suite.validation)):
        for task in tasks:
            for split, size in task.sizes.items():
                digest = task.digests.get(split, "")
                found.setdefault(
                    (task.data, context),
                    DatasetInput(task.data, digest, f"{task.data}/{split}", context,
                                 {kind.items: size}),
                )  # fmt: skip
    return list(found.values())
