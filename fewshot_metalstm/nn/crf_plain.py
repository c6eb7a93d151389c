"""The CRF written plainly, in torch and in logarithms, step by step.

This form serves every device, any order of derivatives and ``torch.func``, and scores of any size;
it is what the compiled form is tested against. :mod:`fewshot_metalstm.nn.crf` explains arguments.
"""

from __future__ import annotations

from functools import reduce

import torch
from torch import Tensor

from fewshot_metalstm.nn.transitions import expand


def negative_log_likelihood(
    emissions: Tensor, scores: Tensor, tags: Tensor, lengths: Tensor
) -> Tensor:
    """See :func:`fewshot_metalstm.nn.crf.negative_log_likelihood`."""
    steps, width = emissions.shape[1:]
    inner, start, end = expand(scores, (width - 1) // 4)
    inside = torch.arange(steps, device=tags.device) < lengths.unsqueeze(1)

    local = emissions.gather(2, tags.unsqueeze(2)).squeeze(2)
    local = torch.where(inside, local, 0.0)
    moves = inner[tags[:, :-1], tags[:, 1:]]
    moves = torch.where(inside[:, 1:], moves, 0.0)  # not a product: 0 * -inf is no number
    last = tags.gather(1, lengths.unsqueeze(1) - 1).squeeze(1)
    gold = local.sum(1) + moves.sum(1) + start[tags[:, 0]] + end[last]

    alpha = forward(emissions, inner, start, lengths)[-1]
    return torch.logsumexp(alpha + end, dim=1) - gold


def forward(emissions: Tensor, inner: Tensor, start: Tensor, lengths: Tensor) -> list[Tensor]:
    """Logs of the forward variables, (B, K) a step; after a sentence its last ones are kept."""
    alphas = [start + emissions[:, 0]]
    for t in range(1, emissions.shape[1]):
        moved = torch.logsumexp(alphas[-1].unsqueeze(2) + inner, dim=1) + emissions[:, t]
        alphas.append(torch.where((t < lengths).unsqueeze(1), moved, alphas[-1]))
    return alphas


def backward(emissions: Tensor, inner: Tensor, end: Tensor, lengths: Tensor) -> list[Tensor]:
    """Logs of the backward variables, (B, K) a step."""
    betas = [end.expand(emissions.shape[0], -1)]
    for t in range(emissions.shape[1] - 1, 0, -1):
        later = (emissions[:, t] + betas[-1]).unsqueeze(1)
        moved = torch.logsumexp(inner + later, dim=2)
        betas.append(torch.where((t < lengths).unsqueeze(1), moved, betas[-1]))
    return betas[::-1]


def viterbi(emissions: Tensor, scores: Tensor, lengths: Tensor) -> Tensor:
    """The best paths, (B, T); see :func:`fewshot_metalstm.nn.crf.viterbi`."""
    steps, width = emissions.shape[1:]
    inner, start, end = expand(scores, (width - 1) // 4)
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
    return torch.stack(path[::-1], dim=1)


def mention_marginals(
    emissions: Tensor, scores: Tensor, lengths: Tensor, mentions: Tensor
) -> Tensor:
    """See :func:`fewshot_metalstm.nn.crf.mention_marginals`."""
    inner, start, end = expand(scores, (emissions.shape[2] - 1) // 4)
    alphas = forward(emissions, inner, start, lengths)
    betas = backward(emissions, inner, end, lengths)
    log_z = torch.logsumexp(alphas[-1] + end, dim=1)
    found = []
    for row, begin, stop, kind in mentions.tolist():
        if not (0 <= begin < stop <= int(lengths[row]) and 0 <= 1 + 4 * kind < len(start)):
            raise IndexError(f"no mention of type {kind} from {begin} to {stop} in sentence {row}")
        b, i, e, s = range(1 + 4 * kind, 5 + 4 * kind)
        path = [s] if stop == begin + 1 else [b, *[i] * (stop - begin - 2), e]
        steps = zip(path, path[1:], range(begin + 1, stop), strict=False)
        inside = [inner[p, q] + emissions[row, t, q] for p, q, t in steps]
        score = reduce(torch.add, inside, alphas[begin][row, path[0]])
        found.append(score + betas[stop - 1][row, path[-1]] - log_z[row])
    return torch.stack(found).exp() if found else emissions.new_zeros(0)
