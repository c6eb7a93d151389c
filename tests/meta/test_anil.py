"""ANIL: MAML's outer gradient, with an inner loop on the head."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from torch import Tensor, nn

from fewshot_metalstm.meta.algorithm import InnerConfig
from fewshot_metalstm.meta.anil import anil
from fewshot_metalstm.meta.fomaml import FirstOrderMAML
from fewshot_metalstm.meta.func import FuncMAML
from fewshot_metalstm.meta.l2l import Learn2LearnMAML
from fewshot_metalstm.meta.learner import Episode, Learner
from fewshot_metalstm.meta.maml import MAML
from fewshot_metalstm.meta.unrolled import Unrolled
from tests.compat.needed import learn2learn_or_skip
from tests.meta.toys import (
    Regressor,
    SideBySide,
    Sines,
    flatten,
    learn_sines,
    loss_after,
    measured,
    noise,
)

EPISODE = Sines().episode(0, 0)


class Line(Learner):
    """Support ``(head * body - low)^2 / 2``, query ``(head * body - low)^2``."""

    def __init__(self) -> None:
        super().__init__()
        self.body = nn.Parameter(torch.tensor(0.8, dtype=torch.float64))
        self.head_ = nn.Parameter(torch.tensor(1.7, dtype=torch.float64))

    def adapted(self) -> tuple[str, ...]:
        return ("body", "head_")

    def head(self) -> tuple[str, ...]:
        return ("head_",)

    def forward(self, batch: Any, generator: torch.Generator | None = None) -> Tensor:
        low, query = batch
        away: Tensor = (self.head_ * self.body - low).square()
        return away if query else away / 2


@pytest.mark.parametrize("order", [1, 2])
def test_one_step_on_a_line_has_the_gradient_that_it_has(order: int) -> None:
    low, rate = 0.3, 0.2
    inner = InnerConfig(steps=1, lr=rate, clip=0, noise=False)
    learner = Line()
    episode = Episode((low, False), (low, True), "line")
    outcome = anil(MAML(inner, order)).outcome(learner, episode, noise())
    body, head = learner.body.item(), learner.head_.item()
    rest = head * body - low
    adapted = head - rate * body * rest
    after = rest * (1 - rate * body**2)  # = adapted * body - low
    by_adapted = 2 * after * body
    by_body = 2 * after * adapted
    if order == 2:
        by_body += by_adapted * -rate * (rest + body * head)
        by_adapted *= 1 - rate * body**2
    assert [float(g) for g in outcome.gradient] == pytest.approx([by_body, by_adapted])
    assert outcome.query_loss == pytest.approx(after**2)
    assert torch.equal(outcome.adapted["body"], learner.body)


@pytest.mark.parametrize("clip", [0.0, 0.3])
@pytest.mark.parametrize("kind", [MAML, Learn2LearnMAML, FuncMAML])
def test_second_order_gradient_equals_finite_differences(kind: type[Unrolled], clip: float) -> None:
    if kind is Learn2LearnMAML:
        learn2learn_or_skip()
    inner = InnerConfig(steps=3, lr=0.05, clip=clip, noise=False)
    learner = SideBySide(everything=True)
    algorithm = anil(kind(inner))
    outcome = algorithm.outcome(learner, EPISODE, noise())
    if clip:
        assert outcome.inner_norm > clip, "the clipped case must clip"
    wanted = measured(learner, lambda: loss_after(learner, algorithm, EPISODE))
    torch.testing.assert_close(flatten(outcome.gradient), wanted, rtol=1e-6, atol=1e-7)
    maml = kind(inner).outcome(learner, EPISODE, noise())
    assert not torch.allclose(flatten(outcome.gradient), flatten(maml.gradient), rtol=1e-2)


class OnlyHead(Regressor):
    def adapted(self) -> tuple[str, ...]:
        return self.head()


@pytest.mark.parametrize("noisy", [False, True])
@pytest.mark.parametrize("order", [1, 2])
def test_it_is_maml_on_a_learner_that_adapts_its_head(order: int, noisy: bool) -> None:
    inner = InnerConfig(steps=3, lr=0.05, noise=noisy)
    ours = anil(MAML(inner, order)).outcome(Regressor(), EPISODE, noise())
    plain = MAML(inner, order).outcome(OnlyHead(), EPISODE, noise())
    assert torch.equal(flatten(ours.gradient), flatten(plain.gradient))
    assert ours.inner_norm == plain.inner_norm
    first = anil(FirstOrderMAML(inner)).outcome(Regressor(), EPISODE, noise())
    assert torch.equal(flatten(first.gradient), flatten(ours.gradient)) == (order == 1)


@pytest.mark.parametrize("first_order", [False, True])
def test_gradient_equals_learn2learns(first_order: bool) -> None:
    """learn2learn wraps the head alone, and the body computes what it reads."""
    package = learn2learn_or_skip()
    inner = InnerConfig(steps=3, lr=0.05, clip=0, noise=False)
    learner, reference = (Regressor(everything=True, idle=False) for _ in range(2))
    ours = anil(MAML(inner, 1 if first_order else 2)).outcome(learner, EPISODE, noise())

    class Head(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.weight, self.bias = reference.fast_weight, reference.fast_bias

        def forward(self, hidden: Tensor) -> Tensor:
            return hidden @ self.weight + self.bias

    maml = package.algorithms.MAML(Head(), lr=inner.lr, first_order=first_order)
    clone = maml.clone()

    def loss(batch: Any) -> Tensor:
        hidden = torch.tanh(batch.x @ reference.shared_weight + reference.shared_bias)
        found: Tensor = (clone(hidden) - batch.y).square().mean()
        return found

    for _ in range(inner.steps):
        clone.adapt(loss(EPISODE.support))
    theirs = torch.autograd.grad(loss(EPISODE.query), list(reference.parameters()))
    torch.testing.assert_close(flatten(ours.gradient), flatten(theirs), rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize("order", [1, 2])
def test_it_learns_to_adapt_its_head_to_sines(order: int) -> None:
    inner = InnerConfig(steps=3, lr=0.05, noise=False)
    algorithm = anil(MAML(inner, order))
    before, after, learner = learn_sines(algorithm, 150, 0.02)
    assert after < 0.5 * before
    assert algorithm.tuned(learner) == ("fast_weight", "fast_bias")
