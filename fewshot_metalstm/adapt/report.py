"""What an adaptation run found: every draw of every method, as a person and a program read it."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

from fewshot_metalstm.adapt.cell import CellResult
from fewshot_metalstm.kinds.tagging.tagger.scoring import interval


@dataclass(frozen=True)
class MethodReport:
    """The draws of one method, in order."""

    method: str
    cells: tuple[CellResult, ...]

    def summary(self) -> tuple[float | None, float | None]:
        """Mean F1 and the half width of its 95% interval; None where there is none."""
        f1 = [c.score.f1 for c in self.cells if c.score is not None]
        if not f1:
            return None, None
        mean, half = interval(f1)
        return mean, None if math.isnan(half) else half

    def as_dict(self) -> dict[str, Any]:
        """As ``--json`` prints it."""
        mean, half = self.summary()
        return {
            "draws": [_cell(c) for c in self.cells],
            "mean_f1": _rounded(mean),
            "ci95": _rounded(half),
        }


@dataclass(frozen=True)
class AdaptReport:
    """All that an adaptation run found."""

    target: str
    shots: int
    method: str
    checkpoint: str
    tune: str
    synthetic: bool
    main: MethodReport
    baselines: tuple[MethodReport, ...]
    notes: tuple[str, ...]
    tagger: str
    invented: bool = False
    unlabelled: str = ""

    @property
    def world(self) -> str:
        """What has to be said behind the target's name: ``(synthetic)``, or nothing."""
        return "(synthetic)" if self.synthetic else "(invented text)" if self.invented else ""

    def as_dict(self) -> dict[str, Any]:
        """As ``--json`` prints it."""
        return {
            "target": self.target,
            "shots": self.shots,
            "method": self.method,
            "tune": self.tune,
            "checkpoint": self.checkpoint,
            "synthetic": self.synthetic,
            "invented": self.invented,
            "unlabelled": self.unlabelled,
            **self.main.as_dict(),
            "baselines": {b.method: b.as_dict() for b in self.baselines},
            "tagger": self.tagger,
            "notes": list(self.notes),
        }


def _cell(result: CellResult) -> dict[str, Any]:
    score = result.score
    return {
        "draw": result.draw,
        "f1": None if score is None else round(score.f1, 2),
        "precision": None if score is None else round(score.precision, 2),
        "recall": None if score is None else round(score.recall, 2),
        "support_sentences": result.support_sentences,
        "support_mentions": result.support_mentions,
        "seconds": round(result.seconds, 2),
        **({"start": dict(result.start)} if result.start else {}),
        **({"losses": [round(loss, 4) for loss in result.losses]} if result.losses else {}),
        **({"about": dict(result.about)} if result.about else {}),
        "per_type": {}
        if score is None
        else {
            name: {
                "f1": round(s.f1, 2), "precision": round(s.precision, 2),
                "recall": round(s.recall, 2), "mentions": s.mentions,
            }
            for name, s in score.per_type.items()
        },
    }  # fmt: skip


def _rounded(value: float | None) -> float | None:
    return None if value is None else round(value, 2)
