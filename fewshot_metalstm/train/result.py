"""What came of supervised training: the epoch that was chosen, and each task's scores at it."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from fewshot_metalstm.figure import Figure

SPLITS = ("train", "devel", "test")


@dataclass(frozen=True)
class Scored:
    """A split at an epoch as plain values: how many items, their mean loss, and the figures."""

    items: int
    loss: float
    value: float  # the kind's figure
    figures: Mapping[str, Any]  # as JSON has a score: the figure, those beside it, its parts
    tuned: Mapping[str, float] = field(default_factory=dict)  # on devel, beside the weights

    def as_dict(self, digits: int | None = None) -> dict[str, Any]:
        """As JSON has it.

        Args:
            digits: to round the loss to; None leaves it whole.
        """
        loss: float | None = self.loss if math.isfinite(self.loss) else None  # JSON has no infinity
        if loss is not None and digits is not None:
            loss = round(loss, digits)
        return {"items": self.items, "loss": loss, **self.figures}


@dataclass(frozen=True)
class TaskResult:
    """One task: the items it was trained on, the scores of the chosen epoch, and its model."""

    name: str
    items: int  # that were learned from
    scores: Mapping[str, Scored]  # by split
    model: Path
    synthetic: bool = False
    invented: bool = False

    @property
    def tuned(self) -> Mapping[str, float]:
        """What was chosen on devel and is no weight."""
        return next((score.tuned for score in self.scores.values()), {})

    def as_dict(self) -> dict[str, Any]:
        """As ``--json`` prints it."""
        return {
            "items": self.items,
            **{split: score.as_dict(4) for split, score in self.scores.items()},
            **({"tuned": dict(self.tuned)} if self.tuned else {}),
            "synthetic": self.synthetic,
            "invented": self.invented,
            "model": str(self.model),
        }


@dataclass(frozen=True)
class TrainResult:
    """The outcome of a run."""

    tasks: tuple[TaskResult, ...]
    kind: str
    product: str
    figure: Figure
    epoch: int  # that was chosen, from 1
    epochs: int  # that were done
    chosen_by: str  # what it was chosen by: the devel split, held-out items, or the last epoch
    steps: int
    skipped: int
    parameters: int
    seconds: float
    start: str
    checkpoint: Path | None  # of joint training, of several tasks
    notes: tuple[str, ...]

    def mean(self, split: str) -> float | None:
        """The mean of the figure over the tasks that have this split; None if there is none."""
        values = [t.scores[split].value for t in self.tasks if split in t.scores]
        return sum(values) / len(values) if values else None

    def as_dict(self) -> dict[str, Any]:
        """As ``--json`` prints it; ``mean`` is of the tasks' test splits."""
        means = {split: self.mean(split) for split in SPLITS}
        digits = self.figure.digits
        rounded = {split: None if v is None else round(v, digits) for split, v in means.items()}
        key = self.figure.key
        return {
            "tasks": {task.name: task.as_dict() for task in self.tasks},
            "kind": self.kind,
            **self.figure.as_dict(),
            "mean": rounded["test"],
            f"mean_{key}": rounded["test"],
            f"devel_{key}": rounded["devel"],
            "epoch": self.epoch,
            "epochs": self.epochs,
            "chosen_by": self.chosen_by,
            "steps": self.steps,
            "skipped_steps": self.skipped,
            "parameters": self.parameters,
            "seconds": round(self.seconds, 1),
            "start": self.start or None,
            "model": str(self.tasks[0].model) if len(self.tasks) == 1 else None,
            self.product: str(self.tasks[0].model) if len(self.tasks) == 1 else None,
            "checkpoint": None if self.checkpoint is None else str(self.checkpoint),
            "notes": list(self.notes),
        }
