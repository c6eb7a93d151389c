"""The engines of second-order MAML against each other, finite differences and by hand."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch

from fewshot_metalstm.errors import UserError
from fewshot_metalstm.meta.algorithm import InnerConfig
from fewshot_metalstm.meta.fomaml import FirstOrderMAML
from fewshot_metalstm.meta.func import FuncMAML, pad, unpad
from fewshot_metalstm.meta.l2l import Learn2LearnMAML
from fewshot_metalstm.meta.learner import Episode
from fewshot_metalstm.meta.maml import MAML
from fewshot_metalstm.meta.unrolled import Unrolled
from tests.compat.needed import learn2learn_or_skip
from tests.meta.toys import (
    Parabola,
    Regressor,
    SideBySide,
    Sines,
    flat_parameters,
    flatten,
    noise,
    outer_loss,
)

ENGINES = (MAML, Learn2LearnMAML, FuncMAML)
EPISODES = [Sines().episode(0, i) for i in range(3)]
INNER = InnerConfig(steps=3, lr=0.05, clip=0.5, noise=True)


@pytest.fixture(params=ENGINES, ids=lambda engine: engine.__name__)
def engine(request: pytest.FixtureRequest) -> type[Unrolled]:
    kind: type[Unrolled] = request.param
    if kind is Learn2LearnMAML:
        learn2learn_or_skip()
    return kind


@pytest.mark.parametrize("truncate", [None, 0, 1, 2])
@pytest.mark.parametrize("clip", [0.0, 0.5])
@pytest.mark.parametrize("noisy", [False, True])
def test_engines_agree(
    engine: type[Unrolled], truncate: int | None, clip: float, noisy: bool
) -> None:
    inner = replace(INNER, clip=clip, noise=noisy)
    learner = SideBySide()
    generators = [noise(i) for i in range(3)]
    ours = engine(inner, 2, truncate).outcomes(learner, EPISODES, generators)
    for i, (episode, outcome) in enumerate(zip(EPISODES, ours, strict=True)):
        other = MAML(inner, 2, truncate).outcome(learner, episode, noise(i))
        torch.testing.assert_close(
            flatten(outcome.gradient), flatten(other.gradient), rtol=1e-9, atol=1e-12
        )
        for name in ("support_loss", "query_loss_before", "query_loss", "inner_norm"):
            assert getattr(outcome, name) == pytest.approx(getattr(other, name)), name
        for name, value in other.adapted.items():
            torch.testing.assert_close(outcome.adapted[name], value)


@pytest.mark.parametrize("clip", [0.0, 0.5])
def test_second_order_equals_finite_differences(engine: type[Unrolled], clip: float) -> None:
    inner = replace(INNER, clip=clip, noise=False)
    learner = SideBySide()
    outcome = engine(inner).outcome(learner, EPISODES[0], noise())
    assert not clip or outcome.inner_norm > clip, "the clipped case must clip"
    start, step = flat_parameters(learner), 1e-6
    measured = torch.zeros_like(start)
    for i in range(len(start)):
        move = torch.zeros_like(start)
        move[i] = step
        ahead = outer_loss(learner, inner, EPISODES[0], start + move)
        back = outer_loss(learner, inner, EPISODES[0], start - move)
        measured[i] = (ahead - back) / (2 * step)
    torch.testing.assert_close(flatten(outcome.gradient), measured, rtol=1e-6, atol=1e-7)


def test_truncation_at_both_ends(engine: type[Unrolled]) -> None:
    learner = SideBySide()

    def gradient(order: int, truncate: int | None) -> torch.Tensor:
        algorithm = engine(INNER, order, truncate)
        return flatten(algorithm.outcome(learner, EPISODES[0], noise()).gradient)

    first = flatten(FirstOrderMAML(INNER).outcome(learner, EPISODES[0], noise()).gradient)
    assert torch.equal(gradient(2, 0), first)
    assert torch.equal(gradient(1, None), first)
    assert torch.equal(gradient(2, INNER.steps), gradient(2, None))
    assert not torch.allclose(gradient(2, 1), first, rtol=1e-3)
    assert not torch.allclose(gradient(2, 1), gradient(2, None), rtol=1e-3)


@pytest.mark.parametrize("kept", [0, 1, 2, 4])
def test_truncated_gradient_of_a_parabola_by_hand(engine: type[Unrolled], kept: int) -> None:
    curve, at, lr, steps = 0.7, 1.3, 0.2, 4
    inner = InnerConfig(steps=steps, lr=lr, clip=0, noise=False)
    lows = [0.4, -1.0]
    episodes = [Episode((low, False), (low, True), str(low)) for low in lows]
    learner = Parabola(curve, at)
    outcomes = engine(inner, 2, kept).outcomes(learner, episodes, [noise(), noise()])
    for low, outcome in zip(lows, outcomes, strict=True):
        shrink = 1 - lr * curve
        away = [(at - low) * shrink**j for j in range(steps + 1)]  # theta_j - low
        query = 2 * away[steps]
        by_at = query * shrink**kept
        by_curve = (
            -lr
            * query
            * sum(away[j] * shrink ** (steps - 1 - j) for j in range(steps - kept, steps))
        )
        wanted = torch.tensor([by_curve, by_at], dtype=torch.float64)
        torch.testing.assert_close(flatten(outcome.gradient), wanted, rtol=1e-12, atol=1e-14)


def test_any_number_of_tasks_at_once_and_a_broken_one_alone() -> None:
    learner = SideBySide()
    given = [Sines(broken=frozenset({(0, 1)})).episode(0, i) for i in range(3)]
    together = FuncMAML(INNER).outcomes(learner, given, [noise(i) for i in range(3)])
    alone = [FuncMAML(INNER).outcome(learner, e, noise(i)) for i, e in enumerate(given)]
    for i in (0, 2):
        torch.testing.assert_close(
            flatten(together[i].gradient), flatten(alone[i].gradient), rtol=1e-12, atol=1e-14
        )
    assert not torch.isfinite(flatten(together[1].gradient)).all()


def test_func_tells_a_learner_that_cannot_stack_what_to_use() -> None:
    with pytest.raises(UserError, match=r"Regressor cannot stack .* use --engine higher"):
        FuncMAML(INNER).outcome(Regressor(), EPISODES[0], noise())
    first = FuncMAML(INNER, order=1).outcome(Regressor(), EPISODES[0], noise())
    assert first.gradient, "first order needs no stacking"


def test_padding_parameters_and_back() -> None:
    small, large = torch.ones(1, 2), torch.full((3, 2), 2.0)
    padded = pad([{"w": small}, {"w": large}])
    assert padded["w"].tolist() == [[[1, 1], [0, 0], [0, 0]], [[2, 2]] * 3]
    assert torch.equal(unpad(padded, 0, {"w": small})["w"], small)
    assert torch.equal(unpad(padded, 1, {"w": large})["w"], large)
