"""Draws of sentence pairs: K of a target's train split, which every figure is computed on.

The draw of (target, K, number) is a pure function of a seed, the target's name and the number: one
order of all pairs, of which a support has the first K. So a support of more shots holds those of
fewer. For official targets draws 0-4 are frozen in files (see
:mod:`fewshot_metalstm.data.draws`), which are believed only for the very split that they index.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from functools import lru_cache
from pathlib import Path
from typing import Any

from fewshot_metalstm.data import draws
from fewshot_metalstm.data.draws import FROZEN_DRAWS, FROZEN_SEED, SPLIT, draws_file
from fewshot_metalstm.errors import UserError
from fewshot_metalstm.kinds.task import Support
from fewshot_metalstm.kinds.translation.pairs import KIND
from fewshot_metalstm.kinds.translation.tasks import TranslationTask
from fewshot_metalstm.seeds import numpy_generator

FROZEN_SHOTS = (10, 50, 200)

Indices = tuple[int, ...]
"""Indices into a target's train split, ascending."""


def support(
    target: TranslationTask, shots: int, number: int, *, seed: int = FROZEN_SEED,
    folder: Path | None = None,
) -> Support:  # fmt: skip
    """The support of (target, shots, number): the frozen one where there is one, else drawn.

    A target with fewer pairs gives all that it has, and the support's note says so. With ``shots``
    0 it is the whole split.

    Raises :class:`UserError` when the split's digest differs from the file's, or the file is
    damaged.
    """
    size = target.sizes[SPLIT]
    if shots == 0:
        return Support(tuple(range(size)))
    path = draws_file(target.name, folder)
    frozen = seed == FROZEN_SEED and shots in FROZEN_SHOTS and number in FROZEN_DRAWS
    if frozen and target.data and path.is_file():
        return Support(_frozen(path, target)[shots, number])
    note = f"fewer than {shots} pairs: there are {size}" if size < shots else ""
    return Support(draw(target, shots, number, seed=seed), note)


def draw(target: TranslationTask, shots: int, number: int, *, seed: int = FROZEN_SEED) -> Indices:
    """Draw ``shots`` pairs afresh, or all of a target that has fewer."""
    if shots < 1:
        raise UserError(f"shots is {shots}; use at least 1 pair")
    order = numpy_generator(seed, "draw", target.name, number).permutation(target.sizes[SPLIT])
    return tuple(sorted(order[:shots].tolist()))


def freeze(targets: Iterable[TranslationTask], folder: Path | None = None) -> tuple[Path, ...]:
    """See :func:`fewshot_metalstm.data.draws.freeze`."""
    return draws.freeze(targets, frozen_text, folder)


def check(targets: Iterable[TranslationTask], folder: Path | None = None) -> tuple[str, ...]:
    """See :func:`fewshot_metalstm.data.draws.check`."""
    return draws.check(targets, _frozen, _draw_all, folder)


def frozen_text(target: TranslationTask) -> str:
    """The file of a target's frozen draws: JSON with one line a draw."""
    head = {
        "target": target.name, "kind": KIND, "split": SPLIT, "sha256": target.digests[SPLIT],
        "pairs": target.sizes[SPLIT], "seed": FROZEN_SEED,
    }  # fmt: skip
    rows = (
        {"shots": shots, "draw": number, "indices": list(indices)}
        for (shots, number), indices in _draw_all(target).items()
    )
    return draws.text(head, rows)


@lru_cache(maxsize=16)
def _parse(text: str) -> tuple[dict[str, Any], dict[tuple[int, int], Indices]]:
    data = draws.fields(text, "pairs", FROZEN_SHOTS)
    supports: dict[tuple[int, int], Indices] = {}
    for row in data["draws"]:
        shots, number = int(row["shots"]), int(row["draw"])
        if len(row["indices"]) != shots:
            raise ValueError(f"draw {number} at {shots} shots has {len(row['indices'])} pairs")
        supports[shots, number] = row["indices"]
    return data, supports


def _frozen(path: Path, target: TranslationTask) -> Mapping[tuple[int, int], Indices]:
    """The supports of a target's file, which is believed only for the split it was made on."""
    data, supports = draws.read(path, _parse)
    if (data["sha256"], data["pairs"]) != (target.digests[SPLIT], target.sizes[SPLIT]):
        raise draws.changed(path, target.name, target.data)
    return supports


def _draw_all(target: TranslationTask) -> dict[tuple[int, int], Indices]:
    return {
        (shots, number): draw(target, shots, number)
        for shots, number in draws.settings(FROZEN_SHOTS)
    }
