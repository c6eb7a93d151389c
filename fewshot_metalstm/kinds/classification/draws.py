"""Draws of texts: K of each class, the supports that every figure is computed on.

The draw of (target, K, number) is a pure function of a seed, the target's name, K and the number.
Indices are those of the target's train split. For official targets draws 0-4 are frozen in files
(see :mod:`fewshot_metalstm.data.draws`), which are believed only for the very split that they
index.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from fewshot_metalstm.data import draws
from fewshot_metalstm.data.draws import FROZEN_DRAWS, FROZEN_SEED, SPLIT, draws_file
from fewshot_metalstm.errors import UserError
from fewshot_metalstm.kinds.classification.tasks import KIND, ClassificationTask
from fewshot_metalstm.kinds.task import Support
from fewshot_metalstm.seeds import numpy_generator

FROZEN_SHOTS = (5, 10, 20, 50)

Indices = tuple[int, ...]
"""Indices into a target's train split, ascending."""


@dataclass(frozen=True, slots=True)
class FrozenDraws:
    """The content of one file of frozen draws."""

    target: str
    classes: tuple[str, ...]
    sha256: str
    texts: int
    supports: Mapping[tuple[int, int], Indices]


def support(
    target: ClassificationTask, shots: int, number: int, *, seed: int = FROZEN_SEED,
    folder: Path | None = None,
) -> Support:  # fmt: skip
    """The support of (target, shots, number): the frozen one where there is one, else drawn.

    A class with fewer texts gives all that it has, and the support's note says so. With ``shots``
    0 it is the whole split.

    Raises :class:`UserError` when the split's digest differs from the file's, or the file is
    damaged.
    """
    if shots == 0:
        return Support(tuple(range(target.sizes[SPLIT])))
    path = draws_file(target.name, folder)
    frozen = seed == FROZEN_SEED and shots in FROZEN_SHOTS and number in FROZEN_DRAWS
    if frozen and target.name == target.data and path.is_file():
        return Support(_frozen(path, target)[shots, number])
    return Support(draw(target, shots, number, seed=seed), shortfall(target, shots))


def draw(
    target: ClassificationTask, shots: int, number: int, *, seed: int = FROZEN_SEED
) -> Indices:
    """Draw ``shots`` texts of each class afresh, or all of a class that has fewer."""
    if shots < 1:
        raise UserError(f"shots is {shots}; use at least 1 text of each class")
    rng = numpy_generator(seed, "draw", target.name, shots, number)
    chosen: list[int] = []
    for at in range(len(target.classes)):
        places = target.splits[SPLIT].of_class(at)
        chosen += rng.choice(places, min(shots, len(places)), replace=False).tolist()
    return tuple(sorted(chosen))


def shortfall(target: ClassificationTask, shots: int) -> str:
    """Which classes have fewer texts than ``shots``, in words; empty where none has."""
    sizes = {name: len(target.splits[SPLIT].of_class(at)) for at, name in enumerate(target.classes)}
    few = [f"{number} of {name}" for name, number in sizes.items() if number < shots]
    return f"fewer than {shots} texts: {', '.join(few)}" if few else ""


def freeze(targets: Iterable[ClassificationTask], folder: Path | None = None) -> tuple[Path, ...]:
    """See :func:`fewshot_metalstm.data.draws.freeze`."""
    return draws.freeze(targets, frozen_text, folder)


def check(targets: Iterable[ClassificationTask], folder: Path | None = None) -> tuple[str, ...]:
    """See :func:`fewshot_metalstm.data.draws.check`."""
    return draws.check(targets, _frozen, _draw_all, folder)


def frozen_text(target: ClassificationTask) -> str:
    """The file of a target's frozen draws: JSON with one line a draw."""
    head = {
        "target": target.name,
        "kind": KIND,
        "classes": list(target.classes),
        "split": SPLIT,
        "sha256": target.digests[SPLIT],
        "texts": target.sizes[SPLIT],
        "seed": FROZEN_SEED,
    }
    rows = (
        {"shots": shots, "draw": number, "indices": list(indices)}
        for (shots, number), indices in _draw_all(target).items()
    )
    return draws.text(head, rows)


def read_frozen(path: Path) -> FrozenDraws:
    """Read a file of frozen draws; raises :class:`UserError` for a damaged one."""
    return draws.read(path, _parse)


@lru_cache(maxsize=16)
def _parse(text: str) -> FrozenDraws:
    data = draws.fields(text, "texts", FROZEN_SHOTS)
    classes = tuple(data["classes"])
    supports: dict[tuple[int, int], Indices] = {}
    for row in data["draws"]:
        shots, number = int(row["shots"]), int(row["draw"])
        if len(row["indices"]) != shots * len(classes):
            raise ValueError(f"draw {number} at {shots} shots has {len(row['indices'])} texts")
        supports[shots, number] = row["indices"]
    return FrozenDraws(data["target"], classes, data["sha256"], data["texts"], supports)


def _frozen(path: Path, target: ClassificationTask) -> Mapping[tuple[int, int], Indices]:
    """The supports of a target's file, which is believed only for the split it was made on."""
    frozen = read_frozen(path)
    known = (frozen.classes, frozen.sha256, frozen.texts)
    if known != (target.classes, target.digests[SPLIT], target.sizes[SPLIT]):
        raise draws.changed(path, target.name, target.data)
    return frozen.supports


def _draw_all(target: ClassificationTask) -> dict[tuple[int, int], Indices]:
    return {
        (shots, number): draw(target, shots, number)
        for shots, number in draws.settings(FROZEN_SHOTS)
    }
