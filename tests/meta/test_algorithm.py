"""Clipping of inner gradients."""

from __future__ import annotations

import pytest
import torch

from fewshot_metalstm.meta.algorithm import clipper


def test_clip_scales_to_a_joint_norm_and_tells_the_norm_before() -> None:
    norms: list[float] = []
    clipped = clipper(2.0, norms)(torch.tensor([v]) for v in (3.0, 4.0))
    assert [float(g) for g in clipped] == pytest.approx([1.2, 1.6])
    assert norms == pytest.approx([5.0])


@pytest.mark.parametrize("limit", [0.0, 5.0, 100.0])
def test_clip_leaves_small_gradients_and_limit_zero_alone(limit: float) -> None:
    norms: list[float] = []
    given = [torch.tensor([3.0]), torch.tensor([4.0])]
    assert clipper(limit, norms)(given) == given
    assert norms == pytest.approx([5.0])


def test_clip_is_differentiable_at_zero_and_beyond_the_limit() -> None:
    clip = clipper(1.0, [])
    zero = torch.zeros(2, dtype=torch.float64, requires_grad=True)
    (gradient,) = torch.autograd.grad(clip([zero])[0].sum(), zero)
    assert torch.equal(gradient, torch.ones_like(gradient))
    far = torch.tensor([3.0, 4.0], dtype=torch.float64, requires_grad=True)
    assert torch.autograd.gradcheck(lambda g: clip([g])[0], (far,))
    assert torch.autograd.gradgradcheck(lambda g: clip([g])[0], (far,))
