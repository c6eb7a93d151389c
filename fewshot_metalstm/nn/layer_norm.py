"""Layer normalisation of a cell's gates, each by itself, with gains and shifts of each direction.

Source: Ba, Kiros, Hinton, "Layer Normalization", 2016; gate by gate as in Ha, Dai, Le,
"HyperNetworks", ICLR 2017.
"""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional

EPSILON = 1e-5


def layer_norm(x: Tensor, gain: Tensor, shift: Tensor, gates: int = 1) -> Tensor:
    """Every gate of every row with mean 0 and variance 1, times gains, plus shifts.

    Args:
        x: (2, rows, gates * size).
        gain: (2, 1, gates * size).
        shift: as ``gain``.
    """
    shape = x.shape
    size = shape[-1] // gates
    made = functional.layer_norm(x.reshape(*shape[:-1], gates, size), (size,), eps=EPSILON)
    return torch.addcmul(shift, made.reshape(shape), gain)
