"""What an adaptation run found: every draw of every method, as a person and a program read it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from fewshot_metalstm import pretrained
from fewshot_metalstm.adapt.cell import CellResult, score_as_dict
from fewshot_metalstm.adapt.plan import Plan
from fewshot_metalstm.adapt.work import choices_of, facts_of
from fewshot_metalstm.figure import Figure, Spread


@dataclass(frozen=True)
class MethodReport:
    """The draws of one method, in order."""

    method: str
    cells: tuple[CellResult, ...]

    def summary(self, digits: int = 2) -> Spread | None:
        """Mean of the figure with its 95% interval; None where nothing was scored.

        Args:
            digits: behind the point, where it is shown.
        """
        values = [c.score.value for c in self.cells if c.score is not None]
        return Spread.of(values, digits) if values else None

    def as_dict(self, items: str, figure: Figure) -> dict[str, Any]:
        """As ``--json`` prints it."""
        spread = self.summary(figure.digits)
        mean, half = (None, None) if spread is None else spread.as_dict().values()
        return {
            "draws": [_cell(c, items, figure) for c in self.cells],
            **figure.as_dict(),
            "mean": mean,
            f"mean_{figure.key}": mean,
            "ci95": half,
        }


@dataclass(frozen=True)
class AdaptReport:
    """All that an adaptation run found. ``model`` is where the first draw's model was written."""

    target: str
    shots: int
    method: str
    checkpoint: str
    tune: str
    synthetic: bool
    main: MethodReport
    baselines: tuple[MethodReport, ...]
    notes: tuple[str, ...]
    model: str
    kind: str
    items: str
    product: str
    figure: Figure
    invented: bool = False
    unlabelled: str = ""
    teacher: str = ""

    @property
    def methods(self) -> tuple[MethodReport, ...]:
        """The checkpoint's own method and the baselines."""
        return (self.main, *self.baselines)

    @property
    def name(self) -> str:
        """What the checkpoint goes by, where a person reads it: ``mtl-bio``, or its run's name."""
        return checkpoint_name(Path(self.checkpoint))

    def label(self, method: str) -> str:
        """A method as tables show it: the checkpoint's own goes by the checkpoint's name."""
        return label_of(method, self.method, self.name)

    @property
    def text(self) -> str:
        """What was learned from beside the support, in words; nothing where that is all."""
        if not self.unlabelled:
            return ""
        tagged = f", tagged by {self.teacher}" if self.teacher else ""
        return f"the unlabelled text of {self.unlabelled}{tagged}"

    @property
    def world(self) -> str:
        """What has to stand behind the target's name: ``(synthetic)``, or nothing."""
        return "(synthetic)" if self.synthetic else "(invented text)" if self.invented else ""

    def as_dict(self) -> dict[str, Any]:
        """As ``--json`` prints it."""
        return {
            "target": self.target,
            "kind": self.kind,
            "shots": self.shots,
            "method": self.method,
            "tune": self.tune,
            "checkpoint": self.checkpoint,
            "name": self.name,
            "synthetic": self.synthetic,
            "invented": self.invented,
            "unlabelled": self.unlabelled,
            "teacher": self.teacher,
            **self.main.as_dict(self.items, self.figure),
            "baselines": {b.method: b.as_dict(self.items, self.figure) for b in self.baselines},
            self.product: self.model,
            "model": self.model,
            "notes": list(self.notes),
        }


def labelled(name: str, method: str) -> str:
    """A checkpoint's own method by the checkpoint's name, and what was added to it (``+``)."""
    return name + "".join(method.partition("+")[1:])


def label_of(method: str, own: str, name: str) -> str:
    """A method as tables show it; ``own`` is that of the checkpoint of this ``name``."""
    return labelled(name, method) if method == own else method


def checkpoint_place(checkpoint: Path) -> str:
    """A checkpoint as a page that is passed on has it: by name where it ships, else its path."""
    return pretrained.name_of(checkpoint) or str(checkpoint)


def checkpoint_name(checkpoint: Path) -> str:
    """The name of a checkpoint that ships with the package, or of the run that wrote it."""
    shipped = pretrained.name_of(checkpoint)
    if shipped is not None:
        return shipped
    folder = checkpoint.absolute()
    return folder.parent.name if folder.name == "checkpoint" else folder.name


def report_of(plan: Plan, results: Sequence[CellResult]) -> AdaptReport:
    """The report of a plan whose cells are done, in any order."""

    def of(method: str) -> MethodReport:
        own = (result for result in results if result.method == method)
        return MethodReport(method, tuple(sorted(own, key=lambda result: result.draw)))

    first, *others = plan.methods
    main = of(first)
    target, kind, config = plan.target, plan.kind, plan.config
    in_order = sorted(results, key=lambda r: (r.method, r.draw))
    label = partial(label_of, own=first, name=checkpoint_name(plan.checkpoint))
    save = next((str(cell.save) for cell in plan.cells if cell.save is not None), "")
    return AdaptReport(
        target.name, config.shots, first, str(plan.checkpoint), plan.cells[0].tune,
        target.synthetic, main, tuple(of(method) for method in others),
        (*plan.notes, *choices_of(main.cells), *facts_of(in_order, label)),
        save, kind.name, kind.items, kind.product, kind.figure_of(target), target.invented,
        getattr(config, "unlabelled", ""), getattr(config, "teacher", ""),
    )  # fmt: skip


def _cell(result: CellResult, items: str, figure: Figure) -> dict[str, Any]:
    score = result.score
    empty: dict[str, Any] = dict.fromkeys((figure.key, *figure.further))
    scores = empty if score is None else score_as_dict(score, figure, digits=figure.digits)
    scores.pop(figure.counted, None)
    groups: dict[str, dict[str, Any]] = scores.pop(f"per_{figure.group}", {})
    for each in groups.values():
        each.pop(f"per_{figure.group}")
    return {
        "draw": result.draw,
        **scores,
        **result.sizes(items, figure),
        "seconds": round(result.seconds, 2),
        **({"start": dict(result.start)} if result.start else {}),
        **({"choice": dict(result.choice)} if result.choice else {}),
        **({"losses": [round(loss, 4) for loss in result.losses]} if result.losses else {}),
        **({"about": dict(result.about)} if result.about else {}),
        f"per_{figure.group}": groups,
    }
