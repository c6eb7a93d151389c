"""MAML++: rates by tensor and step, losses of all steps, and stages of the outer loop."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch
from torch import Tensor

from fewshot_metalstm.errors import UserError
from fewshot_metalstm.meta.algorithm import InnerConfig, without_own
from fewshot_metalstm.meta.config import StagesConfig
from fewshot_metalstm.meta.learner import Episode
from fewshot_metalstm.meta.maml import MAML
from fewshot_metalstm.meta.mamlpp import MAMLPlusPlus
from fewshot_metalstm.meta.memory import measure
from fewshot_metalstm.meta.outer import OuterConfig, OuterLoop
from fewshot_metalstm.meta.pool import EpisodePool
from fewshot_metalstm.ranges import check
from tests.meta.test_metasgd import named, prepared
from tests.meta.toys import (
    Parabola,
    Regressor,
    Sines,
    flat_parameters,
    flatten,
    learn_sines,
    loss_after,
    measured,
    noise,
)

EPISODE = Sines().episode(0, 0)
QUIET = InnerConfig(steps=3, lr=0.05, clip=0, noise=False)


def test_weights_anneal_from_equal_ones_to_their_least() -> None:
    algorithm = MAMLPlusPlus(InnerConfig(steps=5), stages=StagesConfig(anneal=0.2))
    found = {p: list(algorithm.scheduled(p).weights()) for p in (0.0, 0.1, 0.19, 0.2, 0.9)}
    assert found[0.0] == pytest.approx([0.2] * 5)
    assert found[0.1] == pytest.approx([0.1] * 4 + [0.6])
    assert found[0.19] == pytest.approx([0.01] * 4 + [0.96])
    assert found[0.2] == found[0.9] == pytest.approx([0.006] * 4 + [0.976])
    at_once = replace(algorithm, stages=StagesConfig(anneal=0.0))
    assert list(at_once.weights()) == found[0.9]


def test_the_order_changes_once_unless_it_is_set() -> None:
    algorithm = MAMLPlusPlus(QUIET, stages=StagesConfig(first_order=0.5))
    assert [algorithm.scheduled(p).depth for p in (0.0, 0.49, 0.5, 1.0)] == [0, 0, 3, 3]
    assert [replace(algorithm, order=1).scheduled(p).depth for p in (0.0, 1.0)] == [0, 0]
    assert [replace(algorithm, order=2).scheduled(p).depth for p in (0.0, 1.0)] == [3, 3]
    assert replace(algorithm, truncate=1).scheduled(0.7).depth == 1


@pytest.mark.parametrize("progress", [0.0, 0.1, 0.9])
def test_on_a_parabola_it_has_the_gradient_that_it_has(progress: float) -> None:
    """With each step's share of the way that is left written out."""
    low, steps = 0.2, 3
    learner = Parabola()
    inner = InnerConfig(steps=steps, lr=0.3, clip=0, noise=False)
    algorithm = MAMLPlusPlus(inner, 2, stages=StagesConfig(anneal=0.2), progress=progress)
    algorithm.prepare(learner)
    logs = torch.tensor([-1.0, -1.5, -0.5], dtype=torch.float64)
    with torch.no_grad():
        learner.get_parameter("inner.at").copy_(logs)
    outcome = algorithm.outcome(learner, Episode((low, False), (low, True), "parabola"), noise())
    leaves = [
        torch.tensor(value, dtype=torch.float64, requires_grad=True)
        for value in (learner.curve.item(), learner.at.item())
    ]
    curve, at = leaves
    logs.requires_grad_()
    left = torch.cumprod(1 - logs.exp() * curve, 0)
    loss = (torch.tensor(algorithm.weights()) * ((at - low) * left).square()).sum()
    wanted = torch.autograd.grad(loss, [curve, at, logs])
    torch.testing.assert_close(flatten(outcome.gradient), flatten(wanted))
    last = float(((at - low) * left[-1]).square().detach())
    assert outcome.query_loss == pytest.approx(last), "what is reported is the loss after all steps"


@pytest.mark.parametrize("clip", [0.0, 0.5])
def test_second_order_gradient_equals_finite_differences(clip: float) -> None:
    algorithm = MAMLPlusPlus(replace(QUIET, clip=clip), 2)
    learner = prepared(algorithm)
    outcome = algorithm.outcome(learner, EPISODE, noise())

    def figure() -> float:
        losses = [
            loss_after(
                learner, replace(algorithm, inner=replace(algorithm.inner, steps=k)), EPISODE
            )
            for k in (1, 2, 3)
        ]
        return sum(w * loss for w, loss in zip(algorithm.weights(), losses, strict=True))

    wanted = measured(learner, figure)
    torch.testing.assert_close(flatten(outcome.gradient), wanted, rtol=1e-6, atol=1e-7)
    rates = named(learner, outcome.gradient)
    assert rates["inner.fast_weight"].shape == (3,)
    assert bool(rates["inner.fast_weight"].all()), "every step's rate has a gradient"


