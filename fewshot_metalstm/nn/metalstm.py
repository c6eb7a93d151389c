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

from dataclasses import dataclass
from typing import Annotated

import torch
from torch import Tensor, nn

from fewshot_metalstm.nn.cells import CELLS, META_LSTM, OLDER, canonical
from fewshot_metalstm.nn.fastest import fastest
from fewshot_metalstm.nn.layer import Form, Layout, Weights, layer_plain
from fewshot_metalstm.ranges import AtLeast1, Finite, NotNegative, Range


@dataclass(frozen=True)
class MetaLSTMConfig:
    """Sizes and initial scales; the field names of the paper are in brackets."""

    # lstm is one without Meta-LSTM, see nn/plain_lstm.py
    kind: Annotated[str, Range(choices=tuple(CELLS), older=OLDER)] = META_LSTM
    match: bool = True  # lstm has as many parameters as meta-lstm would; false: `hidden` outputs
    hidden: AtLeast1 = 100  # outputs of the basic LSTM, each direction [h]
    meta: AtLeast1 = 40  # outputs of the Meta-LSTM, each direction [m]
    z: AtLeast1 = 60  # rank of the generated weights [z]
    static: bool = True  # add a task's own full-rank weights W_0 and bias b_0
    offset: Finite = 1.0  # z_t = offset + W_z g_t; 0 is the paper's form
    scale_static: NotNegative = 1.0  # std of W_0, in units of 1/sqrt(inputs)
    scale_generated: NotNegative = 0.5  # std of P(z*(Qu)) at z = 1, in units of W_0's at scale 1
    scale_z: NotNegative = 0.5  # std of W_z, in units of 1/sqrt(meta)
    forget_bias: Finite = 1.0  # initial bias of both forget gates

    def __post_init__(self) -> None:
        """Take a kind's older name for the one that it has now."""
        object.__setattr__(self, "kind", canonical(self.kind))


class MetaLSTM(nn.Module):
    """Bidirectional Meta-LSTM: ``(words, index, lengths) -> (B, T, 2 * hidden)``.

    Parameters whose names begin with ``meta_`` are shared by all tasks; those that begin with
    ``basic_`` are the task's own.
    """

    def __init__(self, inputs: int, config: MetaLSTMConfig, generator: torch.Generator) -> None:
        super().__init__()
        self.inputs = inputs
        self.config = config
        self.plain = False  # True: nothing but plain torch; for vmap, or as a reference
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

    def forward(self, words: Tensor, index: Tensor, lengths: Tensor) -> Tensor:
        """Run both directions.

        Args:
            words: features of the distinct words, (U, inputs).
            index: which word stands where, (B, T) of int64 in [0, U); padding may hold any.
            lengths: tokens of each sentence, (B,) of int64 in [1, T].

        Returns:
            (B, T, 2 * hidden): forward and backward outputs; zero at padding.
        """
        form = layer_plain if self.plain else self.form
        return in_both_directions(
            words, self.weights(), index, lengths, self.config.offset, form, padding=self.plain
        )

    @property
    def outputs(self) -> int:
        """Length of an output, both directions."""
        return 2 * self.config.hidden

    def weights(self) -> Weights:
        """The parameters by the names that the forms of the layer use."""
        none = self.meta_x.new_empty(2, 0, 0)
        static = (self.basic_wx, self.basic_wh, self.basic_b) if self.config.static else (none,) * 3
        return Weights(
            self.meta_x, self.meta_h, self.meta_b, self.meta_g, self.meta_z, self.basic_qx,
            self.basic_qh, self.basic_p, self.basic_bz, *static,
        )  # fmt: skip


def in_both_directions(
    words: Tensor, weights: Weights, index: Tensor, lengths: Tensor, offset: float,
    form: Form | None = None, *, padding: bool = False,
) -> Tensor:  # fmt: skip
    """Run a form of the layer over sentences; see :meth:`MetaLSTM.forward`.

    Args:
        form: None for the fastest one here.
        padding: compute at padding too, so that no shape depends on a length.
    """
    batch, steps = index.shape
    sentence, ahead, back, sizes = (padded if padding else packed)(lengths, steps)
    position = torch.stack([ahead, back], dim=1) + steps * sentence.unsqueeze(1)  # (N, 2)
    places = 2 * position + torch.arange(2, device=index.device)
    layout = Layout(index.flatten()[position], places, sizes, batch, steps)
    outputs = (form or fastest(words))(words, weights, layout, offset)
    if padding:
        inside = torch.arange(steps, device=index.device) < lengths.unsqueeze(1)
        outputs = outputs * inside.unsqueeze(-1)
    return outputs


Packing = tuple[Tensor, Tensor, Tensor, list[int]]


def packed(lengths: Tensor, steps: int) -> Packing:
    """Tokens in the order of the steps, the longest sentence first, without padding.

    Returns:
        For every row, (N,): its sentence, the position that the first direction reads and the one
        that the second reads, back to front within the sentence; and the rows of each step.
    """
    longest = torch.argsort(lengths, descending=True, stable=True)
    inside = torch.arange(steps, device=lengths.device).unsqueeze(1) < lengths[longest]
    ahead, column = inside.nonzero(as_tuple=True)  # step by step
    sentence = longest[column]
    sizes = [size for size in inside.sum(1).tolist() if size > 0]
    return sentence, ahead, lengths[sentence] - 1 - ahead, sizes


def padded(lengths: Tensor, steps: int) -> Packing:
    """As :func:`packed`, with every sentence going on to the last step in its own row.

    No size depends on a value here, which ``torch.func.vmap`` asks for. In the padding the second
    direction reads what is there, so that every position is read once.
    """
    batch = lengths.shape[0]
    ahead = torch.arange(steps, device=lengths.device).repeat_interleave(batch)
    sentence = torch.arange(batch, device=lengths.device).repeat(steps)
    back = lengths.repeat(steps) - 1 - ahead
    return sentence, ahead, torch.where(back >= 0, back, ahead), [batch] * steps
