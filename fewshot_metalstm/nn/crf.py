"""A linear-chain CRF whose transitions know the tag scheme and no particular label set.

Tags are ``O`` and ``B, I, E, S`` of each entity type. What is learned is one score for each
*abstract* transition (``E`` to ``B`` of the same type, of another type, ...), so that a head
meta-learned on some label sets serves any other. Illegal transitions (``O`` to ``I``, ``B`` to
``B``, ``I-x`` to ``E-y``, a sentence ending inside a mention) are masked outside the parameters:
they take no part in the partition function, and decoding can never emit one.

Source: Lafferty, McCallum, Pereira, "Conditional Random Fields", ICML 2001; the abstract
transitions follow Hou et al., "Few-shot Slot Tagging with Collapsed Dependency Transfer", ACL 2020.
"""

from __future__ import annotations

from functools import lru_cache

import torch
from torch import Tensor

# Finite, so that a masked score times a zero gradient stays zero in second derivatives.
MASKED = -1e4

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


def expand(scores: Tensor, types: int, masked: float = MASKED) -> tuple[Tensor, Tensor, Tensor]:
    """Spread abstract scores, (len(TRANSITIONS),), to (K, K), (K,) and (K,) for a label set."""
    padded = torch.cat([scores, scores.new_full((1,), masked)])
    inner, start, end = (index.to(scores.device) for index in transition_index(types))
    return padded[inner], padded[start], padded[end]


def negative_log_likelihood(
    emissions: Tensor, scores: Tensor, tags: Tensor, lengths: Tensor
) -> Tensor:
    """-log p(tags | emissions) of each sentence.

    Args:
        emissions: (B, T, K), K = 1 + 4 * types.
        scores: abstract transition scores, (len(TRANSITIONS),).
        tags: (B, T) int64; padding may hold any legal index.
        lengths: (B,) int64.

    Returns:
        (B,) in nats.
    """
    _, steps, width = emissions.shape
    inner, start, end = expand(scores, (width - 1) // 4)
    inside = torch.arange(steps, device=tags.device) < lengths.unsqueeze(1)

    local = emissions.gather(2, tags.unsqueeze(2)).squeeze(2)
    moves = inner[tags[:, :-1], tags[:, 1:]] * inside[:, 1:]
    last = tags.gather(1, lengths.unsqueeze(1) - 1).squeeze(1)
    gold = (local * inside).sum(1) + moves.sum(1) + start[tags[:, 0]] + end[last]

    alpha = start + emissions[:, 0]
    for t in range(1, steps):
        moved = torch.logsumexp(alpha.unsqueeze(2) + inner, dim=1) + emissions[:, t]
        alpha = torch.where(inside[:, t].unsqueeze(1), moved, alpha)
    return torch.logsumexp(alpha + end, dim=1) - gold


@torch.no_grad()
def viterbi(emissions: Tensor, scores: Tensor, lengths: Tensor) -> list[list[int]]:
    """The best legal tag sequence of each sentence; arguments as in the likelihood."""
    _, steps, width = emissions.shape
    inner, start, end = expand(scores, (width - 1) // 4, masked=-torch.inf)
    best = start + emissions[:, 0]
    pointers = []
    for t in range(1, steps):
        values, origin = (best.unsqueeze(2) + inner).max(dim=1)
        inside = (t < lengths).unsqueeze(1)
        best = torch.where(inside, values + emissions[:, t], best)
        pointers.append(torch.where(inside, origin, torch.arange(width, device=origin.device)))
    tag = (best + end).argmax(dim=1)
    path = [tag]
    for origin in reversed(pointers):
        tag = origin.gather(1, tag.unsqueeze(1)).squeeze(1)
        path.append(tag)
    columns = torch.stack(path[::-1], dim=1).tolist()
    return [row[:n] for row, n in zip(columns, lengths.tolist(), strict=True)]
