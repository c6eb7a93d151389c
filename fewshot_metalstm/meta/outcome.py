"""What a run of training says of itself: progress, a result, an interruption."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from fewshot_metalstm.figure import Figure
from fewshot_metalstm.meta.stop import StopSignal


class Progress:
    """What a run reports while it goes on. Does nothing; the command line shows it."""

    def plan(self, phases: Sequence[tuple[str, int, float]]) -> None:
        """Phases that are one piece of work: name, steps, and about the seconds of a step."""

    def phase(self, name: str, total: int, done: int = 0) -> None:
        """A phase begins: word vectors, joint training or the outer loop."""

    def advance(self, done: int, figures: Mapping[str, float]) -> None:
        """``done`` steps of the phase are done."""

    def note(self, text: str) -> None:
        """Something worth a line."""


@dataclass(frozen=True)
class MetaTrainResult:
    """What came of a run. ``best_validation`` is in the unit of ``figure``; NaN without one."""

    checkpoint: Path
    outer_steps: int
    seconds: float
    peak_rss_mib: float
    best_validation: float
    skipped_episodes: int
    figure: Figure
    inner_step_mib: float | None = None  # that second order keeps of an inner step

    def as_dict(self) -> dict[str, Any]:
        """As ``--json`` prints it."""
        best, digits = self.best_validation, self.figure.digits
        return {
            "checkpoint": str(self.checkpoint),
            "outer_steps": self.outer_steps,
            "seconds": round(self.seconds, 1),
            "peak_rss_mib": round(self.peak_rss_mib, 1),
            f"best_validation_{self.figure.key}": None if math.isnan(best) else round(best, digits),
            "skipped_episodes": self.skipped_episodes,
            "inner_step_mib": self.inner_step_mib and round(self.inner_step_mib, 1),
            **self.figure.as_dict(),
        }


class Interrupted(Exception):
    """A signal ended a run between two steps; its state is saved, if there was one yet."""

    def __init__(self, signal: int, output: Path, *, saved: bool = True) -> None:
        text = f"{output} is saved, add --resume to go on"
        if not saved:
            text = f"nothing of {output} was learned yet, add --resume to begin it anew"
        super().__init__(f"interrupted; {text}")
        self.signal = signal


class Stoppable(Progress):
    """Progress of what is made before any state: where it advances, a signal ends the run.

    Raises:
        Interrupted: SIGINT or SIGTERM came.
    """

    def __init__(self, progress: Progress, stop: StopSignal, output: Path) -> None:
        self._progress, self._stop, self._output = progress, stop, output

    def phase(self, name: str, total: int, done: int = 0) -> None:
        """See :class:`Progress`."""
        self._progress.phase(name, total, done)
        self._end_if_asked()

    def advance(self, done: int, figures: Mapping[str, float]) -> None:
        """See :class:`Progress`."""
        self._progress.advance(done, figures)
        self._end_if_asked()

    def note(self, text: str) -> None:
        """See :class:`Progress`."""
        self._progress.note(text)

    def _end_if_asked(self) -> None:
        if self._stop.requested:
            raise Interrupted(self._stop.requested, self._output, saved=False)
