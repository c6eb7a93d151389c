"""Dropout from explicit generators.

Masks are drawn on the CPU, so that a seed means the same on every device.
"""

from __future__ import annotations

import torch
from torch import Tensor


def dropout(
    x: Tensor, rate: float, generator: torch.Generator | None, *, rows: bool = False
) -> Tensor:
    """Inverted dropout from an explicit CPU generator; whole rows, unscaled, if ``rows``."""
    if generator is None or rate <= 0:
        return x
    if rows:
        return x * mask((x.shape[0], 1), rate, generator, x)
    return x * mask(tuple(x.shape), rate, generator, x) / (1 - rate)


def mask(shape: tuple[int, ...], rate: float, generator: torch.Generator, like: Tensor) -> Tensor:
    """1 with probability 1 - ``rate``, else 0; nothing is drawn at rate 0."""
    if rate <= 0:
        return like.new_ones(shape)
    return (torch.rand(shape, generator=generator) >= rate).to(like)


def scaled(shape: tuple[int, ...], rate: float, generator: torch.Generator, like: Tensor) -> Tensor:
    """The factors of inverted dropout."""
    return mask(shape, rate, generator, like) / (1 - max(rate, 0.0))


def locked(x: Tensor, rate: float, generator: torch.Generator | None) -> Tensor:
    """Dropout of (B, T, F) with one mask along T (Gal and Ghahramani, NeurIPS 2016)."""
    if generator is None or rate <= 0:
        return x
    return x * scaled((x.shape[0], 1, x.shape[2]), rate, generator, x)
