"""The character CNN: what it computes, its derivatives, and that padding has no say."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor

from fewshot_metalstm.nn import jit
from fewshot_metalstm.nn.characters import CharacterCNN

needs_numba = pytest.mark.skipif(not jit.available(), reason="numba is missing or switched off")
both = pytest.mark.parametrize("plain", [True, pytest.param(False, marks=needs_numba)])


def encoder(filters: int = 6) -> CharacterCNN:
    return CharacterCNN(9, filters, torch.Generator().manual_seed(1), size=5).double()


def convolved(cnn: CharacterCNN, word: Tensor) -> Tensor:
    """One word without padding, window by window, as the paper has it."""
    around = torch.nn.functional.pad(cnn.embedding[word], (0, 0, 1, 1))
    windows = [around[t : t + 3].flatten() for t in range(len(word))]
    return torch.tanh(torch.stack(windows) @ cnn.weight + cnn.bias).amax(0)


def some_words() -> Tensor:
    generator = torch.Generator().manual_seed(2)
    words = torch.randint(1, 9, (30, 11), generator=generator)
    lengths = torch.randint(1, 12, (30, 1), generator=generator)
    return words * (torch.arange(11) < lengths)


@both
def test_a_word_is_the_maximum_over_its_windows(plain: bool) -> None:
    cnn, words = encoder(), some_words()
    weights = torch.randn(30, 6, generator=torch.Generator().manual_seed(3)).double()
    found = cnn(words, plain=plain)
    expected = torch.stack([convolved(cnn, word[word != 0]) for word in words])
    torch.testing.assert_close(found, expected)
    parameters = list(cnn.parameters())
    for a, b in zip(
        torch.autograd.grad((found * weights).sum(), parameters),
        torch.autograd.grad((expected * weights).sum(), parameters),
        strict=True,
    ):
        torch.testing.assert_close(a, b)


@needs_numba
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_compiled_and_plain_forms_are_equal(dtype: torch.dtype) -> None:
    cnn, words = encoder().to(dtype), some_words()
    assert torch.equal(cnn(words), cnn(words, plain=True))
    flat = words.t().contiguous().t()  # another layout in memory
    assert torch.equal(cnn(flat), cnn(words))


@needs_numba
@pytest.mark.parametrize("wrong", [-1, 9])
def test_compiled_code_reads_no_memory_of_others(wrong: int) -> None:
    with pytest.raises(IndexError):
        encoder()(torch.tensor([[3, wrong]]))


def test_plain_form_serves_vmap() -> None:
    cnn, words = encoder(), some_words().view(2, 15, 11)
    several = {n: torch.stack([p.detach(), p.detach() * 2]) for n, p in cnn.named_parameters()}

    def loss(parameters: dict[str, Tensor], words: Tensor) -> Tensor:
        result: Tensor = torch.func.functional_call(cnn, parameters, (words,), {"plain": True})
        return result.square().sum()

    found = torch.func.vmap(torch.func.grad(loss))(several, words)
    for task in (0, 1):
        own = {n: p[task].clone().requires_grad_() for n, p in several.items()}
        expected = torch.autograd.grad(loss(own, words[task]), list(own.values()))
        for name, gradient in zip(own, expected, strict=True):
            torch.testing.assert_close(found[name][task], gradient)


@pytest.mark.skipif(not torch.cuda.is_available(), reason="there is no GPU")
def test_a_gpu_gives_the_same() -> None:
    cnn, words = encoder(), some_words()
    expected = cnn(words)
    torch.testing.assert_close(cnn.cuda()(words.cuda()).cpu(), expected)


@both
def test_padding_has_no_influence(plain: bool) -> None:
    cnn = encoder()
    words = torch.tensor([[3, 4, 5], [7, 2, 0], [8, 0, 0]])
    wide = torch.nn.functional.pad(words, (0, 4))
    assert torch.equal(cnn(words, plain=plain), cnn(wide, plain=plain))
    for row, length in enumerate((3, 2, 1)):
        torch.testing.assert_close(cnn(words[row : row + 1, :length])[0], cnn(wide)[row])


def test_windows_reach_over_neighbours_and_order_matters() -> None:
    cnn = encoder()
    a, b = cnn(torch.tensor([[3, 4], [4, 3]]))
    assert not torch.allclose(a, b)


@both
def test_a_low_maximum_is_not_replaced_by_padding(plain: bool) -> None:
    """With every real window near -1, masked padding must still lose."""
    cnn = encoder()
    with torch.no_grad():
        cnn.bias.fill_(-50.0)
    out = cnn(torch.tensor([[3, 0, 0, 0]]), plain=plain)
    torch.testing.assert_close(out, torch.full_like(out, -1.0))


@both
def test_row_of_only_padding_gives_zeros(plain: bool) -> None:
    found = encoder()(torch.zeros(1, 4, dtype=torch.int64), plain=plain)
    assert torch.equal(found, torch.zeros(1, 6).double())


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


@both
def test_gradients_of_first_and_second_order(plain: bool) -> None:
    cnn = encoder(filters=2)
    words = torch.tensor([[3, 4, 0], [5, 6, 7]])

    def run(table: torch.Tensor, weight: torch.Tensor) -> torch.Tensor:
        result: torch.Tensor = torch.func.functional_call(
            cnn, {"embedding": table, "weight": weight, "bias": cnn.bias}, (words,),
            {"plain": plain},
        )  # fmt: skip
        return result

    inputs = tuple(p.detach().clone().requires_grad_() for p in (cnn.embedding, cnn.weight))
    assert torch.autograd.gradcheck(run, inputs)
    assert torch.autograd.gradgradcheck(run, inputs)
