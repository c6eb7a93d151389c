"""How a meta-training run tells of itself: progress, a result, an interruption."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any


class Progress:
    """What a run tells while it goes on. Does nothing; the command line shows it."""

    def phase(self, name: str, total: int, done: int = 0) -> None:
        """A phase begins: vectors, joint or outer."""

    def advance(self, done: int, figures: Mapping[str, float]) -> None:
        """``done`` steps of the phase are done."""

    def note(self, text: str) -> None:
        """Something worth a line."""


@dataclass(frozen=True)
class MetaTrainResult:
    """What came of a run."""

    checkpoint: Path
    outer_steps: int
    seconds: float
    peak_rss_mib: float
    best_validation_f1: float
    skipped_episodes: int
    inner_step_mib: float | None = None  # that second order keeps of an inner step

    def as_dict(self) -> dict[str, Any]:
        """As ``--json`` prints it."""
        best = self.best_validation_f1
        return {
            "checkpoint": str(self.checkpoint),
            "outer_steps": self.outer_steps,
            "seconds": round(self.seconds, 1),
            "peak_rss_mib": round(self.peak_rss_mib, 1),
            "best_validation_f1": None if math.isnan(best) else round(best, 2),
            "skipped_episodes": self.skipped_episodes,
            "inner_step_mib": self.inner_step_mib and round(self.inner_step_mib, 1),
        }


class Interrupted(Exception):
    """A signal ended a run between two steps; its state is saved."""

    def __init__(self, signal: int, output: Path) -> None:
        super().__init__(f"interrupted; {output} is saved, add --resume to go on")
        self.signal = signal
