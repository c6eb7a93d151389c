"""A bidirectional quasi-recurrent network with fo-pooling.

With a window of k words, the word itself and those that the direction has read before it::

    [n_t; o_t; f_t] = [tanh; sig; sig](sum_j W_j x_{t-j} + b) ,  j in 0 .. k-1
    c_t = f_t * c_{t-1} + (1 - f_t) * n_t ;  h_t = o_t * c_t

No gate reads the state, so that all products are taken before the steps, which only pool. Before
the first word of a direction there is nothing: noughts. All weights belong to the task
(``basic_``).

Source: Bradbury, Merity, Xiong, Socher, "Quasi-Recurrent Neural Networks", ICLR 2017, equations
1, 2 and 4.
"""

from __future__ import annotations

import torch
from torch import Tensor

from fewshot_metalstm.nn.cell_config import MetaLSTMConfig
from fewshot_metalstm.nn.layer import Layout
from fewshot_metalstm.nn.products import compiled_for
from fewshot_metalstm.nn.qrnn_fused import pooled
from fewshot_metalstm.nn.recurrent import Recurrent
from fewshot_metalstm.nn.steps import by_step, placed, projected, shrunk


class QRNN(Recurrent):
    """Bidirectional QRNN: ``(words, index, lengths) -> (B, T, 2 * hidden)``."""

    def __init__(self, inputs: int, config: MetaLSTMConfig, generator: torch.Generator) -> None:
        super().__init__(inputs, config)
        h, window = self.hidden, config.window
        std = config.scale_static * (window * inputs) ** -0.5
        # Of the word itself, then of the one before it.
        self.basic_wx = self.weight(2, inputs, window * 3 * h, std=std, generator=generator)
        self.basic_b = self.weight(2, 1, 3 * h, std=0.0, generator=generator)
        with torch.no_grad():
            self.basic_b[..., 2 * h :] += config.forget_bias

    @classmethod
    def size(cls, inputs: int, hidden: int, config: MetaLSTMConfig) -> int:
        """See :class:`~fewshot_metalstm.nn.recurrent.Recurrent`."""
        return 2 * 3 * hidden * (config.window * inputs + 1)

    def over(
        self, words: Tensor, layout: Layout, keep: Tensor | None = None, *, plain: bool = False,
        training: bool = False,
    ) -> Tensor:  # fmt: skip
        """See :class:`~fewshot_metalstm.nn.recurrent.Recurrent`."""
        del keep, training
        h = self.hidden
        rows, *earlier = torch.split_with_sizes(
            projected(words, self.basic_wx, None, layout), [3 * h] * self.config.window, 2
        )
        rows = rows + self.basic_b
        if earlier and len(layout.sizes) > 1:
            parts = by_step(earlier[0], layout)
            sizes = layout.sizes
            shifted = [parts[0] * 0.0] + [p[:, :b] for p, b in zip(parts, sizes[1:], strict=False)]
            rows = rows + torch.cat(shifted, 1)

        def steps(rows: Tensor) -> Tensor:
            return self._pooled(rows, layout)

        fused = not plain and compiled_for(rows)
        return placed(pooled(rows, layout.sizes, steps) if fused else steps(rows), layout)

    def _pooled(self, rows: Tensor, layout: Layout) -> Tensor:
        """The pooling in torch, from what is before activation (2, N, 3h) to outputs (2, N, h)."""
        h = self.hidden
        n, gates = torch.split_with_sizes(rows, [h, 2 * h], 2)
        o, f = torch.sigmoid(gates).chunk(2, dim=2)
        added = torch.tanh(n) * (1 - f)
        cells: list[Tensor] = []
        for a, kept_share in zip(by_step(added, layout), by_step(f, layout), strict=True):
            if cells:
                (c,) = shrunk(a.shape[1], cells[-1])
                a = torch.addcmul(a, kept_share, c)
            cells.append(a)
        return o * torch.cat(cells, 1)
