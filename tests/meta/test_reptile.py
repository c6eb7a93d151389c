"""Reptile: where plain training leads, and the way back from there."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch
from torch import Tensor, nn

from fewshot_metalstm.meta.algorithm import InnerConfig
from fewshot_metalstm.meta.learner import Episode
from fewshot_metalstm.meta.outer import OuterConfig, OuterLoop
from fewshot_metalstm.meta.pool import EpisodePool
from fewshot_metalstm.meta.reptile import Reptile
from tests.meta.toys import (
    Parabola,
    Regressor,
    Sines,
    flat_parameters,
    flatten,
    learn_sines,
    noise,
)

EPISODE = Sines().episode(0, 0)
INNER = InnerConfig(steps=4, lr=0.03, clip=0, noise=False)


def test_on_a_parabola_it_is_adam_without_momentum_written_out() -> None:
    learner = Parabola()
    low, steps, rate = 0.2, 5, 0.04
    episode = Episode((low, False), (low, True), "parabola")
    inner = InnerConfig(steps=steps, lr=rate, clip=0, noise=False)
    outcome = Reptile(inner).outcome(learner, episode, noise())
    start = {"curve": learner.curve.item(), "at": learner.at.item()}
    now, squares = dict(start), {"curve": 0.0, "at": 0.0}
    for step in range(steps):
        away = now["at"] - low
        support = {"curve": away**2 / 2, "at": now["curve"] * away}
        query = {"curve": 0.0, "at": 2 * away}
        for name, slope in (query if step % 2 else support).items():
            squares[name] = 0.999 * squares[name] + 0.001 * slope**2
            scale = (squares[name] / (1 - 0.999 ** (step + 1))) ** 0.5 + 1e-8
            now[name] -= rate * slope / scale
    wanted = [start["curve"] - now["curve"], start["at"] - now["at"]]
    assert [float(g) for g in outcome.gradient] == pytest.approx(wanted, rel=1e-9)
    assert outcome.query_loss_before == pytest.approx((start["at"] - low) ** 2)
    assert outcome.query_loss == pytest.approx((now["at"] - low) ** 2)


def test_support_and_query_are_taken_in_turn_and_every_parameter_moves() -> None:
    other = Episode(EPISODE.support, Sines().episode(1, 0).query, "other")
    for steps in (1, 2):
        algorithm = Reptile(replace(INNER, steps=steps))
        ours, theirs = (algorithm.outcome(Regressor(), e, noise()) for e in (EPISODE, other))
        assert torch.equal(flatten(ours.gradient), flatten(theirs.gradient)) == (steps == 1)
    learner = Regressor(idle=False)
    assert set(Reptile(INNER).tuned(learner)) == {n for n, _ in learner.named_parameters()}
    outcome = Reptile(INNER).outcome(learner, EPISODE, noise())
    assert all(bool(gradient.any()) for gradient in outcome.gradient)


def test_validation_adapts_to_the_support_alone() -> None:
    learner = Regressor()
    start = learner.initial(EPISODE.support)
    found = Reptile(INNER).adapt(learner, start, EPISODE.support, None)
    copy = Regressor()
    optimiser = torch.optim.Adam(copy.parameters(), lr=INNER.lr, betas=(0.0, 0.999))
    for loss in found.losses:
        optimiser.zero_grad()
        now = copy(EPISODE.support)
        assert loss == pytest.approx(float(now.detach()))
        now.backward()
        optimiser.step()
    for name, value in copy.named_parameters():
        if "idle" not in name:
            torch.testing.assert_close(found.params[name], value.detach())


def test_the_plain_outer_step_is_the_papers() -> None:
    learner = Regressor()
    before = flat_parameters(learner)
    algorithm = Reptile(INNER)
    ends = [
        algorithm.outcome(learner, Sines().episode(0, i), noise()).adapted for i in range(2)
    ]  # quiet, so that any generator does
    config = OuterConfig(steps=9, meta_batch=2, optimiser="sgd", lr=0.3, clip=0)
    with EpisodePool(
        learner, algorithm, Sines(), None, meta_batch=2, workers=1, seed=0
    ) as pool:  # fmt: skip
        OuterLoop(learner, config).step(pool)
    names = [name for name, _ in learner.named_parameters()]
    mean = torch.stack([flatten([end[name] for name in names]) for end in ends]).mean(0)
    torch.testing.assert_close(flat_parameters(learner), before + 0.3 * (mean - before))


class Copies(Parabola):
    """A parabola that starts from two copies of its place."""

    def initial(self, batch: object) -> dict[str, Tensor]:
        return {"curve": self.curve, "at": self.at.expand(2)}

    def forward(self, batch: object, generator: torch.Generator | None = None) -> Tensor:
        return (self.curve * (self.at - torch.tensor([0.0, 4.0], dtype=self.at.dtype))).sum()


def test_the_ways_of_copies_add_up() -> None:
    learner = Copies()
    inner = InnerConfig(steps=1, lr=0.25, clip=0, noise=False)
    outcome = Reptile(inner).outcome(learner, Episode(None, None, "copies"), noise())
    moved = outcome.adapted["at"]
    assert outcome.gradient[1] == pytest.approx(float((learner.at - moved).detach().sum()))
    assert float(outcome.gradient[1]) == pytest.approx(2 * 0.25)


@pytest.mark.parametrize(("optimiser", "lr"), [("adam", 0.02), ("sgd", 1.0)])
def test_it_learns_to_adapt_to_sines(optimiser: str, lr: float) -> None:
    inner = InnerConfig(steps=6, lr=0.02, noise=False)
    before, after, learner = learn_sines(Reptile(inner), 150, lr, optimiser)
    assert after < 0.6 * before
    assert not any(isinstance(m, nn.Module) for m in learner.children()), "nothing of its own"
