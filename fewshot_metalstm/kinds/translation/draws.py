"""Draws of sentence pairs: K of a target's train split, which every figure is computed on.

The draw of (target, K, number) is a pure function of a seed, the target's name and the number: one
order of all pairs, of which a support has the first K. So a support of more shots holds those of
fewer. For official targets draws 0-4 are frozen in files (see
:mod:`fewshot_metalstm.data.draws`), which are believed only for the very split that they index.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from fewshot_metalstm.data.draws import FROZEN_SEED, SPLIT
from fewshot_metalstm.data.frozen import FrozenDraws, Indices
from fewshot_metalstm.errors import UserError
from fewshot_metalstm.kinds.task import Support
from fewshot_metalstm.kinds.translation.pairs import KIND
from fewshot_metalstm.kinds.translation.tasks import TranslationTask
from fewshot_metalstm.seeds import numpy_generator


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
    if target.data:  # and not a user's own of the same name
        found = FROZEN.found(target, shots, number, seed, folder)
        if found is not None:
            return Support(found)
    note = f"fewer than {shots} pairs: there are {size}" if size < shots else ""
    return Support(draw(target, shots, number, seed=seed), note)


def draw(target: TranslationTask, shots: int, number: int, *, seed: int = FROZEN_SEED) -> Indices:
    """Draw ``shots`` pairs afresh, or all of a target that has fewer."""
    if shots < 1:
        raise UserError(f"shots is {shots}; use at least 1 pair")
    order = numpy_generator(seed, "draw", target.name, number).permutation(target.sizes[SPLIT])
    return tuple(sorted(order[:shots].tolist()))


def _facts(target: TranslationTask) -> dict[str, Any]:
    return {"kind": KIND, "split": SPLIT, "sha256": target.digests[SPLIT],
            "pairs": target.sizes[SPLIT]}  # fmt: skip


FROZEN = FrozenDraws[TranslationTask](
    counted="pairs",
    shots=(10, 50, 200),
    facts=_facts,
    draw=draw,
    size=lambda fields, shots: shots,
    corpus=lambda target: target.data,
)
