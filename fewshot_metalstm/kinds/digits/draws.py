"""Draws of digits: K images of each class, the supports that every figure is computed on.

The draw of (target, K, number) is a pure function of a seed, the target's name, K and the number.
Indices are those of MNIST's train split. For official targets draws 0-4 are frozen in files (see
:mod:`fewshot_metalstm.data.draws`), which are believed only for the very split that they index.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from fewshot_metalstm.data import draws
from fewshot_metalstm.data.draws import FROZEN_DRAWS, FROZEN_SEED, SPLIT, draws_file
from fewshot_metalstm.errors import UserError
from fewshot_metalstm.kinds.digits.reader import CORPUS
from fewshot_metalstm.kinds.digits.tasks import DigitsTask
from fewshot_metalstm.seeds import numpy_generator

FROZEN_SHOTS = (1, 5, 10, 20, 50, 100)

Support = tuple[int, ...]
"""Indices into MNIST's train split, ascending."""


@dataclass(frozen=True, slots=True)
class FrozenDraws:
    """The content of one file of frozen draws."""

    target: str
    classes: tuple[str, ...]
    sha256: str
    images: int
    supports: Mapping[tuple[int, int], Support]


def draw(target: DigitsTask, shots: int, number: int, *, seed: int = FROZEN_SEED) -> Support:
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
) -> Support:  # fmt: skip
    """The support of (target, shots, number): the frozen one where there is one, else drawn.

    Raises :class:`UserError` when the split's digest differs from the file's, the file is damaged,
    or a class has too few images.
    """
    path = draws_file(target.name, folder)
    frozen = seed == FROZEN_SEED and shots in FROZEN_SHOTS and number in FROZEN_DRAWS
    if frozen and path.is_file():
        return _frozen(path, target)[shots, number]
    return draw(target, shots, number, seed=seed)


def freeze(targets: Iterable[DigitsTask], folder: Path | None = None) -> tuple[Path, ...]:
    """See :func:`fewshot_metalstm.data.draws.freeze`."""
    return draws.freeze(targets, frozen_text, folder)


def check(targets: Iterable[DigitsTask], folder: Path | None = None) -> tuple[str, ...]:
    """See :func:`fewshot_metalstm.data.draws.check`."""
    return draws.check(targets, _frozen, _draw_all, folder)


def frozen_text(target: DigitsTask) -> str:
    """The file of a target's frozen draws: JSON with one line a draw."""
    head = {
        "target": target.name,
        "kind": "digits",
        "classes": list(target.classes),
        "split": SPLIT,
        "sha256": target.digests[SPLIT],
        "images": target.splits[SPLIT].size,
        "seed": FROZEN_SEED,
    }
    rows = (
        {"shots": shots, "draw": number, "indices": list(support)}
        for (shots, number), support in _draw_all(target).items()
    )
    return draws.text(head, rows)


def read_frozen(path: Path) -> FrozenDraws:
    """Read a file of frozen draws; raises :class:`UserError` for a damaged one."""
    return draws.read(path, _parse)


@lru_cache(maxsize=16)
def _parse(text: str) -> FrozenDraws:
    data = draws.fields(text, "images", FROZEN_SHOTS)
    classes = tuple(data["classes"])
    supports: dict[tuple[int, int], Support] = {}
    for row in data["draws"]:
        shots, number = int(row["shots"]), int(row["draw"])
        if len(row["indices"]) != shots * len(classes):
            raise ValueError(f"draw {number} at {shots} shots has {len(row['indices'])} images")
        supports[shots, number] = row["indices"]
    return FrozenDraws(data["target"], classes, data["sha256"], data["images"], supports)


def _frozen(path: Path, target: DigitsTask) -> Mapping[tuple[int, int], Support]:
    """The supports of a target's file, which is believed only for the split it was made on."""
    frozen = read_frozen(path)
    _same_split(path, frozen, target)
    return frozen.supports


def _same_split(path: Path, frozen: FrozenDraws, target: DigitsTask) -> None:
    split = target.splits[SPLIT]
    known = (frozen.classes, frozen.sha256, frozen.images)
    if known != (target.classes, split.sha256, split.size):
        raise draws.changed(path, target.name, CORPUS)


def _draw_all(target: DigitsTask) -> dict[tuple[int, int], Support]:
    return {
        (shots, number): draw(target, shots, number)
        for shots, number in draws.settings(FROZEN_SHOTS)
    }
