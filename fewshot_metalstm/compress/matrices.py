"""Which parameters of a learner are compressed, and as matrices of which rows and columns.

They are the weights of the recurrent layers that meet the input, the layer's own states and, in a
Meta-LSTM, what generates the weights: every parameter of a layer that is a product's matrix with
at least :data:`LEAST` inputs and outputs. Biases, gains and averages stay as they are, and so do
the character network and the head: together they are a few per cent of the weights.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import torch

from fewshot_metalstm.compress.combining import Mask, Matrix
from fewshot_metalstm.nn.recurrent import Recurrent

if TYPE_CHECKING:
    from torch import Tensor, nn

LEAST = 8  # inputs and outputs: with fewer there is nothing to combine
_AVERAGES = "stats_"


@dataclass(frozen=True)
class Layout:
    """How a parameter holds its matrices: (.., inputs, outputs) or, ``turned``, the other way.

    Rows of a matrix are outputs and its columns inputs, as in the paper. Each index of what stands
    before them, such as the direction, has a matrix of its own.
    """

    shape: tuple[int, ...]
    turned: bool = False

    @property
    def number(self) -> int:
        """How many matrices there are."""
        return math.prod(self.shape[:-2])

    @property
    def rows(self) -> int:
        """Outputs."""
        return self.shape[-2] if self.turned else self.shape[-1]

    @property
    def columns(self) -> int:
        """Inputs."""
        return self.shape[-1] if self.turned else self.shape[-2]

    def split(self, value: Tensor) -> Iterator[Matrix]:
        """The matrices of a parameter, (rows, columns) each."""
        flat = value.detach().cpu().reshape(-1, *self.shape[-2:])
        for each in flat if self.turned else flat.transpose(1, 2):
            yield each.contiguous().numpy()

    def join(self, matrices: list[Matrix] | list[Mask]) -> Tensor:
        """The parameter of its matrices."""
        stacked = torch.from_numpy(np.stack(matrices))
        oriented = stacked if self.turned else stacked.transpose(1, 2)
        return oriented.reshape(self.shape).contiguous()


def layouts(learner: nn.Module) -> Mapping[str, Layout]:
    """The parameters that are compressed, by name, in the order of the learner's own."""
    found: dict[str, Layout] = {}
    for place, module in learner.named_modules():
        if not isinstance(module, Recurrent):
            continue
        for name, value in module.named_parameters(recurse=False):
            layout = Layout(tuple(value.shape), module.outputs_first)
            if value.dim() < 3 or name.startswith(_AVERAGES):
                continue
            if min(layout.rows, layout.columns) >= LEAST:
                found[f"{place}.{name}" if place else name] = layout
    return found
