"""Products with constant matrices, compiled and not."""

from __future__ import annotations

import pytest
import torch

from fewshot_metalstm.nn import jit, products
from fewshot_metalstm.nn.products import Constant, outer


@pytest.mark.parametrize("kind", [torch.float32, torch.float64])
@pytest.mark.parametrize("compiled", [False, True])
def test_products_and_their_gradients(
    kind: torch.dtype, compiled: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    if compiled and not jit.available():
        pytest.skip("numba is not installed")
    monkeypatch.setattr(products, "available", lambda: compiled)
    generator = torch.Generator().manual_seed(0)
    left = torch.randn(3, 7, 5, generator=generator, dtype=kind)[:, 1:].requires_grad_()
    to = torch.randn(3, 8, 9, generator=generator, dtype=kind)[:, 2:].requires_grad_()
    value = torch.randn(3, 5, 9, generator=generator, dtype=kind)
    factors = torch.randn(3, 6, 9, generator=generator, dtype=kind)
    constant = Constant(value)
    for added in (None, to):
        ours = constant.add(left, added)
        theirs = left @ value if added is None else added + left @ value
        torch.testing.assert_close(ours, theirs)
        wanted = [left] if added is None else [left, to]
        pairs = zip(
            torch.autograd.grad((ours * factors).sum(), wanted),
            torch.autograd.grad((theirs * factors).sum(), wanted),
            strict=True,
        )
        for a, b in pairs:
            torch.testing.assert_close(a, b)
    torch.testing.assert_close(
        outer(left.detach(), factors), left.detach().transpose(1, 2) @ factors
    )


@pytest.mark.parametrize("compiled", [False, True])
def test_sums_over_rows_block_by_block(compiled: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    if compiled and not jit.available():
        pytest.skip("numba is not installed")
    monkeypatch.setattr(products, "available", lambda: compiled)
    generator = torch.Generator().manual_seed(0)
    left = torch.randn(2, 11, 6, generator=generator, dtype=torch.float64)[:, 2:]
    right = torch.randn(2, 9, 12, generator=generator, dtype=torch.float64)
    blocks = [
        left[:, :, 2 * k : 2 * k + 2].transpose(1, 2) @ right[:, :, 4 * k : 4 * k + 4]
        for k in range(3)
    ]
    torch.testing.assert_close(outer(left, right, 3), torch.cat(blocks, 1))
