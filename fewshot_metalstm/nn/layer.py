"""The layer of :mod:`fewshot_metalstm.nn.metalstm` as a function of words, weights and a layout.

It has three forms with the same arguments and results: plain torch, torch with a backward pass by
hand, and compiled (:mod:`fewshot_metalstm.nn.fused`). :mod:`fewshot_metalstm.nn.fastest` chooses.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import torch
from torch import Tensor

from fewshot_metalstm.nn.recurrence import recurrence, recurrence_plain


class Weights(NamedTuple):
    """Parameters of the layer, named and shaped as in ``MetaLSTM``; the last three may be empty.

    A leading dimension of 2 is the direction.
    """

    meta_x: Tensor
    meta_h: Tensor
    meta_b: Tensor
    meta_g: Tensor
    meta_z: Tensor
    qx: Tensor
    qh: Tensor
    p: Tensor
    bz: Tensor
    wx: Tensor
    wh: Tensor
    b: Tensor


@dataclass(frozen=True)
class Layout:
    """Where tokens stand when sentences are packed step by step; N rows, one a token.

    ``rows`` (N, 2): which distinct word each row reads, in each direction. ``places`` (N, 2):
    which row of the (2 * B * T, h) output it writes. ``sizes``: rows of each step, not
    increasing.
    """

    rows: Tensor
    places: Tensor
    sizes: Sequence[int]
    batch: int
    steps: int


Form = Callable[[Tensor, Weights, Layout, float], Tensor]


def layer_plain(words: Tensor, weights: Weights, layout: Layout, offset: float) -> Tensor:
    """Both LSTMs in both directions, differentiable as often as one likes.

    Args:
        words: features of the distinct words, (U, inputs).
        weights: parameters, of the words' type and device.
        layout: packed sentences.
        offset: added to W_z g.

    Returns:
        (B, T, 2 * h): outputs of the basic LSTM; zero at padding.
    """
    return layer_over(recurrence_plain, words, weights, layout, offset)


def layer_by_hand(words: Tensor, weights: Weights, layout: Layout, offset: float) -> Tensor:
    """:func:`layer_plain` with the recurrence's backward pass by hand; on any device."""
    return layer_over(recurrence, words, weights, layout, offset)


def layer_over(
    run: Callable[..., Tensor], words: Tensor, weights: Weights, layout: Layout, offset: float
) -> Tensor:
    """The layer with a recurrence of one's own, as :func:`.recurrence_plain` is called."""
    w = weights
    from_x, bias, recurrent = joined(weights)
    # Every product with x is taken once a distinct word, outside the recurrence.
    projected = torch.baddbmm(bias, words.expand(2, *words.shape), from_x)
    hidden = run(
        projected, layout.rows, layout.sizes, recurrent, w.meta_g, w.meta_z, w.p, w.bz, offset
    )  # (N, 2, h)
    h = w.p.shape[3]
    outputs = hidden.new_zeros(2 * layout.batch * layout.steps, h)
    outputs = outputs.index_copy(0, layout.places.flatten(), hidden.flatten(0, 1))
    return outputs.view(layout.batch, layout.steps, 2 * h)


def joined(weights: Weights) -> tuple[Tensor, Tensor, Tensor]:
    """Weights side by side, as the recurrence takes them.

    Returns:
        those that meet what is read, (2, inputs, F), their bias, (2, 1, F), and those that meet the
        last output, (2, h, F).
    """
    w = weights
    from_x, from_h = [w.meta_x, w.qx], [w.meta_h, w.qh]
    bias = [w.meta_b, w.meta_b.new_zeros(2, 1, w.qx.shape[2])]
    if w.wx.numel():
        from_x.append(w.wx)
        from_h.append(w.wh)
        bias.append(w.b)
    return torch.cat(from_x, dim=2), torch.cat(bias, dim=2), torch.cat(from_h, dim=2)
