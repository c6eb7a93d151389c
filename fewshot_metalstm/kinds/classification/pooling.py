"""From the states of a text's tokens to one vector: additive attention, or the maximum.

Source: Yang et al., "Hierarchical Attention Networks for Document Classification", NAACL 2016,
equations 5 to 7: ``u_t = tanh(W h_t + b)``, ``a = softmax(u_t . c)``, the sum of ``a_t h_t``.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

ATTENTION = "attention"


class Pooling(nn.Module):
    """``(states, lengths) -> (B, width)``; what stands in padding changes nothing.

    Args:
        kind: ``attention`` or ``max``.
        width: of a state.
        inner: width of the attention's hidden layer.
        generator: of the fresh weights.
    """

    def __init__(self, kind: str, width: int, inner: int, generator: torch.Generator) -> None:
        super().__init__()
        self.kind = kind
        if kind == ATTENTION:
            self.weight = nn.Parameter(torch.randn(width, inner, generator=generator) * width**-0.5)
            self.bias = nn.Parameter(torch.zeros(inner))
            self.context = nn.Parameter(torch.randn(inner, generator=generator) * inner**-0.5)

    def forward(self, states: Tensor, lengths: Tensor) -> Tensor:
        """The vectors of texts.

        Args:
            states: (B, T, width).
            lengths: tokens of each text, (B,), at least 1.
        """
        if self.kind == ATTENTION:
            inside = _inside(states, lengths).unsqueeze(2)
            known = torch.where(inside, states, torch.zeros_like(states))
            return (self.weights(states, lengths).unsqueeze(2) * known).sum(1)
        return self._shut(states, lengths).amax(1)

    def weights(self, states: Tensor, lengths: Tensor) -> Tensor:
        """How much of a text's vector each token gives, (B, T): 0 in padding, 1 in all."""
        inside = _inside(states, lengths)
        if self.kind == ATTENTION:
            known = torch.where(inside.unsqueeze(2), states, torch.zeros_like(states))
            scores = torch.tanh(known @ self.weight + self.bias) @ self.context
            return scores.masked_fill(~inside, -torch.inf).softmax(dim=1)
        best = self._shut(states, lengths).argmax(1)  # (B, width)
        counts = torch.zeros(inside.shape, dtype=states.dtype, device=states.device)
        return (
            counts.scatter_add(1, best, torch.ones_like(best, dtype=states.dtype))
            / (states.shape[2])
        )

    @staticmethod
    def _shut(states: Tensor, lengths: Tensor) -> Tensor:
        """States whose padding is no maximum."""
        return states.masked_fill(~_inside(states, lengths).unsqueeze(2), -torch.inf)


def _inside(states: Tensor, lengths: Tensor) -> Tensor:
    """Where there is a token, (B, T)."""
    return torch.arange(states.shape[1], device=states.device) < lengths.unsqueeze(1)
