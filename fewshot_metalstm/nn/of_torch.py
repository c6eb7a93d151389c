"""torch.nn's LSTM and RNN as layers like the others, to compare with.

Their equations and their start are torch's: every weight uniform in +-1/sqrt(hidden), two biases,
no forget bias.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from fewshot_metalstm.nn.cell_config import RELU, MetaLSTMConfig
from fewshot_metalstm.nn.layer import Layout
from fewshot_metalstm.nn.recurrent import Recurrent
from fewshot_metalstm.nn.steps import placed


class _OfTorch(Recurrent):
    """What both have in common; ``gates`` is 4 or 1."""

    gates = 4
    outputs_first = True

    def __init__(self, inputs: int, config: MetaLSTMConfig, generator: torch.Generator) -> None:
        super().__init__(inputs, config)
        h, k = self.hidden, self.gates

        def uniform(*shape: int) -> nn.Parameter:
            return nn.Parameter((2 * torch.rand(*shape, generator=generator) - 1) * h**-0.5)

        # As torch has them: (direction, outputs, inputs).
        self.basic_wx = uniform(2, k * h, inputs)
        self.basic_wh = uniform(2, k * h, h)
        self.basic_bx, self.basic_bh = uniform(2, k * h), uniform(2, k * h)

    @classmethod
    def size(cls, inputs: int, hidden: int, config: MetaLSTMConfig) -> int:
        """See :class:`~fewshot_metalstm.nn.recurrent.Recurrent`."""
        del config
        return 2 * cls.gates * hidden * (inputs + hidden + 2)

    def over(
        self, words: Tensor, layout: Layout, keep: Tensor | None = None, *, plain: bool = False,
        training: bool = False,
    ) -> Tensor:  # fmt: skip
        """See :class:`~fewshot_metalstm.nn.recurrent.Recurrent`."""
        del keep, plain, training
        sizes = torch.tensor(list(layout.sizes))
        first = words.new_zeros(1, layout.sizes[0], self.hidden)
        outputs = []
        for d in (0, 1):
            # The second direction's rows are in the order in which it reads.
            rows = words.index_select(0, layout.rows[:, d])
            weights = [
                w[d] for w in (self.basic_wx, self.basic_wh, self.basic_bx, self.basic_bh)
            ]  # fmt: skip
            outputs.append(self._run(rows, sizes, first, weights))
        return placed(torch.stack(outputs), layout)

    def _run(self, rows: Tensor, sizes: Tensor, first: Tensor, weights: list[Tensor]) -> Tensor:
        raise NotImplementedError


class TorchLSTM(_OfTorch):
    """Bidirectional ``torch.nn.LSTM``: ``(words, index, lengths) -> (B, T, 2 * hidden)``."""

    def _run(self, rows: Tensor, sizes: Tensor, first: Tensor, weights: list[Tensor]) -> Tensor:
        return torch.lstm(rows, sizes, (first, first), weights, True, 1, 0.0, True, False)[0]


class TorchRNN(_OfTorch):
    """Bidirectional ``torch.nn.RNN``: ``(words, index, lengths) -> (B, T, 2 * hidden)``."""

    gates = 1

    def _run(self, rows: Tensor, sizes: Tensor, first: Tensor, weights: list[Tensor]) -> Tensor:
        run = torch.rnn_relu if self.config.activation == RELU else torch.rnn_tanh
        return run(rows, sizes, first, weights, True, 1, 0.0, True, False)[0]
