"""Planning an adaptation run: the checkpoint is checked, supports are drawn, cells are laid out."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from fewshot_metalstm.adapt.cell import Cell
from fewshot_metalstm.adapt.settings import AdaptRunSettings
from fewshot_metalstm.errors import UserError
from fewshot_metalstm.kinds import registry
from fewshot_metalstm.kinds.kind import Kind, Support, Task

CHECKPOINT = "checkpoint"


@dataclass(frozen=True)
class Plan:
    """All that an adaptation run will do. The methods' cells stand in order, by draw."""

    kind: Kind
    checkpoint: Path
    model: Any  # the checkpoint, as its kind loads it
    target: Task
    config: AdaptRunSettings
    cells: tuple[Cell, ...]
    notes: tuple[str, ...]

    @property
    def methods(self) -> tuple[str, ...]:
        """What the results go by, the checkpoint's own method first."""
        return tuple(dict.fromkeys(cell.called for cell in self.cells))


def plan_adaptation(checkpoint: Path, target: Task, config: AdaptRunSettings, output: Path) -> Plan:
    """Load the checkpoint, check it against the target, draw all supports and make the cells.

    Args:
        output: the folder below which the first draw's model is to be written.

    Raises:
        UserError: no such draw, a checkpoint that has seen the target, or an unknown setting.
    """
    kind = registry.kind(target.kind)
    known = kind.methods()
    for baseline in config.baselines:
        if baseline not in known:
            raise UserError(f"baseline {baseline!r} is unknown; use {', '.join(known)}")
    model = kind.load_model(checkpoint, CHECKPOINT)
    notes = list(check_held_out(kind, model, target))
    supports = draw_supports(kind, target, config)
    notes += notes_of(supports)
    names = (algorithm_of(model), *dict.fromkeys(config.baselines))
    cells, more = kind.make_cells(
        names, target, config, supports, range(config.draws), output / kind.product
    )
    notes += more
    if not config.score:
        notes.append("nothing is scored, as was asked")
    elif "test" not in target.sizes:
        notes.append(f"{target.name} has no test split, so that nothing is scored")
    return Plan(kind, checkpoint, model, target, config, tuple(cells), tuple(notes))


def algorithm_of(model: Any) -> str:
    """What a checkpoint's cells are called: the algorithm that made it."""
    return str(model.about.get("algorithm", "meta"))


def draw_supports(kind: Kind, target: Task, config: AdaptRunSettings) -> list[Support]:
    """The supports of all draws."""
    if not target.sizes.get("train"):
        raise UserError(f"{target.name} has no train split to draw a support from; add one")
    return [kind.support(target, config.shots, d, config.seed) for d in range(config.draws)]


def notes_of(supports: Sequence[Support]) -> list[str]:
    """What supports, by draw, say of themselves; what all say, once."""
    draws: dict[str, list[int]] = {}
    for draw, support in enumerate(supports):
        if support.note:
            draws.setdefault(support.note, []).append(draw)
    return [
        note if len(of) == len(supports) > 1
        else f"draw{'s' * (len(of) > 1)} {', '.join(map(str, of))}: {note}"
        for note, of in draws.items()
    ]  # fmt: skip


def check_held_out(kind: Kind, model: Any, target: Task) -> Sequence[str]:
    """Refuse a target whose family the checkpoint has learned from; note equal test items.

    That a target's items are invented is noted too.
    """
    if kind.seen(model.about, target):
        raise UserError(
            f"the checkpoint was meta-trained on {kind.learned_of(target)}, so that "
            "its score would mean nothing; meta-train with --exclude " + target.name
        )
    if target.invented:
        return (f"{target.name} is text invented for this project: its figures are no benchmark",)
    if "test" in target.sizes and target.name not in model.about.get("targets_excluded", ()):
        equal = kind.equal_to_learned(model, target)
        if equal:
            return (
                f"{equal} of the {target.sizes['test']} test {kind.items} of {target.name} equal "
                f"{kind.items} that the checkpoint learned from, so that its score flatters",
            )
    return ()
