"""An LSTM and an RNN whose weights a small network of their kind scales, row by row, at every step.

The scaling form of hypernetworks, HyperLSTM. With the small network's output ``g_t``, for each gate
y in {n, o, i, f} (the RNN has one)::

    g_t = cell(M [x_t; h_{t-1}; g_{t-1}] + b_m)
    z_h = V_h g_t + a_h ;  z_x = V_x g_t + a_x ;  z_b = V_b g_t                 (N_z numbers each)
    y   = norm((D_h z_h) * (W_h h_{t-1}) + (D_x z_x) * (W_x x_t) + D_b z_b + b)
    c_t = keep * sig(i) * tanh(n) + c_{t-1} * sig(f) ;  h_t = sig(o) * tanh(norm(c_t))

and of the RNN ``h_t = act(y)``. At the start V_h and V_x are nought, a_h and a_x one, and every
number of D_h and D_x is ``scale_start / N_z``, so that all scales begin at 0.1; V_b is
N(0, 0.01^2), D_b nought, W_h orthogonal gate by gate, and the forget gate has a bias of 1. With
``start=uniform`` all of them are drawn from +-1/sqrt(hidden), as torch.nn draws its weights.
``norm=layer`` normalises the small network's gates and cell, the gates and the cell.

V, a and M are shared by all tasks (``meta_``); W, D and b are the task's own (``basic_``). Where
that has fewer multiplications, the products D V are taken once, before the steps.

Source: Ha, Dai, Le, "HyperNetworks", ICLR 2017, section 3.2 and appendix A.2.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from fewshot_metalstm.nn.cell_buffers import Norm
from fewshot_metalstm.nn.cell_config import LAYER, UNIFORM, MetaLSTMConfig
from fewshot_metalstm.nn.hyper_arrays import Weights
from fewshot_metalstm.nn.hyper_fused import Steps, steps_fused
from fewshot_metalstm.nn.hyper_plain import steps_plain
from fewshot_metalstm.nn.layer import Layout
from fewshot_metalstm.nn.products import compiled_for
from fewshot_metalstm.nn.recurrent import Recurrent
from fewshot_metalstm.nn.rnn import bound
from fewshot_metalstm.nn.steps import kept, placed, projected

_SCALES = ("h", "x", "b")


class _Hyper(Recurrent):
    """What both have in common; ``gates`` is 4 or 1."""

    gates = 4

    def __init__(self, inputs: int, config: MetaLSTMConfig, generator: torch.Generator) -> None:
        super().__init__(inputs, config)
        h, m, z, k = self.hidden, config.meta, config.z, self.gates
        uniform = config.start == UNIFORM

        def weight(*shape: int, std: float) -> nn.Parameter:
            return self.weight(*shape, std=std, generator=generator)

        self.meta_x = weight(2, inputs, k * m, std=inputs**-0.5)
        self.meta_h = weight(2, h, k * m, std=h**-0.5)
        self.meta_g = weight(2, m, k * m, std=m**-0.5)
        self.meta_b = weight(2, 1, k * m, std=0.0)
        # Of a scale: (direction, gate, m, N_z), and (direction, gate, N_z, outputs).
        self.meta_vh, self.meta_vx = (weight(2, k, m, z, std=0.0) for _ in range(2))
        self.meta_vb = weight(2, k, m, z, std=0.01)
        self.meta_ah, self.meta_ax = (weight(2, k, 1, z, std=0.0) for _ in range(2))
        std = config.scale_static
        self.basic_wx = weight(2, inputs, k * h, std=std * inputs**-0.5)
        self.basic_wh = weight(2, h, k * h, std=std * h**-0.5)
        self.basic_dh, self.basic_dx, self.basic_db = (
            weight(2, k, z, h, std=0.0) for _ in range(3)
        )
        self.basic_b = weight(2, 1, k * h, std=0.0)
        with torch.no_grad():
            if not uniform:
                for d, a in ((self.basic_dh, self.meta_ah), (self.basic_dx, self.meta_ax)):
                    d.fill_(config.scale_start / z)
                    a.fill_(1.0)
                for block in self.basic_wh:
                    for gate in block.chunk(k, dim=1):
                        gate.copy_(orthogonal(h, generator) * std)
            if k == 4:
                for bias, size in ((self.meta_b, m), (self.basic_b, h)):
                    bias[..., 3 * size :] += config.forget_bias
        if config.norm == LAYER:
            self._norms(m, h)

    def _norms(self, m: int, h: int) -> None:
        k = self.gates

        def pair(name: str, size: int) -> None:
            for part, value in (("gain", 1.0), ("shift", 0.0)):
                parameter = nn.Parameter(torch.full((2, 1, size), value))
                self.register_parameter(f"{name}_{part}", parameter)

        pair("meta_gates", k * m)
        pair("basic_gates", k * h)
        if k == 4:
            pair("meta_cell", m)
            pair("basic_cell", h)
            with torch.no_grad():  # what is normalised has lost its bias: the shift is the bias
                for name, size in (("meta", m), ("basic", h)):
                    shift = getattr(self, f"{name}_gates_shift")
                    shift[..., 3 * size :] = self.config.forget_bias

    @classmethod
    def size(cls, inputs: int, hidden: int, config: MetaLSTMConfig) -> int:
        """See :class:`~fewshot_metalstm.nn.recurrent.Recurrent`."""
        h, m, z, k = hidden, config.meta, config.z, cls.gates
        own = k * m * (inputs + h + m + 1) + k * h * (inputs + h + 1)
        scales = 3 * k * z * (m + h) + 2 * k * z
        norms = 2 * (k + (k == 4)) * (m + h) if config.norm == LAYER else 0
        return 2 * (own + scales + norms)

    def over(
        self, words: Tensor, layout: Layout, keep: Tensor | None = None, *, plain: bool = False,
        training: bool = False,
    ) -> Tensor:  # fmt: skip
        """See :class:`~fewshot_metalstm.nn.recurrent.Recurrent`."""
        del training
        h, m = self.hidden, self.config.meta
        weights = self.weights()
        to_meta = projected(words, self.meta_x, self.meta_b, layout)
        x = projected(words, self.basic_wx, None, layout)
        factors = kept(keep, layout)
        if plain or not compiled_for(x):
            made = steps_plain(to_meta, x, weights, layout.sizes, factors, self.config, plain=plain)
            return placed(made, layout)

        def again(to_meta: Tensor, x: Tensor, weights: Weights) -> Tensor:
            return steps_plain(to_meta, x, weights, layout.sizes, factors, self.config, plain=True)

        z = self.config.z
        if z * (m + h) >= m * h:  # one product from g has fewer multiplications than two through z
            weights = weights.in_one()
        together = None if keep is None else torch.cat([y for y in factors if y is not None], 1)
        steps = Steps(layout.sizes, again, together, bound(self.config))
        return placed(steps_fused(to_meta, x, weights, steps), layout)

    def weights(self) -> Weights:
        """The parameters as the steps take them."""
        none = self.basic_b.new_empty(2, 1, 0)
        vs = [getattr(self, f"meta_v{name}").transpose(1, 2).flatten(2) for name in _SCALES]
        at_rest = [y.transpose(1, 2).flatten(2) for y in (self.meta_ah, self.meta_ax)]
        b = self.basic_b

        def norm(name: str) -> Norm:
            return Norm(*(
                getattr(self, f"{name}_{part}_{of}", none)
                for part in ("gates", "cell") for of in ("gain", "shift")
            ))  # fmt: skip

        return Weights(
            self.meta_h, self.meta_g, torch.cat(vs, 2),
            torch.cat([*at_rest, torch.zeros_like(at_rest[0])], 2),
            torch.cat([getattr(self, f"basic_d{name}").flatten(1, 2) for name in _SCALES], 1),
            torch.cat([b.new_zeros(2, 1, 2 * b.shape[2]), b], 2),
            self.basic_wh, norm("meta"), norm("basic"),
        )  # fmt: skip


class HyperLSTM(_Hyper):
    """Bidirectional HyperLSTM: ``(words, index, lengths) -> (B, T, 2 * hidden)``."""


class MetaRNN(_Hyper):
    """The same of RNNs: ``(words, index, lengths) -> (B, T, 2 * hidden)``."""

    gates = 1


def orthogonal(size: int, generator: torch.Generator) -> Tensor:
    """A random orthogonal matrix (size, size).

    Source: Saxe, McClelland, Ganguli, "Exact solutions to the nonlinear dynamics of learning in
    deep linear neural networks", ICLR 2014; uniform over all of them (Mezzadri 2007).
    """
    q, r = torch.linalg.qr(torch.randn(size, size, generator=generator))
    made: Tensor = q * r.diagonal().sign()
    return made
