"""What a frozen encoder gives each token, beside the features of the word that stands there."""

from __future__ import annotations

import torch
from torch import Tensor


def tokens_at(index: Tensor, lengths: Tensor) -> tuple[Tensor, Tensor]:
    """Where the tokens of a batch stand, (B, T) bool, and their number there, (B, T), 0 outside.

    Args:
        index: the word at each place, (B, T).
        lengths: tokens of each item, (B,).
    """
    steps = torch.arange(index.shape[1], device=index.device)
    inside = steps < lengths[:, None]
    number = (inside.flatten().cumsum(0) - 1).view_as(index)
    return inside, torch.where(inside, number, 0)


def beside(words: Tensor, index: Tensor, lengths: Tensor, context: Tensor) -> tuple[Tensor, Tensor]:
    """Features of every token, (N, F + C), and which of them stands at each place, (B, T).

    Args:
        words: features of the distinct words, (U, F).
        index: the word at each place, (B, T).
        lengths: tokens of each item, (B,).
        context: what stands beside them, token by token, (N, C).
    """
    inside, places = tokens_at(index, lengths)
    return torch.cat([words[index[inside]], context], dim=1), places
