"""Transitions between IOBES tags that know no particular label set.

Tags are ``O`` and ``B, I, E, S`` of each entity type. What is learned is one score for each
*abstract* transition (``E`` to ``B`` of the same type, of another type, ...), so that a head
meta-learned on some label sets serves any other. Illegal transitions (``O`` to ``I``, ``B`` to
``B``, ``I-x`` to ``E-y``, a sentence ending inside a mention) are no parameters: their weight is 0.

Source: Hou et al., "Few-shot Slot Tagging with Collapsed Dependency Transfer", ACL 2020.
"""

from __future__ import annotations

from functools import lru_cache

import torch
from torch import Tensor

_AFTER = {"O": "OBS", "B": "IE", "I": "IE", "E": "OBS", "S": "OBS", "start": "OBS"}


def _abstract_transitions() -> tuple[str, ...]:
    names = []
    for before, following in _AFTER.items():
        for after in following:
            if before in "ES" and after in "BS":
                names += [f"{before}>{after}=", f"{before}>{after}!"]
            else:
                names.append(f"{before}>{after}")
    return (*names, "O>end", "E>end", "S>end")


# "E>B=" is a mention followed by one of the same type, "E>B!" by one of another type.
TRANSITIONS = _abstract_transitions()


@lru_cache(maxsize=64)
def transition_index(types: int) -> tuple[Tensor, Tensor, Tensor]:
    """Which abstract transition each pair of tags uses, for a label set of ``types`` types.

    Returns:
        (K, K) int64 for tag i followed by tag j, (K,) for start to tag, (K,) for tag to end,
        where K = 1 + 4 * types; the value is an index into :data:`TRANSITIONS`, or -1 if illegal.
    """
    tags = [("O", -1), *((kind, t) for t in range(types) for kind in "BIES")]
    place = {name: i for i, name in enumerate(TRANSITIONS)}

    def lookup(before: tuple[str, int], after: tuple[str, int]) -> int:
        same = before[1] == after[1]
        if after[0] in "IE" and not same:
            return -1
        name = f"{before[0]}>{after[0]}"
        if before[0] in ("E", "S") and after[0] in "BS":
            name += "=" if same else "!"
        return place.get(name, -1)

    inner = torch.tensor([[lookup(a, b) for b in tags] for a in tags])
    start = torch.tensor([place.get(f"start>{kind}", -1) for kind, _ in tags])
    end = torch.tensor([place.get(f"{kind}>end", -1) for kind, _ in tags])
    return inner, start, end


def expand(scores: Tensor, types: int) -> tuple[Tensor, Tensor, Tensor]:
    """Spread abstract scores, (len(TRANSITIONS),), to (K, K), (K,) and (K,) for a label set.

    What is illegal is -inf: such a path has no part in anything, however good its emissions are.
    """
    padded = torch.cat([scores, scores.new_full((1,), -torch.inf)])
    inner, start, end = (index.to(scores.device) for index in transition_index(types))
    return padded[inner], padded[start], padded[end]
