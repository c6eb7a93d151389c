"""A character CNN over words, with padding masked out of the maximum.

Source: Ma and Hovy, "End-to-end Sequence Labeling via Bi-directional LSTM-CNNs-CRF", ACL 2016.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn


class CharacterCNN(nn.Module):
    """``(U, L) int64 -> (U, filters)``. Index 0 is padding and its embedding row stays zero."""

    def __init__(
        self,
        alphabet: int,
        filters: int,
        generator: torch.Generator,
        width: int = 3,
        size: int = 25,
    ) -> None:
        super().__init__()
        self.width = width
        bound = (3 / size) ** 0.5
        table = (torch.rand(alphabet, size, generator=generator) * 2 - 1) * bound
        table[0] = 0
        self.embedding = nn.Parameter(table)
        scale = (width * size) ** -0.5
        self.weight = nn.Parameter(torch.randn(width * size, filters, generator=generator) * scale)
        self.bias = nn.Parameter(torch.zeros(filters))

    def forward(self, characters: Tensor) -> Tensor:
        """Encode words given as rows of character indices, padded with 0 on the right.

        A row of only padding gives zeros.
        """
        side = self.width // 2
        inside = characters != 0
        # Masked again here, so that no update can leak through the padding row.
        known = torch.arange(len(self.embedding), device=characters.device) != 0
        table = self.embedding * known.to(self.embedding).unsqueeze(1)
        letters = nn.functional.pad(table[characters], (0, 0, side, side))
        windows = letters.unfold(1, self.width, 1).transpose(2, 3).flatten(2)  # (U, L, w*size)
        scores = torch.tanh(windows @ self.weight + self.bias)
        scores = scores.masked_fill(~inside.unsqueeze(2), -2.0)  # below any tanh
        best = scores.max(dim=1).values
        return best * inside.any(dim=1, keepdim=True)
