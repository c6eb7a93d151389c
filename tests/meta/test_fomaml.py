"""First-order MAML and its inner loop."""

from __future__ import annotations

import itertools

import pytest
import torch

from fewshot_metalstm.meta.algorithm import InnerConfig
from fewshot_metalstm.meta.fomaml import FirstOrderMAML, descend
from tests.meta.toys import Regressor, Sines, flatten, noise

EPISODE = Sines().episode(0, 0)


def test_descend_equals_torchs_sgd_on_what_is_adapted() -> None:
    learner = Regressor()
    inner = InnerConfig(steps=4, lr=0.05, clip=0.7, noise=False)
    start = learner.initial(EPISODE.support)
    fast, losses, norms = descend(learner, start, learner.adapted(), EPISODE.support, inner, None)
    copy = Regressor()
    tuned = [p for n, p in copy.named_parameters() if n in learner.adapted()]
    optimiser = torch.optim.SGD(tuned, lr=0.05)
    for loss_then, norm_then in zip(losses, norms, strict=True):
        optimiser.zero_grad()
        loss = copy(EPISODE.support)
        loss.backward()
        norm = torch.nn.utils.clip_grad_norm_(tuned, 0.7)
        optimiser.step()
        assert loss_then == pytest.approx(float(loss.detach()))
        assert norm_then == pytest.approx(float(norm))
    for name, value in copy.named_parameters():
        torch.testing.assert_close(fast[name], value.detach(), rtol=1e-5, atol=1e-7)
        changed = not torch.equal(value, start[name])
        assert changed == (name.startswith("fast") and name != "fast_idle"), name


def test_support_loss_falls_in_the_inner_loop() -> None:
    learner = Regressor()
    inner = InnerConfig(steps=20, lr=0.02, noise=False)
    start = learner.initial(EPISODE.support)
    _, losses, _ = descend(learner, start, learner.adapted(), EPISODE.support, inner, None)
    assert all(b < a for a, b in itertools.pairwise(losses))
    assert losses[-1] < 0.7 * losses[0]


def test_gradient_is_that_of_a_copy_at_the_adapted_parameters() -> None:
    learner = Regressor()
    inner = InnerConfig(steps=3, lr=0.05, noise=False)
    outcome = FirstOrderMAML(inner).outcome(learner, EPISODE, noise())
    start = learner.initial(EPISODE.support)
    fast, _, _ = descend(learner, start, learner.adapted(), EPISODE.support, inner, None)
    copy = Regressor()
    copy.load_state_dict(fast)
    copy(EPISODE.query).backward()
    wanted = [torch.zeros_like(p) if p.grad is None else p.grad for p in copy.parameters()]
    torch.testing.assert_close(flatten(outcome.gradient), flatten(wanted))


def test_no_inner_step_gives_the_plain_gradient() -> None:
    learner = Regressor()
    outcome = FirstOrderMAML(InnerConfig(steps=0)).outcome(learner, EPISODE, noise())
    assert outcome.query_loss == outcome.query_loss_before
    assert outcome.inner_norm == 0
    assert outcome.support_loss != outcome.support_loss  # there was no support loss to tell
