"""The character CNN: padding has no say."""

from __future__ import annotations

import torch

from fewshot_metalstm.nn.characters import CharacterCNN


def encoder(filters: int = 6) -> CharacterCNN:
    return CharacterCNN(9, filters, torch.Generator().manual_seed(1), size=5).double()


def test_padding_has_no_influence() -> None:
    cnn = encoder()
    words = torch.tensor([[3, 4, 5], [7, 2, 0], [8, 0, 0]])
    wide = torch.nn.functional.pad(words, (0, 4))
    assert torch.equal(cnn(words), cnn(wide))
    for row, length in enumerate((3, 2, 1)):
        torch.testing.assert_close(cnn(words[row : row + 1, :length])[0], cnn(wide)[row])


def test_windows_reach_over_neighbours_and_order_matters() -> None:
    cnn = encoder()
    a, b = cnn(torch.tensor([[3, 4], [4, 3]]))
    assert not torch.allclose(a, b)


def test_a_low_maximum_is_not_replaced_by_padding() -> None:
    """With every real window near -1, masked padding must still lose."""
    cnn = encoder()
    with torch.no_grad():
        cnn.bias.fill_(-50.0)
    out = cnn(torch.tensor([[3, 0, 0, 0]]))
    torch.testing.assert_close(out, torch.full_like(out, -1.0))


def test_row_of_only_padding_gives_zeros() -> None:
    assert torch.equal(encoder()(torch.zeros(1, 4, dtype=torch.int64)), torch.zeros(1, 6).double())


def test_padding_row_stays_zero_under_training() -> None:
    cnn = encoder()
    assert not cnn.embedding[0].any()
    words = torch.tensor([[3, 4, 0, 0], [5, 0, 0, 0]])
    optimiser = torch.optim.Adam(cnn.parameters(), lr=0.1)
    for _ in range(3):
        optimiser.zero_grad()
        cnn(words).square().sum().backward()
        optimiser.step()
    assert not cnn.embedding[0].any()
    assert cnn.embedding.grad is not None
    assert cnn.embedding.grad[3].any()


def test_a_padding_row_that_was_moved_is_masked() -> None:
    cnn = encoder()
    words = torch.tensor([[3, 4, 0]])
    before = cnn(words)
    with torch.no_grad():
        cnn.embedding[0] = 9.0
    assert torch.equal(cnn(words), before)


def test_gradients_of_first_and_second_order() -> None:
    cnn = encoder(filters=2)
    words = torch.tensor([[3, 4, 0], [5, 6, 7]])

    def run(table: torch.Tensor, weight: torch.Tensor) -> torch.Tensor:
        result: torch.Tensor = torch.func.functional_call(
            cnn, {"embedding": table, "weight": weight, "bias": cnn.bias}, (words,)
        )
        return result

    inputs = tuple(p.detach().clone().requires_grad_() for p in (cnn.embedding, cnn.weight))
    assert torch.autograd.gradcheck(run, inputs)
    assert torch.autograd.gradgradcheck(run, inputs)
