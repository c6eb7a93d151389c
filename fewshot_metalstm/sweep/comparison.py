"""One table of cells that come from anywhere: sweeps, adaptations, MLflow's store.

What a method is called may not be enough to know it by. Whoever adapted from a checkpoint chose
no method, and finds it by the checkpoint's name. Two checkpoints of one algorithm have the
name of their algorithm, so that a method with several checkpoints at a target is called by both.
Whoever annotates more sentences adapts to the same file again; a method that was adapted to all
of a file at several sizes is called by its number of sentences too. A cell that was done twice
counts once: the one that is newer, which is said in a note.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import PurePath

from fewshot_metalstm.adapt.cell import CellResult
from fewshot_metalstm.declarations import DEFAULT_KIND
from fewshot_metalstm.errors import UserError
from fewshot_metalstm.figure import Figure
from fewshot_metalstm.kinds import registry
from fewshot_metalstm.kinds.kind import Kind
from fewshot_metalstm.sweep.grid import Key
from fewshot_metalstm.sweep.report import Row, rows_of, table_of


@dataclass(frozen=True)
class Found:
    """A cell, the path of the checkpoint that it came from (or empty), and where it was found."""

    key: Key
    checkpoint: str
    result: CellResult
    source: str
    synthetic: bool = False
    kind: str = DEFAULT_KIND  # of task
    figure: Figure | None = None  # of its score; None for the kind's usual one
    label: str = ""  # what its method goes by where nobody chose one: the checkpoint's name


@dataclass(frozen=True)
class Comparison:
    """Rows by target, shots and method; ``first`` is the method that others are compared with."""

    rows: tuple[Row, ...]
    first: str
    synthetic: tuple[str, ...]
    figure: Figure
    shots: str  # what K counts
    notes: tuple[str, ...] = ()

    def table(self) -> tuple[tuple[str, ...], list[tuple[str, ...]]]:
        """Head and rows, as text."""
        return table_of(self.rows, self.first, self.synthetic, self.figure)


def compare(cells: Sequence[Found], against: str | None = None) -> Comparison:
    """Make one table of cells, the older ones first.

    Args:
        against: the method to hold the others against; by default the first one.

    Raises:
        UserError: there is no cell (only what was scored is one), no method called ``against``, or
            cells of several kinds of task, whose figures cannot be compared.
    """
    if not cells:
        raise UserError(
            "there is nothing to compare: no adapted tagger has a score; give adapt a target with "
            "a test split, or --test FILE beside --train"
        )
    kinds = tuple(dict.fromkeys(cell.kind for cell in cells))
    if len(kinds) > 1:
        raise UserError(
            f"figures of {' and '.join(kinds)} cannot stand in one table; name the runs of one kind"
        )
    kind = registry.kind(kinds[0])
    named = _by_size(_by_checkpoint(_by_label(cells, kind), kind), kind)
    results: dict[Key, Found] = {}
    again: dict[Key, int] = {}
    for cell in named:
        other = results.get(cell.key)
        if other is not None and other.result.score is not None:
            if cell.result.score is None:
                continue  # what was not scored takes no figure's place
            again[cell.key] = again.get(cell.key, 0) + 1
        results[cell.key] = cell
    methods = list(dict.fromkeys(key.method for key in results))
    if against is not None:
        if against not in methods:
            raise UserError(f"no method is called {against!r}; use {' or '.join(methods)}")
        methods = [against, *(m for m in methods if m != against)]
    targets = list(dict.fromkeys(key.target for key in results))
    order = sorted(results, key=lambda k: (
        targets.index(k.target), k.shots or 10**9, methods.index(k.method), k.draw
    ))  # fmt: skip
    # rows_of holds all against the method of the first key, wherever that one is absent too.
    order.sort(key=lambda k: k.method != methods[0])
    figure = kind.figure_for(cell.figure or kind.figure for cell in results.values())
    rows = rows_of(order, {key: cell.result for key, cell in results.items()}, figure)
    rows = tuple(sorted(rows, key=lambda r: (
        targets.index(r.target), r.shots or 10**9, methods.index(r.method)
    )))  # fmt: skip
    notes = []
    if again:
        number = sum(again.values())
        notes.append(
            f"{number} older {'results are' if number > 1 else 'result is'} left out, of cells "
            "that were done again; name the runs to choose others"
        )
    synthetic = dict.fromkeys(c.key.target for c in named if c.synthetic)
    return Comparison(rows, methods[0], tuple(synthetic), figure, kind.shots, tuple(notes))


def _by_label(cells: Sequence[Found], kind: Kind) -> list[Found]:
    """The cells under their labels, whichever of a checkpoint's cells brought them."""
    taken = kind.methods()  # a run may be called as a baseline is
    labels = {
        (c.key.method, c.checkpoint): c.label for c in cells if c.label and c.label not in taken
    }
    named = []
    for cell in cells:
        method = labels.get((cell.key.method, cell.checkpoint), cell.key.method)
        named.append(replace(cell, key=replace(cell.key, method=method)))
    return named


def _by_checkpoint(cells: Sequence[Found], kind: Kind) -> list[Found]:
    """The cells, with methods that have several checkpoints at a target called by them too."""
    alone = {name for name, method in kind.methods().items() if not method.checkpoint}
    checkpoints: dict[tuple[str, str], list[str]] = {}
    for cell in cells:
        known = checkpoints.setdefault((cell.key.target, cell.key.method), [])
        if cell.checkpoint not in known:
            known.append(cell.checkpoint)
    named = []
    for cell in cells:
        method = cell.key.method
        others = checkpoints[cell.key.target, method]
        if len(others) > 1 and method not in alone:
            name = f"{method} ({_short(cell.checkpoint, others)})"
            named.append(replace(cell, key=replace(cell.key, method=name)))
        else:
            named.append(cell)
    return named


def _by_size(cells: Sequence[Found], kind: Kind) -> list[Found]:
    """The cells, with methods that had all of a file at several sizes called by the size too.

    Frozen draws have a size each and are the same everywhere, so theirs tells nothing.
    """
    sizes: dict[tuple[str, str], set[int]] = {}
    for cell in cells:
        if not cell.key.shots:
            known = sizes.setdefault((cell.key.target, cell.key.method), set())
            known.add(cell.result.support_items)
    named = []
    for cell in cells:
        key, number = cell.key, cell.result.support_items
        if not key.shots and len(sizes[key.target, key.method]) > 1:
            key = replace(key, method=f"{key.method} ({number} {kind.items})")
        named.append(replace(cell, key=key))
    return named


def _short(path: str, others: Sequence[str]) -> str:
    """As many of a path's last names as tell it from the others."""

    def names(text: str) -> tuple[str, ...]:
        parts = PurePath(text).parts
        return parts[:-1] if parts[-1:] == ("checkpoint",) else parts

    own = names(path)
    for number in range(1, len(own) + 1):
        if all(names(o)[-number:] != own[-number:] for o in others if o != path):
            return str(PurePath(*own[-number:]))
    return path or "no checkpoint"


def by_kind(cells: Sequence[Found]) -> dict[str, list[Found]]:
    """The cells of each kind of task, kinds in the order in which they come."""
    found: dict[str, list[Found]] = {}
    for cell in cells:
        found.setdefault(cell.kind, []).append(cell)
    return found
