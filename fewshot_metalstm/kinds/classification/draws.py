"""Draws of texts: K of each class, the supports that every figure is computed on.

The draw of (target, K, number) is a pure function of a seed, the target's name, K and the number.
Indices are those of the target's train split. For official targets draws 0-4 are frozen in files
(see :mod:`fewshot_metalstm.data.draws`), which are believed only for the very split that they
index.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from fewshot_metalstm.data.draws import FROZEN_SEED, SPLIT
from fewshot_metalstm.data.frozen import FrozenDraws, Indices
from fewshot_metalstm.errors import UserError
from fewshot_metalstm.kinds.classification.tasks import KIND, ClassificationTask
from fewshot_metalstm.kinds.task import Support
from fewshot_metalstm.seeds import numpy_generator


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
    if target.name == target.data:  # and not a user's own of the same name
        found = FROZEN.found(target, shots, number, seed, folder)
        if found is not None:
            return Support(found)
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


def _facts(target: ClassificationTask) -> dict[str, Any]:
    return {"kind": KIND, "classes": list(target.classes), "split": SPLIT,
            "sha256": target.digests[SPLIT], "texts": target.sizes[SPLIT]}  # fmt: skip


FROZEN = FrozenDraws[ClassificationTask](
    counted="texts",
    shots=(5, 10, 20, 50),
    facts=_facts,
    draw=draw,
    size=lambda fields, shots: shots * len(fields["classes"]),
    corpus=lambda target: target.data,
)
