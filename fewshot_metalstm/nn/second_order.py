"""The way back through what is compiled, where a gradient of the gradient is asked for."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import torch
from torch import Tensor


def through_plain(
    plain: Callable[..., Tensor], inputs: Sequence[Tensor], needed: Sequence[bool], d_output: Tensor
) -> tuple[Tensor | None, ...]:
    """Gradients, with a graph, of the inputs that need one; None for the others.

    Args:
        plain: the same in plain torch, of the inputs.
    """
    # Views, so that an input that depends on another one does not count twice.
    views = [value.view_as(value) for value in inputs]
    wanted = [value for value, need in zip(views, needed, strict=True) if need]
    found = iter(torch.autograd.grad(plain(*views), wanted, d_output, create_graph=True))
    return tuple(next(found) if need else None for need in needed)
