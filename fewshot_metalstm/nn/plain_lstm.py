"""A bidirectional LSTM without a Meta-LSTM: what the generated weights are compared with.

It is the basic LSTM of :mod:`fewshot_metalstm.nn.metalstm` with its static term alone::

    [n; o; i; f] = [tanh; sig; sig; sig](W_0 [x_t; h_{t-1}] + b_0)
    c_t = n * i + c_{t-1} * f ;  h_t = o * tanh(c_t)

To the forms of the layer that is a Meta-LSTM without outputs (m = 0) and generated weights of rank
z = 0, so that kernels, packing, initial scales and second order are those of the other one. All
weights belong to the task (``basic_``): first-order MAML with it is MAML on a BiLSTM-CRF, with one
LSTM's weights as the shared start and nothing shared at the function level.

Source: the baseline of shared parameters in Chen, Qiu, Liu, Huang, "Meta Multi-Task Learning for
Sequence Modeling", AAAI 2018 (arXiv 1802.08969).
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from fewshot_metalstm.nn.cell_config import MetaLSTMConfig
from fewshot_metalstm.nn.fastest import fastest
from fewshot_metalstm.nn.layer import Form, Layout, Weights, layer_plain
from fewshot_metalstm.nn.metalstm import MetaLSTM
from fewshot_metalstm.nn.recurrent import Recurrent, nearest
from fewshot_metalstm.nn.torch_weights import from_torch, to_torch

_GATES = (2, 3, 0, 1)  # n, o, i, f in the order of torch: i, f, n, o


class PlainLSTM(Recurrent):
    """Bidirectional LSTM: ``(words, index, lengths) -> (B, T, outputs)``.

    ``config.hidden`` outputs each direction or, with ``config.match``, as many as give it the size
    of the generated LSTM of ``config`` (:func:`matched`), which is all that ``meta``, ``z`` and
    ``static`` are for.
    """

    def __init__(self, inputs: int, config: MetaLSTMConfig, generator: torch.Generator) -> None:
        super().__init__(inputs, config)
        self.form: Form | None = None  # None: the fastest one here
        h = self.hidden

        def normal(*shape: int) -> nn.Parameter:
            std = config.scale_static * (inputs + h) ** -0.5
            return nn.Parameter(torch.randn(*shape, generator=generator) * std)

        self.basic_wx = normal(2, inputs, 4 * h)
        self.basic_wh = normal(2, h, 4 * h)
        self.basic_b = nn.Parameter(torch.zeros(2, 1, 4 * h))
        with torch.no_grad():
            self.basic_b[..., 3 * h :] = config.forget_bias

    @classmethod
    def size(cls, inputs: int, hidden: int, config: MetaLSTMConfig) -> int:
        """See :class:`Recurrent`."""
        del config
        return plain_parameters(inputs, hidden)

    def over(
        self, words: Tensor, layout: Layout, keep: Tensor | None = None, *, plain: bool = False,
        training: bool = False,
    ) -> Tensor:  # fmt: skip
        """See :class:`Recurrent`."""
        del keep, training
        form = layer_plain if plain else self.form or fastest(words)
        return form(words, self.weights(), layout, 0.0)

    def as_torch(self) -> nn.LSTM:
        """torch.nn's LSTM with these weights, for batches (B, T, inputs)."""
        other = nn.LSTM(self.inputs, self.hidden, batch_first=True, bidirectional=True)
        return to_torch(other.to(self.basic_wx), self.basic_wx, self.basic_wh, self.basic_b, _GATES)

    def take(self, other: nn.LSTM) -> None:
        """Take the weights of torch.nn's LSTM: one layer, both directions, the same sizes.

        Raises:
            ValueError: another shape.
        """
        from_torch(other, self.basic_wx, self.basic_wh, self.basic_b, _GATES)

    def weights(self) -> Weights:
        """The parameters by the names that the forms of the layer use."""
        return weights_of(self.basic_wx, self.basic_wh, self.basic_b)


def weights_of(wx: Tensor, wh: Tensor, b: Tensor) -> Weights:
    """Weights (.., inputs, 4h), (.., h, 4h) and bias (.., 1, 4h) as those of a layer of rank 0.

    ``..`` is the direction, with or without a dimension of tasks before it.
    """
    before, inputs, h = wx.shape[:-2], wx.shape[-2], wh.shape[-2]

    def none(*shape: int) -> Tensor:
        return wx.new_empty(*before, *shape)

    return Weights(
        none(inputs, 0), none(h, 0), none(1, 0), none(0, 0), none(0, 0), none(inputs, 0),
        none(h, 0), none(4, 0, h), none(0, 4 * h), wx, wh, b,
    )  # fmt: skip


def parameters_of(inputs: int, config: MetaLSTMConfig) -> int:
    """How many parameters Meta-LSTM and basic LSTM of these sizes have, in both directions."""
    return MetaLSTM.size(inputs, config.hidden, config)


def plain_parameters(inputs: int, hidden: int) -> int:
    """How many parameters a plain LSTM has, in both directions."""
    return 8 * hidden * (inputs + hidden + 1)


def matched(inputs: int, config: MetaLSTMConfig) -> int:
    """Outputs, each direction, of the plain LSTM that is next in size to the generated one.

    Args:
        inputs: features of a word, on which both sizes depend.
    """
    return nearest(lambda h: plain_parameters(inputs, h), parameters_of(inputs, config))
