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

import math

import torch
from torch import Tensor, nn

from fewshot_metalstm.nn.cells import find
from fewshot_metalstm.nn.layer import Form, Weights, layer_plain
from fewshot_metalstm.nn.metalstm import MetaLSTM, MetaLSTMConfig, in_both_directions

_SETTING = "tagger.lstm.kind"


class PlainLSTM(nn.Module):
    """Bidirectional LSTM: ``(words, index, lengths) -> (B, T, outputs)``.

    ``config.hidden`` outputs each direction or, with ``config.match``, as many as give it the size
    of the generated LSTM of ``config`` (:func:`matched`), which is all that ``meta``, ``z`` and
    ``static`` are for.
    """

    def __init__(self, inputs: int, config: MetaLSTMConfig, generator: torch.Generator) -> None:
        super().__init__()
        self.inputs = inputs
        self.config = config
        self.plain = False  # True: nothing but plain torch; see MetaLSTM
        self.form: Form | None = None
        self.hidden = h = matched(inputs, config) if config.match else config.hidden

        def normal(*shape: int) -> nn.Parameter:
            std = config.scale_static * (inputs + h) ** -0.5
            return nn.Parameter(torch.randn(*shape, generator=generator) * std)

        self.basic_wx = normal(2, inputs, 4 * h)
        self.basic_wh = normal(2, h, 4 * h)
        self.basic_b = nn.Parameter(torch.zeros(2, 1, 4 * h))
        with torch.no_grad():
            self.basic_b[..., 3 * h :] = config.forget_bias

    def forward(self, words: Tensor, index: Tensor, lengths: Tensor) -> Tensor:
        """Run both directions; see :meth:`MetaLSTM.forward`."""
        form = layer_plain if self.plain else self.form
        return in_both_directions(
            words, self.weights(), index, lengths, 0.0, form, padding=self.plain
        )

    @property
    def outputs(self) -> int:
        """Length of an output, both directions."""
        return 2 * self.hidden

    def weights(self) -> Weights:
        """The parameters by the names that the forms of the layer use."""
        return weights_of(self.basic_wx, self.basic_wh, self.basic_b)


def make_lstm(
    inputs: int, config: MetaLSTMConfig, generator: torch.Generator
) -> MetaLSTM | PlainLSTM:
    """The LSTM that a config names, with fresh weights; :class:`UserError` if there is none."""
    cell: type[MetaLSTM | PlainLSTM] = find(config.kind, _SETTING).load()
    return cell(inputs, config, generator)


def check(config: MetaLSTMConfig) -> None:
    """Raise :class:`UserError` for a kind of LSTM that there is not."""
    find(config.kind, _SETTING)


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
    h, m, z = config.hidden, config.meta, config.z
    shared = 4 * m * (inputs + h + m + 1) + m * z
    generated = 4 * z * (inputs + h) + 4 * z * h + 4 * z * h  # Q, P, B
    static = plain_parameters(inputs, h) if config.static else 0
    return 2 * (shared + generated) + static


def plain_parameters(inputs: int, hidden: int) -> int:
    """How many parameters a plain LSTM has, in both directions."""
    return 8 * hidden * (inputs + hidden + 1)


def matched(inputs: int, config: MetaLSTMConfig) -> int:
    """Outputs, each direction, of the plain LSTM that is next in size to the generated one.

    The positive root of ``8 k (k + inputs + 1) = N``, rounded to the nearer size.

    Args:
        inputs: features of a word, on which both sizes depend.
    """
    wanted = parameters_of(inputs, config)
    half = (inputs + 1) / 2
    root = int(math.sqrt(half * half + wanted / 8) - half)
    return min((max(root, 1), root + 1), key=lambda k: abs(plain_parameters(inputs, k) - wanted))
