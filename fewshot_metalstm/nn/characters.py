"""A character CNN over words, with padding masked out of the maximum.

A window's score is a sum of one product a character, and there are few characters. So every
character is multiplied with its part of the weights once, and a window only adds up what was
looked up. tanh grows with its argument, so it is taken after the maximum, and so is the bias. Where
the maximum lies is found first, without a graph; differentiated is only the sum at that place.

Source: Ma and Hovy, "End-to-end Sequence Labeling via Bi-directional LSTM-CNNs-CRF", ACL 2016.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from fewshot_metalstm.nn import jit


class CharacterCNN(nn.Module):
    """``(U, L) int64 -> (U, filters)``. Index 0 is padding and its embedding row stays zero.

    Without a filter words are not looked into, and the weights have no part in anything.
    """

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

    def forward(self, characters: Tensor, *, plain: bool = False) -> Tensor:
        """Encode words given as rows of character indices, padded with 0 on the right.

        A row of only padding gives zeros. With ``plain``, which ``torch.func`` needs, the maxima
        are sought in torch and not by compiled code.
        """
        if not self.weight.shape[1]:  # of the shape that is wanted, and with a graph to the weights
            size = self.embedding.shape[1]
            return self.embedding[characters[:, 0]] @ self.weight[:size] + self.bias
        # Masked again here, so that no update can leak through the padding row.
        known = torch.arange(len(self.embedding), device=characters.device) != 0
        table = self.embedding * known.to(self.embedding).unsqueeze(1)
        filters = self.weight.shape[1]
        parts = self.weight.view(self.width, -1, filters).transpose(0, 1).flatten(1)
        products = table @ parts  # (alphabet, width * filters)
        compiled = not plain and jit.available() and _on_cpu(products)
        find = _windows_compiled if compiled else _windows
        windows = find(products.detach(), characters, self.width)  # (U, width, filters)
        column = torch.arange(self.width * filters, device=characters.device)
        place = windows * (self.width * filters) + column.view(self.width, filters)
        summed = products.flatten().gather(0, place.flatten()).view(place.shape).sum(1)
        inside = (characters != 0).any(dim=1, keepdim=True)
        return torch.tanh(summed + self.bias) * inside


def _on_cpu(x: Tensor) -> bool:
    return x.device.type == "cpu" and x.dtype in (torch.float32, torch.float64)


def _windows(products: Tensor, characters: Tensor, width: int) -> Tensor:
    """The characters of each filter's best window in each word, (U, width, filters).

    Args:
        products: of each character with each place of a window, (alphabet, width * filters).
        characters: (U, L); 0 is padding, and no window has its middle there.
    """
    side = width // 2
    steps = characters.shape[1]
    around = nn.functional.pad(characters, (side, side))
    shifted = torch.stack([around[:, k : k + steps] for k in range(width)], dim=1)  # (U, width, L)
    by_place = products.view(-1, width, products.shape[1] // width).clone()
    by_place[0, side] = -torch.inf  # padding in the middle of a window
    parts = [part.contiguous() for part in by_place.unbind(1)]
    scores = nn.functional.embedding(shifted[:, 0], parts[0])
    for k in range(1, width):
        scores = scores + nn.functional.embedding(shifted[:, k], parts[k])
    best = scores.max(dim=1).indices
    return shifted.gather(2, best.unsqueeze(1).expand(-1, width, -1))


def _windows_compiled(products: Tensor, characters: Tensor, width: int) -> Tensor:
    """:func:`_windows`, compiled."""
    from fewshot_metalstm.nn.kernels import characters as kernels

    filters = products.shape[1] // width
    found = torch.zeros(len(characters), width, filters, dtype=torch.int64)
    given = products.contiguous().view(-1, width, filters).numpy()
    if not kernels.windows(given, characters.contiguous().numpy(), found.numpy()):
        raise IndexError("a character's index is out of the alphabet")
    return found
