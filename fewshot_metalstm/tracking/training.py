"""Supervised training under a tracking run: settings, data sets, curves by epoch, the outcome."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

import torch

from fewshot_metalstm.config import flat
from fewshot_metalstm.kinds.kind import Kind
from fewshot_metalstm.meta.outcome import Interrupted, Progress
from fewshot_metalstm.tracking.adaptation import target_datasets
from fewshot_metalstm.tracking.pictures import learning_curve
from fewshot_metalstm.tracking.store import EXPERIMENT
from fewshot_metalstm.tracking.tracker import open_tracker
from fewshot_metalstm.train.result import TrainResult
from fewshot_metalstm.train.session import run_id, train
from fewshot_metalstm.train.source import SupervisedSource
from fewshot_metalstm.writing import write_text


def tracked_training(
    kind: Kind,
    source: SupervisedSource,
    output: Path,
    *,
    device: torch.device,
    resume: bool,
    progress: Progress,
    uri: str | None,
    enabled: bool = True,
) -> TrainResult:
    """Run :func:`~fewshot_metalstm.train.session.train`, log it and write its report.

    A resumed run goes on in the tracking run that it began in.
    """
    tracker = open_tracker(uri, EXPERIMENT, enabled)
    name = " + ".join(task.name for task in source.tasks)
    synthetic = any(task.synthetic for task in source.tasks)
    with tracker.run(
        f"train {name}",
        params=flat(source.config),
        tags={
            "kind": "train",
            "task_kind": kind.name,
            "synthetic": str(synthetic).lower(),
        },
        datasets=[d for task in source.tasks for d in target_datasets(task, kind)],
        resume_id=run_id(output) if resume else None,
        folder=output,
    ) as run:
        try:
            result = train(
                source, output, kind=kind.name, items=kind.items, device=device, resume=resume,
                run=run, progress=progress,
            )  # fmt: skip
        except Interrupted:
            run.interrupted()
            run.flush()
            raise
        write_text(json.dumps(result.as_dict(), indent=2) + "\n", output / "report.json")
        picture = learning_curve(
            epochs(output), output / "learning_curve.png", title=f"Training on {name}",
            synthetic=synthetic, step="epoch", figure_label=result.figure.axis,
        )  # fmt: skip
        key = result.figure.key
        means = {f"best_{split}_{key}": result.mean(split) for split in ("devel", "test")}
        final = {name: value for name, value in means.items() if value is not None}
        run.metrics(
            {"seconds": result.seconds, "epoch": float(result.epoch),
             "parameters": float(result.parameters), **final}
        )  # fmt: skip
        run.artifact(picture)
        for file in ("config.yaml", "report.json", "history.jsonl"):
            run.artifact(output / file)
    return result


def epochs(output: Path) -> list[dict[str, float]]:
    """The curves of ``history.jsonl`` by epoch, under the pictures' names; means of the tasks."""
    rows = []
    with (output / "history.jsonl").open(encoding="utf-8") as file:
        for line in file:
            entry: dict[str, Any] = json.loads(line)
            row = {"step": float(entry["epoch"])}
            for name, value in entry.items():
                if name.startswith(("loss", "train_", "devel_", "test_")) and "/" not in name:
                    row[name] = math.nan if value is None else float(value)
            rows.append(row)
    return rows
