"""Adapting by an update rule that was learned."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import replace

import pytest
import torch

from fewshot_metalstm.adapt.finetune import AdaptConfig, Adapted, finetune
from fewshot_metalstm.adapt.learned import adapt_learned
from fewshot_metalstm.errors import UserError
from fewshot_metalstm.meta.algorithm import InnerConfig
from fewshot_metalstm.meta.learner import Params
from fewshot_metalstm.meta.ravi import GatesConfig, LearnedOptimiser
from tests.meta.toys import Points, Regressor, Sines, flat_parameters

SUPPORT = Sines(points=7).episode(0, 0).support
ALGORITHM = LearnedOptimiser(InnerConfig(steps=3, noise=False), gates=GatesConfig(hidden=4))
CONFIG = AdaptConfig(optimiser="learned", lr=0.02, batch=3, averages=1, stretch=1)


class Quiet(Regressor):
    """A regressor without dropout, so that pieces of a batch add up to the whole."""

    def forward(self, batch: Points, generator: torch.Generator | None = None) -> torch.Tensor:
        return super().forward(batch)


def take(chosen: Sequence[int]) -> Points:
    rows = torch.tensor(list(chosen))
    return Points(SUPPORT.x[rows], SUPPORT.y[rows])


def learner() -> Quiet:
    made = Quiet()
    ALGORITHM.prepare(made)
    return made


def adapt(given: Regressor, config: AdaptConfig = CONFIG) -> Adapted:
    return finetune(given, given.adapted(), 7, take, config, 0)


def assert_equal(a: Params, b: Params) -> None:
    assert a.keys() == b.keys()
    for name, value in a.items():
        torch.testing.assert_close(value, b[name], msg=name)


def test_it_is_the_inner_loop_of_meta_training_whatever_the_pieces() -> None:
    given = learner()
    before = flat_parameters(given)
    inner = ALGORITHM.adapt(given, given.initial(SUPPORT), SUPPORT, None)
    for batch in (1, 3, 100):
        adapted = adapt(given, replace(CONFIG, batch=batch))
        assert_equal(adapted.params, inner.params)
        assert adapted.losses == pytest.approx(inner.losses)
        assert (adapted.steps, adapted.stopped_early) == (3, False)
    assert torch.equal(flat_parameters(given), before)


def test_it_can_take_more_steps() -> None:
    given = learner()
    longer = replace(ALGORITHM, inner=replace(ALGORITHM.inner, steps=6))
    inner = longer.adapt(given, given.initial(SUPPORT), SUPPORT, None)
    adapted = adapt(given, replace(CONFIG, stretch=2))
    assert_equal(adapted.params, inner.params)
    with pytest.raises(UserError, match="stretch is 0; use at least 1"):
        adapt(given, replace(CONFIG, stretch=0))


def test_a_checkpoint_that_has_learned_a_rule_uses_it_unless_told() -> None:
    given, auto = learner(), AdaptConfig(batch=3, averages=1, stretch=1)
    assert auto.optimiser == "auto"
    assert_equal(adapt(given, auto).params, adapt(given).params)
    assert adapt(given, replace(auto, optimiser="sgd")).steps == 150
    plain = adapt(Regressor(), auto)
    assert_equal(plain.params, adapt(Regressor(), replace(auto, optimiser="sgd")).params)


def test_a_rule_that_was_not_learned() -> None:
    with pytest.raises(UserError, match="meta-train with --algorithm lstm, or use sgd or adam"):
        adapt(Regressor())
    with pytest.raises(UserError, match="'newton' is unknown; use auto, sgd, adam or learned"):
        adapt(Regressor(), replace(CONFIG, optimiser="newton"))


def test_every_step_is_told_and_noise_differs_between_averages() -> None:
    epochs: list[tuple[int, float]] = []
    noisy = Regressor()
    ALGORITHM.prepare(noisy)
    config = replace(CONFIG, averages=2)
    both = finetune(
        noisy, noisy.adapted(), 7, take, config, 0, lambda n, loss, _: epochs.append((n, loss))
    )
    assert [number for number, _ in epochs] == [1, 2, 3, 1, 2, 3]
    assert epochs[0][1] != epochs[3][1]
    assert both.losses[0] == pytest.approx((epochs[0][1] + epochs[3][1]) / 2)
    assert both.steps == 6


def test_a_step_that_is_not_finite_changes_nothing() -> None:
    def broken(chosen: Sequence[int]) -> Points:
        points = take(chosen)
        return Points(points.x, points.y * torch.inf)

    given = learner()
    params, losses = adapt_learned(
        given, given.adapted(), 7, broken, stretch=1, piece=7, noise=torch.Generator()
    )
    assert_equal(params, {n: p.detach() for n, p in given.named_parameters()})
    assert not any(math.isfinite(loss) for loss in losses)
    with pytest.raises(UserError, match="the loss is not finite after 3 steps"):
        finetune(given, given.adapted(), 7, broken, CONFIG, 0)
