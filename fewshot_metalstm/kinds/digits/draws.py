"""Draws of digits: K images of each class, the supports that every figure is computed on.

The draw of (target, K, number) is a pure function of a seed, the target's name, K and the number.
Indices are those of MNIST's train split. For official targets draws 0-4 are frozen in files (see
:mod:`fewshot_metalstm.data.draws`), which are believed only for the very split that they index.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from fewshot_metalstm.data.draws import FROZEN_SEED, SPLIT
from fewshot_metalstm.data.frozen import FrozenDraws, Indices
from fewshot_metalstm.errors import UserError
from fewshot_metalstm.kinds.digits.reader import CORPUS
from fewshot_metalstm.kinds.digits.tasks import DigitsTask
from fewshot_metalstm.seeds import numpy_generator


def draw(target: DigitsTask, shots: int, number: int, *, seed: int = FROZEN_SEED) -> Indices:
    """Draw ``shots`` images of each class afresh; :class:`UserError` where there are too few."""
    split = target.splits[SPLIT]
    if shots < 1:
        raise UserError(f"shots is {shots}; use at least 1 image of each class")
    rng = numpy_generator(seed, "draw", target.name, shots, number)
    chosen: list[int] = []
    for at, name in enumerate(target.classes):
        places = split.places[split.of_class(at)]
        if len(places) < shots:
            raise UserError(
                f"{target.name} has {len(places)} images of the class {name}, too few for "
                f"{shots} shots; use fewer"
            )
        chosen += rng.choice(places, shots, replace=False).tolist()
    return tuple(sorted(chosen))


def load_draw(
    target: DigitsTask, shots: int, number: int, *, seed: int = FROZEN_SEED,
    folder: Path | None = None,
) -> Indices:  # fmt: skip
    """The support of (target, shots, number): the frozen one where there is one, else drawn.

    Raises :class:`UserError` when the split's digest differs from the file's, the file is damaged,
    or a class has too few images.
    """
    found = FROZEN.found(target, shots, number, seed, folder)
    return draw(target, shots, number, seed=seed) if found is None else found


def _facts(target: DigitsTask) -> dict[str, Any]:
    split = target.splits[SPLIT]
    return {"kind": "digits", "classes": list(target.classes), "split": SPLIT,
            "sha256": split.sha256, "images": split.size}  # fmt: skip


FROZEN = FrozenDraws[DigitsTask](
    counted="images",
    shots=(1, 5, 10, 20, 50, 100),
    facts=_facts,
    draw=draw,
    size=lambda fields, shots: shots * len(fields["classes"]),
    corpus=lambda _: CORPUS,
)
