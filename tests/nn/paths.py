"""Every tag sequence of small sentences, and its score, said another way than the CRF says it."""

from __future__ import annotations

import itertools

import torch
from torch import Tensor

from fewshot_metalstm.kinds.tagging.corpora.schemes import IllegalTagsError, Scheme, validate
from fewshot_metalstm.nn.transitions import TRANSITIONS


def names(types: int) -> list[str]:
    return ["O", *(f"{kind}-t{t}" for t in range(types) for kind in "BIES")]


def legal(tags: list[str]) -> bool:
    try:
        validate(tags, Scheme.IOBES)
    except IllegalTagsError:
        return False
    return True


def transition_name(before: str, after: str) -> str:
    """The abstract name of a legal move, said another way than the module says it."""
    name = f"{before[0]}>{after[0]}"
    if before[0] in "ES" and after[0] in "BS":
        name += "=" if before[2:] == after[2:] else "!"
    return name


def path_score(emissions: Tensor, scores: Tensor, path: tuple[int, ...], tags: list[str]) -> Tensor:
    """The score of one legal path of one sentence, term by term."""
    words = [tags[i] for i in path]
    moves = [f"start>{words[0][0]}", f"{words[-1][0]}>end"]
    moves += [transition_name(a, b) for a, b in itertools.pairwise(words)]
    parts = [emissions[t, i] for t, i in enumerate(path)]
    return torch.stack([*parts, *(scores[TRANSITIONS.index(move)] for move in moves)]).sum()


def legal_paths(types: int, length: int) -> list[tuple[int, ...]]:
    tags = names(types)
    paths = itertools.product(range(len(tags)), repeat=length)
    return [path for path in paths if legal([tags[i] for i in path])]


def random_problem(types: int, lengths: list[int], seed: int = 0) -> tuple[Tensor, Tensor, Tensor]:
    generator = torch.Generator().manual_seed(seed)
    shape = (len(lengths), max(lengths), 1 + 4 * types)
    emissions = torch.randn(shape, generator=generator, dtype=torch.float64)
    scores = torch.randn(len(TRANSITIONS), generator=generator, dtype=torch.float64)
    return emissions, scores, torch.tensor(lengths)
