"""Self-attention against torch's module of that name."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from fewshot_metalstm.errors import UserError
from fewshot_metalstm.nn.self_attention import SelfAttention

LENGTHS = torch.tensor([3, 5])


def layer(heads: int = 2) -> SelfAttention:
    return SelfAttention(6, heads, torch.Generator().manual_seed(0)).double()


def states(seed: int = 1) -> torch.Tensor:
    return torch.randn(2, 5, 6, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def test_it_adds_what_torch_gathers() -> None:
    made, given = layer(), states()
    theirs = nn.MultiheadAttention(6, 2, batch_first=True, dtype=torch.float64)
    with torch.no_grad():
        theirs.in_proj_weight.copy_(made.read_weight)
        theirs.in_proj_bias.copy_(made.read_bias)
        theirs.out_proj.weight.copy_(made.back_weight)
        theirs.out_proj.bias.copy_(made.back_bias)
        padding = torch.arange(5) >= LENGTHS.unsqueeze(1)
        gathered, _ = theirs(given, given, given, key_padding_mask=padding)
    found = made(given, LENGTHS)
    assert torch.allclose(found[~padding], (given + gathered)[~padding])
    assert torch.equal(found[padding], given[padding])


def test_what_stands_in_the_padding_is_not_read() -> None:
    made, one, other = layer(), states(), states()
    other[0, 3:] = 7.0
    assert torch.equal(made(one, LENGTHS)[0, :3], made(other, LENGTHS)[0, :3])
    assert torch.equal(made(one, LENGTHS)[1], made(other, LENGTHS)[1])


def test_gradients_are_those_of_finite_differences() -> None:
    made, given = layer(), states().requires_grad_()
    assert torch.autograd.gradcheck(lambda x: made(x, LENGTHS), given)
    loss = made(given, LENGTHS).square().sum()
    for gradient in torch.autograd.grad(loss, list(made.parameters())):
        assert gradient.any()


def test_heads_have_to_divide_a_state() -> None:
    with pytest.raises(UserError, match="4 heads of attention cannot divide 6"):
        layer(4)
