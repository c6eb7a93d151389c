"""The forecaster as a learner: an LSTM over the days of a week, and a linear path beside it.

The linear path (168 hours to 24) is ridge regression's model, and most of what is to be known; the
LSTM, which knows the hour, the weekday and the season besides, corrects it and says how sure it
is. Their sum is the median; the quantiles 0.1 and 0.9 lie below and above it by positive amounts,
so that they never cross. What is learned is the pinball loss of the three (Koenker, Bassett,
"Regression Quantiles", Econometrica 46(1), 1978).
"""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn.functional import linear, softplus

from fewshot_metalstm.kinds.forecasting.series import DAY, WEEK, Floats
from fewshot_metalstm.kinds.forecasting.settings import ForecasterConfig, check_sizes, inputs
from fewshot_metalstm.kinds.forecasting.windows import Batch
from fewshot_metalstm.meta.learner import Learner, Params
from fewshot_metalstm.nn.noise import dropout
from fewshot_metalstm.nn.recurrent import make_lstm

QUANTILES = (0.1, 0.5, 0.9)
_NARROW = -1.0  # softplus of it, 0.31, is how far the outer quantiles are at first
_SMALL = 0.1  # times the usual deviation of a head's weights: the linear path leads at first


class Forecaster(Learner):
    """Three quantiles of each hour of the next day, from a week of hours.

    Args:
        config: sizes and noise.
        generator: of the fresh weights. The linear path begins as the mean of the forecasts as a
            day and as a week ago.
    """

    def __init__(self, config: ForecasterConfig, generator: torch.Generator) -> None:
        super().__init__()
        check_sizes(config)
        self.config = config
        self.lstm = make_lstm(inputs(config), config.lstm, generator)
        width = self.lstm.outputs
        shape = (len(QUANTILES) * DAY, width)
        self.head_weight = nn.Parameter(
            _SMALL * width**-0.5 * torch.randn(*shape, generator=generator)
        )
        bias = torch.zeros(len(QUANTILES), DAY)
        bias[[0, 2]] = _NARROW
        self.head_bias = nn.Parameter(bias.flatten())
        # Logarithm of how many times as wide the interval is as the head says.
        self.head_width = nn.Parameter(torch.zeros(1))
        self.linear_weight = nn.Parameter(torch.zeros(DAY, WEEK))
        self.linear_bias = nn.Parameter(torch.zeros(DAY))
        naive = np.zeros((WEEK + 1, DAY))
        hour = np.arange(DAY)
        naive[WEEK - DAY + hour, hour] = naive[hour, hour] = 0.5
        self.set_linear(naive)

    def adapted(self) -> tuple[str, ...]:
        """The head, the linear path and the recurrent layer's own weights."""
        return (*self.basic(), *self.head())

    def basic(self) -> tuple[str, ...]:
        """Names of the basic LSTM's parameters."""
        return tuple(n for n, _ in self.named_parameters() if n.startswith("lstm.basic_"))

    def head(self) -> tuple[str, ...]:
        """Names of the parameters of the output: the head's and the linear path's."""
        return ("head_weight", "head_bias", "head_width", "linear_weight", "linear_bias")

    @torch.no_grad()
    def move_linear(self, weights: Floats) -> None:
        """Add weights of ridge regression, (169, 24), to the linear path."""
        found = torch.from_numpy(np.asarray(weights, np.float32)).to(self.linear_bias)
        self.linear_weight.add_(found[:WEEK].T)
        self.linear_bias.add_(found[WEEK])

    @torch.no_grad()
    def set_linear(self, weights: Floats) -> None:
        """Make weights of ridge regression, (169, 24), the linear path."""
        self.linear_weight.zero_()
        self.linear_bias.zero_()
        self.move_linear(weights)

    def hidden(self, batch: Batch, generator: torch.Generator | None = None) -> Tensor:
        """What stands for a week and the head reads, (B, 2 * hidden)."""
        windows, steps = batch.when.shape[:2]
        hours = batch.lags.reshape(windows, steps, self.config.step)
        read = torch.cat([hours, batch.when], 2).flatten(0, 1)
        index = torch.arange(windows * steps, device=read.device).view(windows, steps)
        lengths = torch.full((windows,), steps, device=read.device)
        ahead, back = self.lstm(read, index, lengths, generator).chunk(2, dim=2)
        last = torch.cat([ahead[:, -1], back[:, 0]], 1)
        return dropout(last, self.config.output_dropout, generator)

    def corrections(self, batch: Batch, generator: torch.Generator | None = None) -> Tensor:
        """What the LSTM adds, (B, 3, 24): how far below, the median's correction, how far above."""
        raw = linear(self.hidden(batch, generator), self.head_weight, self.head_bias)
        low, middle, high = raw.view(-1, len(QUANTILES), DAY).unbind(1)
        width = self.head_width.exp()
        return torch.stack([width * softplus(low), middle, width * softplus(high)], 1)

    def linear(self, batch: Batch) -> Tensor:
        """What the linear path forecasts of a week, (B, 24)."""
        return linear(batch.lags, self.linear_weight, self.linear_bias)

    def quantiles(self, batch: Batch, generator: torch.Generator | None = None) -> Tensor:
        """The quantiles of each hour in the window's own scale, (B, 3, 24)."""
        low, middle, high = self.corrections(batch, generator).unbind(1)
        middle = middle + self.linear(batch)
        return torch.stack([middle - low, middle, middle + high], 1)

    def forward(self, batch: Batch, generator: torch.Generator | None = None) -> Tensor:
        """Mean pinball loss over the quantiles and the hours that were measured."""
        over = batch.future.unsqueeze(1) - self.quantiles(batch, generator)  # (B, 3, 24)
        levels = torch.tensor(QUANTILES, device=over.device, dtype=over.dtype).view(1, -1, 1)
        loss = torch.maximum(levels * over, (levels - 1) * over).mean(1)
        return (loss * batch.weight).sum() / batch.weight.sum().clamp(min=1)

    @torch.no_grad()
    def quantiles_with(self, params: Mapping[str, Tensor], batch: Batch) -> Tensor:
        """:meth:`quantiles` under ``params`` in place of this learner's parameters."""
        found: Tensor = self.under(params, "quantiles", batch)
        return found

    def figure(self, params: Params, batch: Batch) -> float:
        """MASE on ``batch`` under ``params``."""
        total, hours = self.errors(params, batch)
        return total / hours if hours else float("nan")

    @torch.no_grad()
    def errors(self, params: Params, batch: Batch) -> tuple[float, float]:
        """The sum of scaled absolute errors of the median, and how many hours they are of."""
        wrong = (batch.future - self.quantiles_with(params, batch)[:, 1]).abs()
        scaled = wrong * batch.weight / batch.unit.unsqueeze(1)
        return float(scaled.sum()), float(batch.weight.sum())
