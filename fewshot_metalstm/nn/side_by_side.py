"""Several Meta-LSTMs that stand side by side in one, each run for itself.

Their weights are those of one Meta-LSTM with zeros wherever one of them would read another. To
multiply these takes as many times the work as there are of them; apart, each does its own.
"""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor

from fewshot_metalstm.nn.layer import Weights

MOST = 4  # that are looked for
_GATES = 4


def apart(weights: Weights) -> list[Weights]:
    """The weights of each of those that stand side by side; ``weights`` alone where none do."""
    sizes = weights.meta_g.shape[1], *weights.p.shape[2:]
    for count in range(MOST, 1, -1):
        if all(size % count == 0 for size in sizes) and _side_by_side(weights, count):
            return [_one(weights, count, i) for i in range(count)]
    return [weights]


def each_for_itself(run: Callable[[Weights], Tensor], parts: list[Weights]) -> Tensor:
    """What all of them together give, (B, T, 2 * hidden).

    Args:
        run: gives the outputs of one.
        parts: as :func:`apart` gives them.
    """
    outputs = [run(part) for part in parts]
    batch, steps, _ = outputs[0].shape
    by_direction = [out.view(batch, steps, 2, -1) for out in outputs]
    return torch.cat(by_direction, dim=3).flatten(2)


def _side_by_side(weights: Weights, count: int) -> bool:
    """Whether none of ``count`` equal parts reads the states of another."""
    recurrent = (
        # the first is what tells most others at once
        (weights.meta_g, _GATES), (weights.meta_z, 1), (weights.meta_h, _GATES),
        (weights.qh, _GATES), (weights.p, 1), (weights.bz, _GATES), (weights.wh, _GATES),
    )  # fmt: skip
    for weight, gates in recurrent:
        if not weight.numel():
            continue
        *first, rows, wide = weight.shape
        blocks = weight.reshape(*first, count, rows // count, gates, count, wide // gates // count)
        for i in range(count):  # (.., count, rows, gates, count, columns)
            others = [j for j in range(count) if j != i]
            if blocks[..., i, :, :, others, :].any():
                return False
    return True


def _one(weights: Weights, count: int, i: int) -> Weights:
    """The weights of the i-th."""

    def columns(weight: Tensor, gates: int = _GATES) -> Tensor:
        if not weight.numel():
            return weight
        return weight.reshape(*weight.shape[:-1], gates, count, -1)[..., i, :].flatten(-2)

    def block(weight: Tensor, gates: int = _GATES) -> Tensor:
        if not weight.numel():
            return weight
        own = columns(weight, gates)
        *first, rows, wide = own.shape
        return own.reshape(*first, count, rows // count, wide)[..., i, :, :]

    return Weights(
        meta_x=columns(weights.meta_x), meta_h=block(weights.meta_h),
        meta_b=columns(weights.meta_b), meta_g=block(weights.meta_g),
        meta_z=block(weights.meta_z, 1), qx=columns(weights.qx), qh=block(weights.qh),
        p=block(weights.p, 1), bz=block(weights.bz), wx=columns(weights.wx),
        wh=block(weights.wh), b=columns(weights.b),
    )  # fmt: skip