@pytest.mark.parametrize("order", [1, 2])
def test_with_the_last_loss_and_equal_rates_it_is_maml(
    order: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("fewshot_metalstm.meta.mamlpp.LEAST", 0.0)
    learner = Regressor()
    plain = MAML(QUIET, order).outcome(learner, EPISODE, noise())
    algorithm = MAMLPlusPlus(QUIET, order, progress=1.0)
    algorithm.prepare(learner)
    gradient = named(learner, algorithm.outcome(learner, EPISODE, noise()).gradient)
    start = [gradient[name] for name in without_own(gradient)]
    torch.testing.assert_close(flatten(start), flatten(plain.gradient))


def test_first_order_takes_inner_gradients_as_constants() -> None:
    """One step: the start has the query's gradient at its end, the rate that along the step."""
    algorithm = MAMLPlusPlus(replace(QUIET, steps=1), 1)
    learner = prepared(algorithm, idle=False)
    outcome = algorithm.outcome(learner, EPISODE, noise())
    found = named(learner, outcome.gradient)
    names = without_own(found)
    start = {name: learner.get_parameter(name).detach() for name in names}
    ends = {name: outcome.adapted[name].clone().requires_grad_() for name in names}
    wanted = dict(
        zip(ends, torch.autograd.grad(learner.loss(ends, EPISODE.query), list(ends.values())),
            strict=True)
    )  # fmt: skip
    for name in names:
        torch.testing.assert_close(found[name], wanted[name])
        along = (wanted[name] * (outcome.adapted[name] - start[name])).sum()
        torch.testing.assert_close(found[f"inner.{name}"], along.reshape(1))


def test_memory_is_that_of_its_second_order() -> None:
    algorithm = MAMLPlusPlus(QUIET)
    learner = prepared(algorithm)
    assert measure(algorithm.scheduled(0.0), learner, [EPISODE]) is None
    memory = measure(algorithm.scheduled(1.0), learner, [EPISODE])
    assert memory is not None
    assert memory.steps == 3


def run(workers: int) -> tuple[Tensor, str]:
    algorithm = MAMLPlusPlus(InnerConfig(steps=2, lr=0.05))
    learner = Regressor()
    algorithm.prepare(learner)
    with EpisodePool(
        learner, algorithm, Sines(), None, meta_batch=2, workers=workers, seed=4, steps=4
    ) as pool:
        records = list(OuterLoop(learner, OuterConfig(steps=4, lr=0.05)).run(pool))
    return flat_parameters(learner), repr(records)


def test_every_process_knows_how_far_the_outer_loop_is() -> None:
    alone, spread = run(1), run(2)
    assert torch.equal(alone[0], spread[0])
    assert alone[1] == spread[1]
    asked: list[float] = []

    class Noted(MAMLPlusPlus):
        def scheduled(self, progress: float) -> MAMLPlusPlus:
            asked.append(progress)
            return super().scheduled(progress)

    algorithm = Noted(InnerConfig(steps=2, lr=0.05))
    learner = Regressor()
    algorithm.prepare(learner)
    with EpisodePool(
        learner, algorithm, Sines(), None, meta_batch=1, workers=1, seed=4, steps=4
    ) as pool:
        for _ in OuterLoop(learner, OuterConfig(steps=4, meta_batch=1)).run(pool):
            pass
    assert asked == [0.0, 0.25, 0.5, 0.75]


def test_it_learns_rates_and_to_adapt_to_sines() -> None:
    algorithm = MAMLPlusPlus(InnerConfig(steps=3, lr=0.01, noise=False))
    before, after, learner = learn_sines(algorithm, 150, 0.02)
    assert after < 0.5 * before
    metrics = algorithm.metrics(learner)
    assert metrics["inner_lr"] > 0.011, "steps that were too small have grown"
    groups = {f"inner_lr/{group}/{step}" for group in ("head", "body") for step in (1, 2, 3)}
    assert set(metrics) == {"inner_lr", *groups}


def test_shares_that_are_none_are_refused() -> None:
    with pytest.raises(UserError, match=r"stages\.anneal is 2; use 0 to 1"):
        check(StagesConfig(anneal=2), "stages")
    with pytest.raises(UserError, match=r"stages\.first_order is -0\.1; use 0 to 1"):
        check(StagesConfig(first_order=-0.1), "stages")
