"""Self-attention over the states of a recurrent layer: each token reads all of its sentence.

What the heads gather is added to the state, so that a layer of fresh weights changes little.

Source: Vaswani et al., "Attention Is All You Need", NeurIPS 2017, section 3.2.2.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from fewshot_metalstm.errors import UserError

_SMALL = 0.1  # times the usual deviation of what maps the heads back


class SelfAttention(nn.Module):
    """``(B, T, width) -> (B, T, width)``.

    Args:
        width: numbers of a state.
        heads: into which these are divided.

    Raises:
        UserError: they cannot be.
    """

    def __init__(self, width: int, heads: int, generator: torch.Generator) -> None:
        super().__init__()
        if width % heads:
            raise UserError(
                f"{heads} heads of attention cannot divide {width} numbers of a state; take a "
                "number of heads that does"
            )
        self.heads = heads
        deviation = width**-0.5
        self.read_weight = nn.Parameter(
            torch.randn(3 * width, width, generator=generator) * deviation
        )
        self.read_bias = nn.Parameter(torch.zeros(3 * width))
        back = torch.randn(width, width, generator=generator) * deviation * _SMALL
        self.back_weight = nn.Parameter(back)
        self.back_bias = nn.Parameter(torch.zeros(width))

    def forward(self, states: Tensor, lengths: Tensor) -> Tensor:
        """States with what they gather; ``lengths`` (B,) say what is padding, which is not read."""
        steps = states.shape[1]
        padding = torch.arange(steps, device=states.device) >= lengths.unsqueeze(1)
        by_step = states.transpose(0, 1)
        gathered, _ = nn.functional.multi_head_attention_forward(
            by_step, by_step, by_step, states.shape[2], self.heads, self.read_weight,
            self.read_bias, None, None, False, 0.0, self.back_weight, self.back_bias,
            training=self.training, key_padding_mask=padding, need_weights=True,
        )  # fmt: skip
        found: Tensor = states + gathered.transpose(0, 1)
        return torch.where(padding.unsqueeze(2), states, found)
