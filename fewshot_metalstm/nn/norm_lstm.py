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

from fewshot_metalstm.nn import batch_fused
from fewshot_metalstm.nn.batch_fused import Statistics
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
        if config.norm in (LAYER, BATCH):
            norm = Norm(
                self.basic_gain, self.basic_b, self.basic_cell_gain, self.basic_cell_shift
            )  # fmt: skip
        fused = not plain and (own or not batch) and compiled_for(rows)
        plain = plain or fused

        def steps(rows: Tensor, wh: Tensor, norm: Norm) -> Tensor:
            if batch:
                return self._steps_by_batch(rows, wh, norm, layout, factors, own, plain)[0]
            return self._steps(rows, wh, norm, layout, factors, plain=plain)

        found: Statistics | None = None
        if fused:
            together = None if keep is None else torch.cat([y for y in factors if y is not None], 1)
            given = (rows, self.basic_wh, norm, together, layout.sizes, steps)
            if own:
                made, found = batch_fused.steps_fused(*given)
            else:
                made = steps_fused(*given)
        elif batch:
            made, found = self._steps_by_batch(
                rows, self.basic_wh, norm, layout, factors, own, plain
            )
        else:
            made = steps(rows, self.basic_wh, norm)
        if found is not None:
            self._move(found)
        return placed(made, layout)

    def _steps(
        self, rows: Tensor, wh: Tensor, norm: Norm, layout: Layout,
        factors: Sequence[Tensor | None], *, plain: bool,
    ) -> Tensor:  # fmt: skip
        """The steps in torch, from products with the words (2, N, 4h) to outputs (2, N, h)."""
        recurrent = Shared(wh, plain=plain)
        hidden = c = rows.new_zeros(2, layout.sizes[0], self.hidden)
        outputs: list[Tensor] = []

        def after(cell: Tensor) -> Tensor:
            return layer_norm(cell, norm.cell_gain, norm.cell_shift)

        for x, factor in zip(by_step(rows, layout), factors, strict=True):
            hidden, c = shrunk(x.shape[1], hidden, c)
            if outputs:
                x = recurrent.times(hidden, x)
            if norm.gain.numel():
                x = layer_norm(x, norm.gain, norm.shift, 4)
            hidden, c = lstm_step(x, c, factor, after if norm.gain.numel() else None, plain=plain)
            outputs.append(hidden)
        return torch.cat(outputs, 1)

    def _steps_by_batch(
        self, rows: Tensor, wh: Tensor, norm: Norm, layout: Layout,
        factors: Sequence[Tensor | None], own: bool, plain: bool,
    ) -> tuple[Tensor, Statistics | None]:  # fmt: skip
        """:meth:`_steps` with batch norm, and with ``own`` the statistics of the rows.

        Args:
            own: by these, and not by the moving averages.
        """
        h = self.hidden
        recurrent = Shared(wh, plain=plain)
        hidden = c = rows.new_zeros(2, layout.sizes[0], h)
        outputs: list[Tensor] = []
        of_x, of_h = norm.gain.chunk(2, dim=-1)
        found: list[tuple[Tensor, Tensor]] = []
        for t, (x, factor) in enumerate(zip(by_step(rows, layout), factors, strict=True)):
            at = min(t, STEPS - 1)
            mean, variance = self.stats_mean[at].detach(), self.stats_variance[at].detach()
            told = [(mean[..., : 4 * h], variance[..., : 4 * h]),
                    (mean[..., 4 * h : 8 * h], variance[..., 4 * h : 8 * h]),
                    (mean[..., 8 * h :], variance[..., 8 * h :])]  # fmt: skip
            hidden, c = shrunk(x.shape[1], hidden, c)
            if own:
                told[0] = _moments(x)
            x = _normed(x, *told[0], of_x, norm.shift)
            if outputs:
                y = recurrent.times(hidden)
                if own:
                    told[1] = _moments(y)
                x = _normed(y, *told[1], of_h, x)

            def after(cell: Tensor, told: list[tuple[Tensor, Tensor]] = told) -> Tensor:
                if own:
                    told[2] = _moments(cell)
                return _normed(cell, *told[2], norm.cell_gain, norm.cell_shift)

            hidden, c = lstm_step(x, c, factor, after, plain=plain)
            outputs.append(hidden)
            if own:
                mean, variance = (torch.cat(each, -1).detach() for each in zip(*told, strict=True))
                found.append((mean[:, 0], variance[:, 0]))
        made = torch.cat(outputs, 1)
        return made, Statistics(*map(torch.stack, zip(*found, strict=True))) if own else None

    @torch.no_grad()
    def _move(self, found: Statistics) -> None:
        """Move the averages towards the statistics of a batch, (T, 2, 9h)."""
        h = self.hidden
        for averages, made in zip((self.stats_mean, self.stats_variance), found, strict=True):
            # At the first step there is no product with a state.
            made[0, :, 4 * h : 8 * h] = averages[0, :, 0, 4 * h : 8 * h]
            averages[: len(made)].lerp_(made[:STEPS].unsqueeze(2), _MOMENTUM)
            for later in made[STEPS:]:
                averages[-1].lerp_(later.unsqueeze(1), _MOMENTUM)


def _moments(x: Tensor) -> tuple[Tensor, Tensor]:
    """Mean and (biased) variance of rows, (2, 1, F) each."""
    mean = x.mean(1, keepdim=True)
    return mean, (x - mean).square().mean(1, keepdim=True)


def _normed(x: Tensor, mean: Tensor, variance: Tensor, gain: Tensor, to: Tensor) -> Tensor:
    """Rows (2, rows, F) in units of the deviation, times a gain, plus ``to``."""
    return torch.addcmul(to, x - mean, torch.rsqrt(variance + EPSILON) * gain)
