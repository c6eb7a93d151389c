"""The outer loop: what it learns, and what it does about numbers that are none."""

from __future__ import annotations

import math

import pytest
import torch

from fewshot_metalstm.errors import UserError
from fewshot_metalstm.meta.algorithm import Algorithm, InnerConfig
from fewshot_metalstm.meta.fomaml import FirstOrderMAML
from fewshot_metalstm.meta.maml import MAML
from fewshot_metalstm.meta.metasgd import MetaSGD
from fewshot_metalstm.meta.outer import OuterConfig, OuterLoop
from fewshot_metalstm.meta.pool import EpisodePool
from fewshot_metalstm.meta.state import optimiser_tensors, restore_optimiser
from tests.meta.toys import Regressor, Sines, adapted_loss, flat_parameters

INNER = InnerConfig(steps=2, lr=0.05, noise=False)


def pool(
    learner: Regressor, source: Sines, meta_batch: int = 2, algorithm: Algorithm | None = None
) -> EpisodePool:
    return EpisodePool(
        learner, algorithm or FirstOrderMAML(INNER), source, None, meta_batch=meta_batch,
        workers=1, seed=0,
    )  # fmt: skip


@pytest.mark.parametrize("kind", [FirstOrderMAML, MAML])
def test_meta_training_on_sines_makes_adaptation_better(
    kind: type[FirstOrderMAML] | type[MAML],
) -> None:
    inner = InnerConfig(steps=3, lr=0.05, noise=False)
    learner = Regressor(hidden=20, everything=True)
    held_out = [Sines().episode(10**6, i) for i in range(20)]

    def figure() -> float:
        return sum(adapted_loss(learner, inner, e) for e in held_out) / len(held_out)

    before = figure()
    config = OuterConfig(steps=200, meta_batch=2, lr=0.02)
    with pool(learner, Sines(), algorithm=kind(inner)) as episodes:
        records = list(OuterLoop(learner, config).run(episodes))
    assert figure() < 0.5 * before
    assert [r.step for r in records] == list(range(1, 201))
    late = records[-50:]
    assert sum(r.query_loss for r in late) < 0.8 * sum(r.query_loss_before for r in late)


def test_a_step_is_adam_on_the_mean_gradient() -> None:
    learner, reference = Regressor(), Regressor()
    with pool(learner, Sines()) as episodes:
        _, gradients = episodes.step(0)
        mean = gradients.mean(dim=0).clone()
        loop = OuterLoop(learner, OuterConfig(steps=10, lr=0.01, clip=0))
        record = loop.step(episodes)
    optimiser = torch.optim.Adam(reference.parameters(), lr=0.01)
    start = 0
    for parameter in reference.parameters():
        parameter.grad = mean[start : start + parameter.numel()].view_as(parameter)
        start += parameter.numel()
    optimiser.step()
    assert torch.equal(flat_parameters(learner), flat_parameters(reference))
    assert record.outer_norm == pytest.approx(float(mean.norm()))
    assert record.skipped == ()


@pytest.mark.parametrize("own_lr", [0.0, 0.3])
def test_what_an_algorithm_learns_beside_the_start_may_have_a_rate_of_its_own(
    own_lr: float,
) -> None:
    learner = Regressor()
    algorithm = MetaSGD(INNER)
    algorithm.prepare(learner)
    before = {n: p.detach().clone() for n, p in learner.named_parameters()}
    config = OuterConfig(steps=2, optimiser="sgd", lr=0.01, own_lr=own_lr, lr_floor=0, clip=0)
    loop = OuterLoop(learner, config)
    for share in (1.0, 0.5):  # of the cosine
        with pool(learner, Sines(), algorithm=algorithm) as episodes:
            record = loop.step(episodes)
        assert record.outer_lr == pytest.approx(0.01 * share)
        for name, value in learner.named_parameters():
            lr = 0.01 if own_lr == 0 or not name.startswith("inner.") else own_lr
            assert value.grad is not None
            torch.testing.assert_close(value.detach(), before[name] - lr * share * value.grad)
            before[name] = value.detach().clone()


