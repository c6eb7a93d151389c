"""The steps of a cell whose weights another one scales, in torch: see :mod:`.hyper`.

For ``torch.func``, for second order, and where nothing compiled serves.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from fewshot_metalstm.nn.cell_buffers import Norm
from fewshot_metalstm.nn.cell_config import MetaLSTMConfig
from fewshot_metalstm.nn.gates import lstm_step
from fewshot_metalstm.nn.hyper_arrays import Weights
from fewshot_metalstm.nn.layer_norm import layer_norm
from fewshot_metalstm.nn.rnn import activated
from fewshot_metalstm.nn.steps import Shared, shrunk


def steps_plain(
    to_meta: Tensor, to_own: Tensor, weights: Weights, sizes: Sequence[int],
    factors: Sequence[Tensor | None], config: MetaLSTMConfig, *, plain: bool,
) -> Tensor:  # fmt: skip
    """Run the steps over packed sentences.

    Args:
        to_meta: inputs of the small network's gates, (2, N, k * m).
        to_own: W_x x, (2, N, k * h).
        sizes: rows of each step, not increasing.
        factors: of dropout, (2, rows, h) or None for each step.
        plain: in plain torch.

    Returns:
        (2, N, h): outputs.
    """
    m, h = weights.meta_g.shape[1], weights.wh.shape[1]
    w = weights.in_one()
    scales = Shared(w.to_scale, w.at_rest, plain=plain)
    meta_h, meta_g, recurrent = (Shared(y, plain=plain) for y in (w.meta_h, w.meta_g, w.wh))

    def step(
        x: Tensor, c: Tensor, keep: Tensor | None, norm: Norm, size: int
    ) -> tuple[Tensor, Tensor]:
        """Outputs and cell."""
        gates = x.shape[2] // size
        x = layer_norm(x, norm.gain, norm.shift, gates) if norm.gain.numel() else x
        if gates == 1:
            return activated(x, config), c
        if not norm.cell_gain.numel():
            return lstm_step(x, c, keep, plain=plain)
        return lstm_step(
            x, c, keep, lambda c: layer_norm(c, norm.cell_gain, norm.cell_shift), plain=plain
        )

    g, s = (to_own.new_zeros(2, sizes[0], m) for _ in range(2))
    hidden, c = (to_own.new_zeros(2, sizes[0], h) for _ in range(2))
    outputs: list[Tensor] = []
    steps = zip(*(torch.split_with_sizes(y, list(sizes), 1) for y in (to_meta, to_own)),
                factors, strict=True)  # fmt: skip
    for x_meta, x, factor in steps:
        g, s, hidden, c = shrunk(x.shape[1], g, s, hidden, c)
        if outputs:
            x_meta = meta_g.times(g, meta_h.times(hidden, x_meta))
        g, s = step(x_meta, s, None, w.meta_norm, m)
        of_h, of_x, of_b = scales.times(g).chunk(3, dim=-1)
        y = torch.addcmul(of_b, of_x, x)
        if outputs:
            y = torch.addcmul(y, of_h, recurrent.times(hidden))
        hidden, c = step(y, c, factor, w.norm, h)
        outputs.append(hidden)
    return torch.cat(outputs, 1)
