"""Supports of language models: the beginning of a document, which every figure is computed on.

The support of (target, K, number) is the first K thousand characters of a document, and its query
the next five thousand. Draws of different numbers are of different documents as long as there are
some, and a number means the same document at every K up to ten: figures at different K can be set
side by side. For official targets draws 0-4 are frozen in files (see
:mod:`fewshot_metalstm.data.draws`) as the index of their first segment.

Of a user's own text the support is the beginning of a file; without ``--shots``, all of it.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from fewshot_metalstm.data.draws import FROZEN_SEED, SPLIT
from fewshot_metalstm.data.frozen import FrozenDraws, Indices
from fewshot_metalstm.errors import UserError
from fewshot_metalstm.kinds.language_model.tasks import KIND, QUERY, SHOT, TRAIN, TextTask
from fewshot_metalstm.seeds import numpy_generator

FROZEN_SHOTS = (1, 2, 5, 10)


def support(target: TextTask, shots: int, number: int, *, seed: int) -> tuple[int, ...]:
    """The segments of a support, ascending.

    Args:
        shots: thousands of characters; 0 takes the whole train split.

    Raises:
        UserError: no document is long enough.
    """
    if shots == 0:
        if target.follows:
            raise UserError(
                f"{target.name}: all of it as support leaves no character to score; say how many "
                "thousands with --shots"
            )
        return tuple(place for a, b in target.spans(TRAIN) for place in range(a, b))
    if target.follows:
        start = load_draw(target, shots, number, seed=seed)
    else:
        start = _own(target, shots, number)
    return tuple(range(start, start + shots * SHOT))


def _own(target: TextTask, shots: int, number: int) -> int:
    found = [a for a, b in target.spans(TRAIN) if b - a >= shots * SHOT]
    if not found:
        most = max(target.size([span]) for span in target.spans(TRAIN))
        raise UserError(
            f"{target.name}: --shots {shots} asks for {shots * 1000:,} characters, and there are "
            f"{most:,}; use fewer, or --shots 0 for all"
        )
    return found[number % len(found)]


def draw(target: TextTask, shots: int, number: int, *, seed: int = FROZEN_SEED) -> int:
    """Draw the first segment of a support afresh.

    Raises:
        UserError: no document holds the support and the query behind it.
    """
    # The same documents whatever K is, as long as it is one of those that are frozen.
    for most in (max(shots, *FROZEN_SHOTS), shots):
        needed = most * SHOT + QUERY
        found = [a for a, b in target.spans(TRAIN) if b - a >= needed]
        if found:
            order = numpy_generator(seed, "draw", target.name, most).permutation(len(found))
            return found[int(order[number % len(found)])]
    most = max(target.size([span]) for span in target.spans(TRAIN))
    raise UserError(
        f"{target.name} has no document with {shots * 1000:,} characters and 5,000 behind them "
        f"(the longest has {most:,}); use fewer shots"
    )


def load_draw(
    target: TextTask, shots: int, number: int, *, seed: int = FROZEN_SEED,
    folder: Path | None = None,
) -> int:  # fmt: skip
    """The first segment of (target, shots, number): the frozen one if there is one, else drawn.

    Raises :class:`UserError` when the split's digest differs from the file's, or the file is
    damaged.
    """
    if target.data:
        found = FROZEN.found(target, shots, number, seed, folder)
        if found is not None:
            return found[0]
    return draw(target, shots, number, seed=seed)


def _facts(target: TextTask) -> dict[str, Any]:
    return {"kind": KIND, "split": SPLIT, "sha256": target.digests[TRAIN],
            "segments": target.sizes[TRAIN]}  # fmt: skip


def _start(target: TextTask, shots: int, number: int) -> Indices:
    return (draw(target, shots, number),)


FROZEN = FrozenDraws[TextTask](
    counted="segments",
    shots=FROZEN_SHOTS,
    facts=_facts,
    draw=_start,
    size=lambda fields, shots: 1,  # the first
    corpus=lambda target: target.data,
)
