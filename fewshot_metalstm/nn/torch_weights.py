"""Exchanging weights with torch.nn's recurrent layers of one layer and both directions.

torch keeps them as (gates * hidden, inputs), one tensor a direction, and two biases that are added;
here they are (2, inputs, gates * hidden), and one bias, (2, 1, gates * hidden).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeVar

import torch
from torch import Tensor, nn

Torch = TypeVar("Torch", bound=nn.RNNBase)
_ENDS = ("", "_reverse")


@torch.no_grad()
def from_torch(other: nn.RNNBase, wx: Tensor, wh: Tensor, b: Tensor, order: Sequence[int]) -> None:
    """Copy the weights of ``other`` into ``wx``, ``wh`` and ``b``.

    Args:
        order: which gate of torch's the gates here are, backwards: gate ``order[k]`` here is
            torch's gate k.

    Raises:
        ValueError: more layers, one direction, or other sizes.
    """
    hidden = wh.shape[1]
    if (other.num_layers, other.bidirectional, other.input_size, other.hidden_size) != (
        1, True, wx.shape[1], hidden,
    ):  # fmt: skip
        raise ValueError(f"{other} is not one layer of both directions with the same sizes")
    for d, end in enumerate(_ENDS):
        own = {name: getattr(other, f"{name}_l0{end}", None) for name in _NAMES}
        if own["weight_ih"] is None or own["weight_hh"] is None:
            raise ValueError(f"{other} has no plain weights")
        wx[d].copy_(_ordered(own["weight_ih"], order).t())
        wh[d].copy_(_ordered(own["weight_hh"], order).t())
        b[d].zero_()
        for name in ("bias_ih", "bias_hh"):
            bias = own[name]
            if bias is not None:
                b[d, 0].add_(_ordered(bias, order))


_NAMES = ("weight_ih", "weight_hh", "bias_ih", "bias_hh")


@torch.no_grad()
def to_torch(other: Torch, wx: Tensor, wh: Tensor, b: Tensor, order: Sequence[int]) -> Torch:
    """Copy ``wx``, ``wh`` and ``b`` into ``other``, which is returned."""
    for d, end in enumerate(_ENDS):
        getattr(other, f"weight_ih_l0{end}").copy_(_back(wx[d].t(), order))
        getattr(other, f"weight_hh_l0{end}").copy_(_back(wh[d].t(), order))
        getattr(other, f"bias_ih_l0{end}").copy_(_back(b[d, 0], order))
        getattr(other, f"bias_hh_l0{end}").zero_()
    return other


def _ordered(value: Tensor, order: Sequence[int]) -> Tensor:
    """Gates in torch's order as they are here."""
    gates = value.chunk(len(order))
    return torch.cat([gates[order.index(k)] for k in range(len(order))])


def _back(value: Tensor, order: Sequence[int]) -> Tensor:
    """Gates as they are here in torch's order."""
    gates = value.chunk(len(order))
    return torch.cat([gates[k] for k in order])
