"""The CRF where every token has a label of its own: any label may follow any other.

Of the tags of :mod:`fewshot_metalstm.nn.crf` only ``S`` of each type is left, so that no path is
illegal, and of the transitions two that matter: a label after itself, and after another one. The
scores are those of the same head, which can so be shared with tasks that have mentions. Written in
torch, on top of :mod:`fewshot_metalstm.nn.crf_plain`, for every device and order of derivatives.

Source: Lafferty, McCallum, Pereira, "Conditional Random Fields", ICML 2001.
"""

from __future__ import annotations

import torch
from torch import Tensor

from fewshot_metalstm.nn import crf_plain
from fewshot_metalstm.nn.transitions import TRANSITIONS

_START, _SAME, _OTHER, _END = (
    TRANSITIONS.index(name) for name in ("start>S", "S>S=", "S>S!", "S>end")
)
_FIRST, _EVERY = 4, 4  # a type's tag S, and how many tags lie between that of two types


def negative_log_likelihood(
    emissions: Tensor, scores: Tensor, tags: Tensor, lengths: Tensor
) -> Tensor:
    """-log p(labels | emissions) of each sentence, in nats, (B,).

    Args:
        emissions: (B, T, 1 + 4 * types), of which those of the tags ``S`` are read.
        scores: abstract transition scores, (len(TRANSITIONS),).
        tags: (B, T) int64, each a tag ``S``; padding may hold any.
        lengths: (B,) int64 in [1, T].
    """
    own = own_emissions(emissions)
    steps = own.shape[1]
    inner, start, end = _moves(scores, own.shape[2])
    inside = torch.arange(steps, device=tags.device) < lengths.unsqueeze(1)
    labels = torch.where(inside, labels_of(tags), 0)
    local = own.gather(2, labels.unsqueeze(2)).squeeze(2)
    moves = inner[labels[:, :-1], labels[:, 1:]]
    gold = (local * inside).sum(1) + (moves * inside[:, 1:]).sum(1) + scores[_START] + scores[_END]
    alpha = crf_plain.forward(own, inner, start, lengths)[-1]
    return torch.logsumexp(alpha + end, dim=1) - gold


@torch.no_grad()
def viterbi(emissions: Tensor, scores: Tensor, lengths: Tensor) -> list[list[int]]:
    """The best labels of each sentence, as tags ``S``; of equals the first is taken."""
    own = own_emissions(emissions)
    inner, start, end = _moves(scores, own.shape[2])
    best = start + own[:, 0]
    places = torch.arange(own.shape[2], device=own.device)
    pointers = []
    for step in range(1, own.shape[1]):
        values, origin = (best.unsqueeze(2) + inner).max(dim=1)
        inside = (step < lengths).unsqueeze(1)
        best = torch.where(inside, values + own[:, step], best)
        pointers.append(torch.where(inside, origin, places))
    label = (best + end).argmax(dim=1)
    path = [label]
    for origin in reversed(pointers):
        label = origin.gather(1, label.unsqueeze(1)).squeeze(1)
        path.append(label)
    tags = _FIRST + _EVERY * torch.stack(path[::-1], dim=1)
    return [row[:n] for row, n in zip(tags.tolist(), lengths.tolist(), strict=True)]


@torch.no_grad()
def marginals(emissions: Tensor, scores: Tensor, lengths: Tensor, mentions: Tensor) -> Tensor:
    """The probability of labels, (M,).

    Args:
        mentions: (M, 4) int64 as for :func:`fewshot_metalstm.nn.crf.mention_marginals`: sentence,
            token, the token after it, label.
    """
    own = own_emissions(emissions)
    inner, start, end = _moves(scores, own.shape[2])
    alphas = torch.stack(crf_plain.forward(own, inner, start, lengths), dim=1)
    betas = torch.stack(crf_plain.backward(own, inner, end, lengths), dim=1)
    # After a sentence the forward variables are its last ones, and the backward ones its end's.
    log_z = torch.logsumexp(alphas[:, -1] + end, dim=1)
    row, token, _, label = mentions.unbind(1)
    found: Tensor = (alphas[row, token, label] + betas[row, token, label] - log_z[row]).exp()
    return found


def own_emissions(emissions: Tensor) -> Tensor:
    """The emissions of the tags ``S``, (B, T, types)."""
    return emissions[:, :, _FIRST::_EVERY]


def labels_of(tags: Tensor) -> Tensor:
    """The number of the label that each tag ``S`` is, from 0."""
    return (tags - _FIRST).div(_EVERY, rounding_mode="floor")


def _moves(scores: Tensor, number: int) -> tuple[Tensor, Tensor, Tensor]:
    """Scores of one label after another, (N, N), from the start, (N,), and to the end, (N,)."""
    same = torch.eye(number, dtype=torch.bool, device=scores.device)
    inner = torch.where(same, scores[_SAME], scores[_OTHER])
    return inner, scores[_START].expand(number), scores[_END].expand(number)
