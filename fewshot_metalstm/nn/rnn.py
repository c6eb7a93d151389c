"""A bidirectional RNN without gates (Elman 1990), with tanh or a clipped relu.

::

    h_t = act(W x_t + U h_{t-1} + b)

Equal to ``torch.nn.RNN`` with the same weights (:meth:`RNN.take`), for relu as long as no output
reaches ``config.ceiling``: relu without one may grow until it is no number, min(max(x, 0), 20) may
not (Hannun et al., "Deep Speech", 2014, section 2). All weights belong to the task (``basic_``).
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from fewshot_metalstm.nn.cell_config import RELU, MetaLSTMConfig
from fewshot_metalstm.nn.layer import Layout
from fewshot_metalstm.nn.recurrent import Recurrent
from fewshot_metalstm.nn.steps import Shared, by_step, placed, projected, shrunk
from fewshot_metalstm.nn.torch_weights import from_torch, to_torch

_GATES = (0,)


class RNN(Recurrent):
    """Bidirectional RNN: ``(words, index, lengths) -> (B, T, 2 * hidden)``."""

    def __init__(self, inputs: int, config: MetaLSTMConfig, generator: torch.Generator) -> None:
        super().__init__(inputs, config)
        h = self.hidden
        std = config.scale_static * (inputs + h) ** -0.5
        self.basic_wx = self.weight(2, inputs, h, std=std, generator=generator)
        self.basic_wh = self.weight(2, h, h, std=std, generator=generator)
        self.basic_b = self.weight(2, 1, h, std=0.0, generator=generator)

    @classmethod
    def size(cls, inputs: int, hidden: int, config: MetaLSTMConfig) -> int:
        """See :class:`~fewshot_metalstm.nn.recurrent.Recurrent`."""
        del config
        return 2 * hidden * (inputs + hidden + 1)

    def over(
        self, words: Tensor, layout: Layout, keep: Tensor | None = None, *, plain: bool = False,
        training: bool = False,
    ) -> Tensor:  # fmt: skip
        """See :class:`~fewshot_metalstm.nn.recurrent.Recurrent`."""
        del keep, training
        recurrent = Shared(self.basic_wh, plain=plain)
        outputs: list[Tensor] = []
        rows = projected(words, self.basic_wx, self.basic_b, layout)
        for x in by_step(rows, layout):
            if outputs:
                (h,) = shrunk(x.shape[1], outputs[-1])
                x = recurrent.times(h, x)
            outputs.append(activated(x, self.config))
        return placed(torch.cat(outputs, 1), layout)

    def as_torch(self) -> nn.RNN:
        """torch.nn's RNN with these weights, for batches (B, T, inputs)."""
        other = nn.RNN(
            self.inputs, self.hidden, batch_first=True, bidirectional=True,
            nonlinearity=self.config.activation,
        )  # fmt: skip
        return to_torch(other.to(self.basic_wx), self.basic_wx, self.basic_wh, self.basic_b, _GATES)

    def take(self, other: nn.RNN) -> None:
        """Take the weights of torch.nn's RNN: one layer, both directions, the same sizes.

        Raises:
            ValueError: another shape.
        """
        from_torch(other, self.basic_wx, self.basic_wh, self.basic_b, _GATES)


def activated(x: Tensor, config: MetaLSTMConfig) -> Tensor:
    """What ``config.activation`` makes of pre-activations."""
    if config.activation != RELU:
        return torch.tanh(x)
    return torch.clamp(x, 0, config.ceiling) if config.ceiling else torch.relu(x)


def bound(config: MetaLSTMConfig) -> float:
    """The same for compiled steps: where relu stops; 0: nowhere; negative: it is tanh."""
    return config.ceiling if config.activation == RELU else -1.0
