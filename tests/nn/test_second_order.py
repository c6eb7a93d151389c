"""Gradients with a graph, through the plain form of something."""

from __future__ import annotations

import torch
from torch import Tensor

from fewshot_metalstm.nn.second_order import through_plain


def test_an_input_that_depends_on_another_does_not_count_twice() -> None:
    x = torch.tensor([1.0, 2.0], dtype=torch.float64, requires_grad=True)
    y = x.square()

    def plain(x: Tensor, y: Tensor, rest: Tensor) -> Tensor:
        return x * y + rest

    d_output = torch.ones(2, dtype=torch.float64)
    by_x, by_y, by_rest = through_plain(plain, (x, y, x.detach()), (True, True, False), d_output)
    assert by_x is not None
    assert by_y is not None
    assert by_rest is None
    torch.testing.assert_close(by_x, y)  # and not 3 x^2, which goes through y
    torch.testing.assert_close(by_y, x)
    (again,) = torch.autograd.grad(by_x.sum(), x)
    torch.testing.assert_close(again, 2 * x)
