"""A bidirectional LSTM with layer or batch normalisation, and recurrent dropout.

::

    [n; o; i; f] = [tanh; sig; sig; sig](y_t) ;  c_t = keep * n * i + c_{t-1} * f
    h_t = o * tanh(norm(c_t))

    none   y_t = W x_t + U h_{t-1} + b
    layer  y_t = LN(W x_t + U h_{t-1}) with a gain and a shift for every output of every gate
    batch  y_t = BN_t(W x_t) + BN_t(U h_{t-1}) + b ;  norm(c_t) = BN_t(c_t)

LN normalises a gate of a row over its outputs. BN_t normalises an output over the rows of step t,
by the statistics of the batch in training and by their moving averages otherwise; both products
have a gain, 0.1 at the start, and no shift, the cell has both. Steps from ``STEPS`` on share
averages, as few sentences are so long. In training, a step with one row is normalised to nought.

Sources: layer norm Ba, Kiros, Hinton 2016; batch norm Cooijmans, Ballas, Laurent, Gulcehre,
Courville, "Recurrent Batch Normalization", ICLR 2017; recurrent dropout Semeniuta, Severyn, Barth,
COLING 2016. All weights belong to the task (``basic_``); the averages are ``stats_``.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from fewshot_metalstm.nn.cell_buffers import Norm
from fewshot_metalstm.nn.cell_config import BATCH, LAYER, MetaLSTMConfig
from fewshot_metalstm.nn.gates import lstm_step
from fewshot_metalstm.nn.layer import Layout
from fewshot_metalstm.nn.layer_norm import EPSILON, layer_norm
from fewshot_metalstm.nn.norm_fused import steps_fused
from fewshot_metalstm.nn.products import compiled_for
from fewshot_metalstm.nn.recurrent import Recurrent
from fewshot_metalstm.nn.steps import Shared, by_step, kept, placed, projected, shrunk

STEPS = 32  # with averages of their own
_MOMENTUM = 0.1  # share of a batch in the moving averages
_GAIN = 0.1


class NormLSTM(Recurrent):
    """Bidirectional LSTM: ``(words, index, lengths) -> (B, T, 2 * hidden)``."""

    def __init__(self, inputs: int, config: MetaLSTMConfig, generator: torch.Generator) -> None:
        super().__init__(inputs, config)
        h = self.hidden
        std = config.scale_static * (inputs + h) ** -0.5
        self.basic_wx = self.weight(2, inputs, 4 * h, std=std, generator=generator)
        self.basic_wh = self.weight(2, h, 4 * h, std=std, generator=generator)

        def fresh(*shape: int, value: float) -> nn.Parameter:
            return nn.Parameter(torch.full((2, *shape), value))

        self.basic_b = fresh(1, 4 * h, value=0.0)  # of layer norm the gates' shift
        with torch.no_grad():
            self.basic_b[..., 3 * h :] = config.forget_bias
        if config.norm == LAYER:
            self.basic_gain = fresh(1, 4 * h, value=1.0)
            self.basic_cell_gain = fresh(1, h, value=1.0)
        if config.norm == BATCH:
            self.basic_gain = fresh(1, 8 * h, value=_GAIN)  # of W x and of U h
            self.basic_cell_gain = fresh(1, h, value=_GAIN)
            # Of W x, U h and the cell, by step.
            self.stats_mean = nn.Parameter(torch.zeros(STEPS, 2, 1, 9 * h))
            self.stats_variance = nn.Parameter(torch.ones(STEPS, 2, 1, 9 * h))
        if config.norm in (LAYER, BATCH):
            self.basic_cell_shift = fresh(1, h, value=0.0)

    @classmethod
    def size(cls, inputs: int, hidden: int, config: MetaLSTMConfig) -> int:
        """See :class:`~fewshot_metalstm.nn.recurrent.Recurrent`; averages count for nothing."""
        further = {LAYER: 6, BATCH: 10}.get(config.norm, 0)
        return 2 * hidden * (4 * (inputs + hidden + 1) + further)

    def over(
        self, words: Tensor, layout: Layout, keep: Tensor | None = None, *, plain: bool = False,
        training: bool = False,
    ) -> Tensor:  # fmt: skip
        """See :class:`~fewshot_metalstm.nn.recurrent.Recurrent`.

        Averages move where they are trained, and not while a support is adapted to with them.

        Raises:
            ValueError: statistics of a batch are asked for in plain torch, which goes through the
                padding.
        """
        config = self.config
        batch = config.norm == BATCH
        own = batch and training and self.stats_mean.requires_grad
        if own and plain:
            raise ValueError("batch norm has no statistics under torch.func")
        bias = self.basic_b if config.norm not in (LAYER, BATCH) else None
        rows = projected(words, self.basic_wx, bias, layout)
        factors = kept(keep, layout)
        none = rows.new_empty(2, 1, 0)
        norm = Norm(none, none, none, none)
        if config.norm == LAYER:
            norm = Norm(
                self.basic_gain, self.basic_b, self.basic_cell_gain, self.basic_cell_shift
            )  # fmt: skip

        def steps(rows: Tensor, wh: Tensor, norm: Norm) -> Tensor:
            return self._steps(rows, wh, norm, layout, factors, own=own, plain=plain or fused)

        fused = not plain and not batch and compiled_for(rows)
        if not fused:
            return placed(steps(rows, self.basic_wh, norm), layout)
        together = None if keep is None else torch.cat([y for y in factors if y is not None], 1)
        made = steps_fused(rows, self.basic_wh, norm, together, layout.sizes, steps)
        return placed(made, layout)

    def _steps(
        self, rows: Tensor, wh: Tensor, norm: Norm, layout: Layout,
        factors: Sequence[Tensor | None], *, own: bool, plain: bool,
    ) -> Tensor:  # fmt: skip
        """The steps in torch, from products with the words (2, N, 4h) to outputs (2, N, h)."""
        h, batch = self.hidden, self.config.norm == BATCH
        recurrent = Shared(wh, plain=plain)
        hidden = c = rows.new_zeros(2, layout.sizes[0], h)
        outputs: list[Tensor] = []
        for t, (x, factor) in enumerate(zip(by_step(rows, layout), factors, strict=True)):
            hidden, c = shrunk(x.shape[1], hidden, c)
            if batch:
                of_x, of_h = self.basic_gain.chunk(2, dim=-1)
                x = self._by_batch(x, t, 0, own, of_x, self.basic_b)
                if outputs:
                    x = self._by_batch(recurrent.times(hidden), t, 4 * h, own, of_h, x)
            elif outputs:
                x = recurrent.times(hidden, x)
            if norm.gain.numel():
                x = layer_norm(x, norm.gain, norm.shift, 4)

            def normed(cell: Tensor, t: int = t) -> Tensor:
                if not batch:
                    return layer_norm(cell, norm.cell_gain, norm.cell_shift)
                gain, shift = self.basic_cell_gain, self.basic_cell_shift
                return self._by_batch(cell, t, 8 * h, own, gain, shift)

            after = normed if batch or norm.gain.numel() else None
            hidden, c = lstm_step(x, c, factor, after, plain=plain)
            outputs.append(hidden)
        return torch.cat(outputs, 1)

    def _by_batch(
        self, x: Tensor, t: int, first: int, own: bool, gain: Tensor, to: Tensor
    ) -> Tensor:
        """Rows (2, rows, F) of step ``t`` with mean 0 and variance 1, times a gain, plus ``to``.

        Args:
            first: where their statistics begin among all.
            own: by the rows' own statistics, which move the averages.
        """
        at = min(t, STEPS - 1), slice(None), slice(None), slice(first, first + x.shape[2])
        if own:
            mean = x.mean(1, keepdim=True)
            centred = x - mean
            variance = (centred * centred).mean(1, keepdim=True)
            with torch.no_grad():
                self.stats_mean[at].lerp_(mean, _MOMENTUM)
                self.stats_variance[at].lerp_(variance, _MOMENTUM)
        else:
            centred, variance = x - self.stats_mean[at].detach(), self.stats_variance[at].detach()
        return torch.addcmul(to, centred, torch.rsqrt(variance + EPSILON) * gain)
