"""8 bits: no weight is off by more than half a step of its channel."""

from __future__ import annotations

import torch

from fewshot_metalstm.compress.quantising import codes, rounded, steps


def matrix() -> torch.Tensor:
    made = torch.randn(7, 20, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
    made[2] *= 100
    made[4] = 0
    return made


def test_no_weight_is_off_by_more_than_half_a_step() -> None:
    given = matrix()
    step = steps(given)
    read = codes(given, step).double() * step
    assert bool(((read - given).abs() <= step / 2 + 1e-12).all())
    assert torch.equal(read[4], given[4])  # a channel without a weight
    assert torch.allclose(rounded(given), read)
    assert int(codes(given, step).abs().max()) == 127


def test_the_other_way_round_it_is_the_same() -> None:
    given = matrix()
    assert torch.equal(rounded(given.T.contiguous(), -2), rounded(given).T)


def test_the_gradient_passes_by_the_rounding() -> None:
    given = matrix().requires_grad_()
    weight = torch.arange(20.0, dtype=torch.float64)
    (rounded(given) * weight).sum().backward()  # type: ignore[no-untyped-call]
    assert given.grad is not None
    assert torch.equal(given.grad, weight.expand(7, 20))
