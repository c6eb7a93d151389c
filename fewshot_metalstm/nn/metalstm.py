"""The Meta-LSTM and the basic LSTM whose weights it generates (Chen et al. 2018).

One module holds both, because they advance together, step by step. With input ``x_t``, the
Meta-LSTM's state ``(g_t, s_t)`` (output, cell) and the basic LSTM's state ``(h_t, c_t)``::

    [n; o; i; f] = [tanh; sig; sig; sig](W_m [x_t; g_{t-1}; h_{t-1}] + b_m)
    s_t = n * i + s_{t-1} * f ;  g_t = o * tanh(s_t) ;  z_t = offset + W_z g_t

    [n; o; i; f] = [tanh; sig; sig; sig](W(z_t) [x_t; h_{t-1}] + b(z_t))
    c_t = n * i + c_{t-1} * f ;  h_t = o * tanh(c_t)

    W(z) = W_0 + stack_k P_k diag(z) Q_k ;  b(z) = b_0 + stack_k B_k z ,  k in {n, o, i, f}

``W_m, b_m, W_z`` are shared by all tasks; ``P, Q, B, W_0, b_0`` belong to the task. ``W(z)`` is
never formed: ``P_k (z * (Q_k u))`` is enough. ``W_0`` and ``b_0`` are the static term, which the
paper lacks (``static=False`` is the paper's form, with the constant bias gone as well).

Both directions run as one batch: parameters carry a leading dimension of size 2, and the second
direction reads each sentence back to front within its own length, so padding never enters.

Source: Chen, Qiu, Liu, Huang, "Meta Multi-Task Learning for Sequence Modeling", AAAI 2018
(arXiv 1802.08969), equations of the Meta-LSTM and of the basic LSTM.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from fewshot_metalstm.nn.cell_config import MetaLSTMConfig
from fewshot_metalstm.nn.fastest import fastest
from fewshot_metalstm.nn.layer import Form, Layout, Weights, layer_plain
from fewshot_metalstm.nn.recurrent import Recurrent
from fewshot_metalstm.nn.side_by_side import apart, each_for_itself


class MetaLSTM(Recurrent):
    """Bidirectional Meta-LSTM: ``(words, index, lengths) -> (B, T, 2 * hidden)``.

    Parameters whose names begin with ``meta_`` are shared by all tasks; those that begin with
    ``basic_`` are the task's own.
    """

    def __init__(self, inputs: int, config: MetaLSTMConfig, generator: torch.Generator) -> None:
        super().__init__(inputs, config)
        self.form: Form | None = None  # None: the fastest one here
        h, m, z = config.hidden, config.meta, config.z

        def normal(*shape: int, std: float) -> nn.Parameter:
            return nn.Parameter(torch.randn(*shape, generator=generator) * std)

        # Weights are stored as (direction, inputs, outputs). Gates stand in the order n, o, i, f.
        self.meta_x = normal(2, inputs, 4 * m, std=inputs**-0.5)
        self.meta_h = normal(2, h, 4 * m, std=h**-0.5)
        self.meta_g = normal(2, m, 4 * m, std=m**-0.5)
        self.meta_b = nn.Parameter(torch.zeros(2, 1, 4 * m))
        self.meta_z = normal(2, m, z, std=config.scale_z * m**-0.5)
        fan_in = inputs + h
        self.basic_qx = normal(2, inputs, 4 * z, std=fan_in**-0.5)
        self.basic_qh = normal(2, h, 4 * z, std=fan_in**-0.5)
        self.basic_p = normal(2, 4, z, h, std=config.scale_generated * z**-0.5)
        self.basic_bz = nn.Parameter(torch.zeros(2, z, 4 * h))
        if config.static:
            std = config.scale_static * fan_in**-0.5
            self.basic_wx = normal(2, inputs, 4 * h, std=std)
            self.basic_wh = normal(2, h, 4 * h, std=std)
            self.basic_b = nn.Parameter(torch.zeros(2, 1, 4 * h))
        with torch.no_grad():
            self.meta_b[..., 3 * m :] = config.forget_bias
            if config.static:
                self.basic_b[..., 3 * h :] = config.forget_bias
            elif config.offset:
                # With z near `offset`, B z is then the forget bias, as b_0 would be.
                self.basic_bz[..., 3 * h :] = config.forget_bias / (config.offset * z)

    @classmethod
    def size(cls, inputs: int, hidden: int, config: MetaLSTMConfig) -> int:
        """See :class:`Recurrent`."""
        h, m, z = hidden, config.meta, config.z
        shared = 4 * m * (inputs + h + m + 1) + m * z
        generated = 4 * z * (inputs + h) + 4 * z * h + 4 * z * h  # Q, P, B
        static = 4 * h * (inputs + h + 1) if config.static else 0
        return 2 * (shared + generated + static)

    def over(
        self, words: Tensor, layout: Layout, keep: Tensor | None = None, *, plain: bool = False,
        training: bool = False,
    ) -> Tensor:  # fmt: skip
        """See :class:`Recurrent`."""
        del keep, training
        form = layer_plain if plain else self.form or fastest(words)
        weights, offset = self.weights(), self.config.offset
        if plain or torch.is_grad_enabled():
            return form(words, weights, layout, offset)
        parts = apart(weights)
        return each_for_itself(lambda part: form(words, part, layout, offset), parts)

    def weights(self) -> Weights:
        """The parameters by the names that the forms of the layer use."""
        none = self.meta_x.new_empty(2, 0, 0)
        static = (self.basic_wx, self.basic_wh, self.basic_b) if self.config.static else (none,) * 3
        return Weights(
            self.meta_x, self.meta_h, self.meta_b, self.meta_g, self.meta_z, self.basic_qx,
            self.basic_qh, self.basic_p, self.basic_bz, *static,
        )  # fmt: skip
