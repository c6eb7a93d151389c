"""Meta-SGD: the gradient by start and rates, and what the rates do in a run."""

from __future__ import annotations

from collections.abc import Sequence

import pytest
import torch
from torch import Tensor

from fewshot_metalstm.meta.algorithm import Algorithm, InnerConfig, without_own
from fewshot_metalstm.meta.fomaml import FirstOrderMAML
from fewshot_metalstm.meta.learner import Episode, Learner
from fewshot_metalstm.meta.maml import MAML
from fewshot_metalstm.meta.memory import measure
from fewshot_metalstm.meta.metasgd import MetaSGD
from fewshot_metalstm.meta.outer import OuterConfig, OuterLoop
from fewshot_metalstm.meta.pool import EpisodePool
from fewshot_metalstm.meta.state import optimiser_tensors, restore_optimiser
from tests.compat.needed import learn2learn_or_skip
from tests.meta.toys import (
    HeldOut,
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


def prepared(algorithm: Algorithm, *, everything: bool = True, idle: bool = True) -> Regressor:
    """A regressor with rates that differ from each other."""
    learner = Regressor(everything=everything, idle=idle)
    algorithm.prepare(learner)
    generator = torch.Generator().manual_seed(3)
    with torch.no_grad():
        for name, value in learner.named_parameters():
            if name.startswith("inner."):
                value.add_(0.5 * torch.randn(value.shape, generator=generator, dtype=value.dtype))
    return learner


def named(learner: Learner, gradients: Sequence[Tensor]) -> dict[str, Tensor]:
    return dict(zip(dict(learner.named_parameters()), gradients, strict=True))


@pytest.mark.parametrize("order", [1, 2])
@pytest.mark.parametrize("steps", [1, 4])
def test_on_a_parabola_it_has_the_gradient_that_it_has(order: int, steps: int) -> None:
    low, rate = 0.2, 0.3
    learner = Parabola()
    algorithm = MetaSGD(InnerConfig(steps=steps, lr=rate, clip=0, noise=False), order)
    algorithm.prepare(learner)
    episode = Episode((low, False), (low, True), "parabola")
    outcome = algorithm.outcome(learner, episode, noise())
    curve, away = learner.curve.item(), learner.at.item() - low
    keep = 1 - rate * curve  # a step leaves this share of the way
    by_end = 2 * away * keep**steps
    if order == 2:
        by_rate = -by_end * away * steps * curve * keep ** (steps - 1)
        by_curve = -by_end * away * steps * rate * keep ** (steps - 1)
        by_start = by_end * keep**steps
    else:
        by_rate = -by_end * sum(curve * away * keep**step for step in range(steps))
        by_curve, by_start = 0.0, by_end
    found = {name: float(g) for name, g in named(learner, outcome.gradient).items()}
    wanted = {"curve": by_curve, "at": by_start, "inner.at": by_rate * rate}
    assert found == pytest.approx(wanted, rel=1e-9)
    assert outcome.query_loss == pytest.approx((away * keep**steps) ** 2)


@pytest.mark.parametrize("everything", [False, True])
@pytest.mark.parametrize("clip", [0.0, 0.5])
def test_second_order_gradient_equals_finite_differences(clip: float, everything: bool) -> None:
    algorithm = MetaSGD(InnerConfig(steps=3, lr=0.05, clip=clip, noise=False))
    learner = prepared(algorithm, everything=everything)
    outcome = algorithm.outcome(learner, EPISODE, noise())
    if clip:
        assert outcome.inner_norm > clip, "the clipped case must clip"
    wanted = measured(learner, lambda: loss_after(learner, algorithm, EPISODE))
    torch.testing.assert_close(flatten(outcome.gradient), wanted, rtol=1e-6, atol=1e-7)
    assert outcome.query_loss == loss_after(learner, algorithm, EPISODE)
    for name, gradient in named(learner, outcome.gradient).items():
        assert bool(gradient.any()) == ("idle" not in name), name


@pytest.mark.parametrize("order", [1, 2])
@pytest.mark.parametrize("noisy", [False, True])
def test_with_equal_rates_it_is_maml(order: int, noisy: bool) -> None:
    inner = InnerConfig(steps=3, lr=0.05, clip=0.6, noise=noisy)
    learner = Regressor()
    plain = MAML(inner, order).outcome(learner, EPISODE, noise())
    algorithm = MetaSGD(inner, order)
    algorithm.prepare(learner)
    ours = algorithm.outcome(learner, EPISODE, noise())
    start = without_own(dict(learner.named_parameters()))
    gradient = named(learner, ours.gradient)
    torch.testing.assert_close(flatten([gradient[n] for n in start]), flatten(plain.gradient))
    for name in ("support_loss", "query_loss_before", "query_loss", "inner_norm"):
        assert getattr(ours, name) == pytest.approx(getattr(plain, name)), name


@pytest.mark.parametrize("truncate", [0, 1, 2])
def test_early_steps_are_of_first_order(truncate: int) -> None:
    learner = Regressor()
    plain = MAML(QUIET, 2, truncate).outcome(learner, EPISODE, noise())
    algorithm = MetaSGD(QUIET, 2, truncate)
    algorithm.prepare(learner)
    gradient = named(learner, algorithm.outcome(learner, EPISODE, noise()).gradient)
    start = [gradient[n] for n in without_own(gradient)]
    torch.testing.assert_close(flatten(start), flatten(plain.gradient))


@pytest.mark.parametrize("first_order", [False, True])
def test_gradient_equals_learn2learns(first_order: bool) -> None:
    package = learn2learn_or_skip()
    algorithm = MetaSGD(QUIET, 1 if first_order else 2)
    learner = prepared(algorithm, idle=False)
    ours = named(learner, algorithm.outcome(learner, EPISODE, noise()).gradient)
    reference = Regressor(everything=True, idle=False)
    names = [name for name, _ in reference.named_parameters()]
    rates = [learner.get_parameter(f"inner.{name}").detach().exp() for name in names]
    theirs = package.algorithms.MetaSGD(
        reference, lrs=torch.nn.ParameterList(rates), first_order=first_order
    )
    clone = theirs.clone()
    for _ in range(QUIET.steps):
        clone.adapt(clone(EPISODE.support))
    leaves = [*reference.parameters(), *theirs.lrs]
    wanted = torch.autograd.grad(clone(EPISODE.query), leaves)
    logs = [rate * gradient for rate, gradient in zip(rates, wanted[len(names) :], strict=True)]
    found = [*(ours[n] for n in names), *(ours[f"inner.{n}"] for n in names)]
    expected = flatten([*wanted[: len(names)], *logs])
    torch.testing.assert_close(flatten(found), expected, rtol=1e-9, atol=1e-12)


class Classes(Regressor):
    """A regressor whose bias a task has as often as its batch says, all from one."""

    def initial(self, batch: object) -> dict[str, Tensor]:
        params = super().initial(batch)
        return {**params, "fast_bias": params["fast_bias"].expand(3)}


def test_a_head_of_more_classes_shares_the_rate_of_one() -> None:
    algorithm = MetaSGD(QUIET)
    learner = Classes()
    algorithm.prepare(learner)
    wanted = measured(learner, lambda: loss_after(learner, algorithm, EPISODE))
    outcome = algorithm.outcome(learner, EPISODE, noise())
    torch.testing.assert_close(flatten(outcome.gradient), wanted, rtol=1e-6, atol=1e-7)
    assert outcome.adapted["fast_bias"].shape == (3,)
    assert outcome.gradient[list(dict(learner.named_parameters())).index("inner.fast_bias")].any()


def test_a_learner_that_nobody_prepared_is_a_fault() -> None:
    with pytest.raises(ValueError, match="call prepare first"):
        MetaSGD(QUIET).outcome(Regressor(), EPISODE, noise())


def test_second_order_keeps_memory_and_first_does_not() -> None:
    learner = prepared(MetaSGD(QUIET))
    before = flat_parameters(learner)
    second = measure(MetaSGD(QUIET), learner, [EPISODE])
    assert second is not None
    assert second.step > 0
    assert measure(MetaSGD(QUIET, 1), learner, [EPISODE]) is None
    assert torch.equal(flat_parameters(learner), before)


@pytest.mark.parametrize("order", [1, 2])
def test_it_learns_rates_and_to_adapt_to_sines(order: int) -> None:
    algorithm = MetaSGD(InnerConfig(steps=3, lr=0.01, noise=False), order)
    before, after, learner = learn_sines(algorithm, 150, 0.02)
    assert after < 0.5 * before
    metrics = algorithm.metrics(learner)
    assert metrics["inner_lr"] > 0.011, "steps that were too small have grown"
    assert set(metrics) == {"inner_lr", "inner_lr/head", "inner_lr/body"}


class Rated(HeldOut):
    """Validation through the algorithm's own inner loop."""

    def score(self, learner: Learner, algorithm: Algorithm, index: int) -> tuple[float, ...]:
        return (loss_after(learner, algorithm, Sines().episode(10**6, index)),)


def run(workers: int, stop_at: int = 0) -> tuple[Tensor, str, list[float]]:
    """Parameters, records and figures of four outer steps, in two halves if so wished."""
    algorithm = MetaSGD(InnerConfig(steps=2, lr=0.05))
    config = OuterConfig(steps=4, meta_batch=3, lr=0.05)
    learner, records, figures = Regressor(), [], []
    algorithm.prepare(learner)
    loop = OuterLoop(learner, config)
    for end in (stop_at, config.steps):
        if loop.done:
            kept, learner = learner, Regressor()
            algorithm.prepare(learner)
            learner.load_state_dict(kept.state_dict())
            again = OuterLoop(learner, config)
            restore_optimiser(again.optimiser, optimiser_tensors(loop.optimiser))
            again.done, loop = loop.done, again
        with EpisodePool(
            learner, algorithm, Sines(), Rated(), meta_batch=3, workers=workers, seed=4, steps=4
        ) as pool:
            while loop.done < end:
                records.append(loop.step(pool))
                figures.append(pool.validate())
    return flat_parameters(learner), repr(records), figures


def test_two_workers_and_a_resumed_run_give_bit_identical_results() -> None:
    alone = run(1)
    for other in (run(2), run(1, stop_at=2)):
        assert torch.equal(alone[0], other[0])
        assert alone[1:] == other[1:]
    assert len(set(alone[2])) == 4, "workers must see the rates of each step"


def test_fomaml_leaves_rates_that_it_does_not_know_alone() -> None:
    learner = prepared(MetaSGD(QUIET))
    algorithm = FirstOrderMAML(QUIET)
    assert not any(name.startswith("inner.") for name in algorithm.tuned(learner))
    found = named(learner, algorithm.outcome(learner, EPISODE, noise()).gradient)
    assert not any(bool(g.any()) for n, g in found.items() if n.startswith("inner."))
