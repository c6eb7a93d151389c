"""Weights in 8 bits: a step for each channel (output), no offset.

The largest weight of a channel is 127 steps, so that no weight is off by more than half a step.
Source: Krishnamoorthi, "Quantizing Deep Convolutional Networks for Efficient Inference", 2018,
section 3.1.2 (per channel, symmetric).
"""

from __future__ import annotations

import torch
from torch import Tensor

LEVELS = 127


def steps(matrix: Tensor, dim: int = -1) -> Tensor:
    """The step of each channel: the largest magnitude along ``dim``, kept as 1, by 127.

    A channel without a weight has the step 1.
    """
    largest = matrix.abs().amax(dim=dim, keepdim=True)
    return torch.where(largest > 0, largest / LEVELS, torch.ones_like(largest))


def codes(matrix: Tensor, step: Tensor) -> Tensor:
    """Weights as whole numbers of steps, -127 to 127, int8."""
    return torch.round(matrix / step).clamp(-LEVELS, LEVELS).to(torch.int8)


def rounded(matrix: Tensor, dim: int = -1) -> Tensor:
    """Weights (or activations) as 8 bits have them, in the type of ``matrix``.

    The gradient passes as if nothing were rounded (the straight-through estimator; Bengio,
    Leonard, Courville 2013).
    """
    step = steps(matrix.detach(), dim)
    turned = torch.round(matrix.detach() / step).clamp(-LEVELS, LEVELS) * step
    return matrix + (turned - matrix).detach()
