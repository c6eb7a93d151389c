"""MAML's outer gradient against finite differences, first-order MAML and learn2learn."""

from __future__ import annotations

import pytest
import torch

from fewshot_metalstm.meta.algorithm import InnerConfig
from fewshot_metalstm.meta.fomaml import FirstOrderMAML
from fewshot_metalstm.meta.maml import MAML
from tests.compat.needed import learn2learn_or_skip
from tests.meta.toys import (
    Regressor,
    Sines,
    adapted_loss,
    flat_parameters,
    flatten,
    measured,
    noise,
    outer_loss,
)

EPISODE = Sines().episode(0, 0)
QUIET = InnerConfig(steps=3, lr=0.05, clip=0, noise=False)


@pytest.mark.parametrize("steps", [0, 1, 3])
@pytest.mark.parametrize("clip", [0.0, 0.5])
@pytest.mark.parametrize("everything", [False, True])
def test_second_order_gradient_equals_finite_differences(
    steps: int, clip: float, everything: bool
) -> None:
    inner = InnerConfig(steps=steps, lr=0.05, clip=clip, noise=False)
    learner = Regressor(everything=everything)
    outcome = MAML(inner).outcome(learner, EPISODE, noise())
    if steps and clip:
        assert outcome.inner_norm > clip, "the clipped case must clip"
    wanted = measured(
        learner, lambda: outer_loss(learner, inner, EPISODE, flat_parameters(learner))
    )
    torch.testing.assert_close(flatten(outcome.gradient), wanted, rtol=1e-6, atol=1e-7)


@pytest.mark.parametrize("clip", [0.0, 0.5])
@pytest.mark.parametrize("noisy", [False, True])
def test_first_order_equals_first_order_maml(clip: float, noisy: bool) -> None:
    inner = InnerConfig(steps=3, lr=0.05, clip=clip, noise=noisy)
    learner = Regressor()
    ours = MAML(inner, order=1).outcome(learner, EPISODE, noise())
    plain = FirstOrderMAML(inner).outcome(learner, EPISODE, noise())
    torch.testing.assert_close(flatten(ours.gradient), flatten(plain.gradient))
    assert ours.inner_norm == pytest.approx(plain.inner_norm)
    for name in ("support_loss", "query_loss_before", "query_loss"):
        assert getattr(ours, name) == pytest.approx(getattr(plain, name)), name
    second = MAML(inner).outcome(learner, EPISODE, noise())
    assert not torch.allclose(flatten(second.gradient), flatten(plain.gradient), rtol=1e-3)


@pytest.mark.parametrize("first_order", [False, True])
def test_gradient_equals_learn2learns(first_order: bool) -> None:
    package = learn2learn_or_skip()
    learner = Regressor(everything=True, idle=False)
    ours = MAML(QUIET, order=1 if first_order else 2).outcome(learner, EPISODE, noise())
    reference = Regressor(everything=True, idle=False)
    maml = package.algorithms.MAML(reference, lr=QUIET.lr, first_order=first_order)
    clone = maml.clone()
    for _ in range(QUIET.steps):
        clone.adapt(clone(EPISODE.support))
    query = clone(EPISODE.query)
    theirs = torch.autograd.grad(query, list(reference.parameters()))
    torch.testing.assert_close(flatten(ours.gradient), flatten(theirs), rtol=1e-9, atol=1e-12)
    assert ours.query_loss == pytest.approx(float(query.detach()))


@pytest.mark.parametrize("algorithm", [MAML(QUIET), MAML(QUIET, order=1), FirstOrderMAML(QUIET)])
def test_learner_is_left_as_it_was(algorithm: MAML | FirstOrderMAML) -> None:
    learner = Regressor()
    before = flat_parameters(learner)
    identities = [id(p) for p in learner.parameters()]
    first = algorithm.outcome(learner, EPISODE, noise())
    second = algorithm.outcome(learner, EPISODE, noise())
    assert torch.equal(flat_parameters(learner), before)
    assert [id(p) for p in learner.parameters()] == identities
    assert all(p.grad is None for p in learner.parameters())
    assert torch.equal(flatten(first.gradient), flatten(second.gradient))


@pytest.mark.parametrize("algorithm", [MAML(QUIET), FirstOrderMAML(QUIET)])
def test_outcome_has_a_gradient_for_every_parameter(algorithm: MAML | FirstOrderMAML) -> None:
    learner = Regressor()
    outcome = algorithm.outcome(learner, EPISODE, noise())
    named = list(learner.named_parameters())
    for (name, parameter), gradient in zip(named, outcome.gradient, strict=True):
        assert gradient.shape == parameter.shape, name
        assert bool(gradient.any()) == ("idle" not in name), name
    before = adapted_loss(learner, InnerConfig(steps=0), EPISODE)
    assert outcome.query_loss_before == pytest.approx(before)
    assert outcome.query_loss == pytest.approx(adapted_loss(learner, QUIET, EPISODE))


def test_noise_stays_in_the_support() -> None:
    noisy = InnerConfig(steps=2, lr=0.05, noise=True)
    for algorithm in (MAML(noisy), FirstOrderMAML(noisy)):
        first = algorithm.outcome(Regressor(), EPISODE, noise(1))
        other = algorithm.outcome(Regressor(), EPISODE, noise(2))
        assert first.support_loss != other.support_loss
        assert first.query_loss_before == other.query_loss_before
        quiet = InnerConfig(steps=2, lr=0.0, noise=True)
        still = type(algorithm)(quiet).outcome(Regressor(), EPISODE, noise(1))
        assert still.query_loss == still.query_loss_before