def test_an_unknown_optimiser_is_refused() -> None:
    with pytest.raises(UserError, match=r"^outer.optimiser 'lion' is unknown; use adam or sgd$"):
        OuterLoop(Regressor(), OuterConfig(optimiser="lion"))


def test_clip_bounds_the_gradient_and_the_record_tells_the_norm_before() -> None:
    learner = Regressor()
    with pool(learner, Sines()) as episodes:
        record = OuterLoop(learner, OuterConfig(clip=0.01)).step(episodes)
    assert record.outer_norm > 0.1
    gradients = [p.grad for p in learner.parameters() if p.grad is not None]
    assert float(torch.cat([g.reshape(-1) for g in gradients]).norm()) == pytest.approx(0.01)


def test_the_rate_falls_to_its_floor() -> None:
    learner = Regressor()
    with pool(learner, Sines(), 1) as episodes:
        config = OuterConfig(steps=11, lr=0.1, lr_floor=0.2)
        rates = [r.outer_lr for r in OuterLoop(learner, config).run(episodes)]
    assert rates[0] == pytest.approx(0.1)
    assert rates == sorted(rates, reverse=True)
    assert 0.02 < rates[-1] < 0.025


def test_a_non_finite_episode_is_left_out_counted_and_named() -> None:
    learner, reference = Regressor(), Regressor()
    with pool(learner, Sines(broken=frozenset({(0, 0)}))) as episodes:
        loop = OuterLoop(learner, OuterConfig())
        record = loop.step(episodes)
        assert (record.skipped, loop.skipped, loop.barren) == (("sine/0/0",), 1, 0)
        assert math.isfinite(record.query_loss)
        assert loop.step(episodes).skipped == ()

    class Second(Sines):
        def episode(self, step: int, index: int):  # type: ignore[no-untyped-def]
            return super().episode(step, index + 1 if step == 0 else index)

    with (
        pool(reference, Second(), 1) as one,
        pool(reference, Sines(), 2) as two,
    ):
        loop = OuterLoop(reference, OuterConfig())
        loop.step(one)
        loop.step(two)
    assert torch.equal(flat_parameters(learner), flat_parameters(reference))


def test_a_step_without_a_finite_episode_changes_nothing() -> None:
    learner = Regressor()
    before = flat_parameters(learner)
    with pool(learner, Sines(broken=frozenset({(0, 0), (0, 1)}))) as episodes:
        loop = OuterLoop(learner, OuterConfig())
        record = loop.step(episodes)
        assert torch.equal(flat_parameters(learner), before)
        assert len(record.skipped) == 2
        assert math.isnan(record.query_loss)
        assert math.isnan(record.outer_norm)
        assert loop.barren == 1
        loop.step(episodes)
    assert loop.barren == 0
    assert not torch.equal(flat_parameters(learner), before)


def test_losses_that_stay_non_finite_end_the_run_with_one_line() -> None:
    learner = Regressor()
    broken = frozenset((step, index) for step in range(2, 9) for index in range(2))
    with pool(learner, Sines(broken=broken)) as episodes:
        loop = OuterLoop(learner, OuterConfig(patience=3))
        with pytest.raises(
            UserError, match=r"outer step 5: .* 3 steps in a row .*sine/4/0, sine/4/1.*lower inner"
        ) as caught:
            list(loop.run(episodes))
    assert "\n" not in str(caught.value)
    assert loop.skipped == 6


def test_state_restores_to_the_same_numbers() -> None:
    config = OuterConfig(steps=6, lr=0.02)
    whole = Regressor()
    with pool(whole, Sines()) as episodes:
        expected = list(OuterLoop(whole, config).run(episodes))
    first = Regressor()
    with pool(first, Sines()) as episodes:
        loop = OuterLoop(first, config)
        records = [loop.step(episodes) for _ in range(3)]
    second = Regressor()
    second.load_state_dict(first.state_dict())
    again = OuterLoop(second, config)
    restore_optimiser(again.optimiser, optimiser_tensors(loop.optimiser))
    again.done = loop.done
    with pool(second, Sines()) as episodes:
        records += list(again.run(episodes))
    assert repr(records) == repr(expected)  # where NaN equals NaN
    assert torch.equal(flat_parameters(second), flat_parameters(whole))
