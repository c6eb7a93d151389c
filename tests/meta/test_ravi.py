"""The LSTM meta-learner: its outer gradient, and that it learns to adapt."""

from __future__ import annotations

import math
from dataclasses import replace

import pytest
import torch
from torch import Tensor, nn

from fewshot_metalstm.meta.algorithm import InnerConfig
from fewshot_metalstm.meta.fomaml import FirstOrderMAML
from fewshot_metalstm.meta.gates import Weights, flat, initial_state, split, step_plain, weights_of
from fewshot_metalstm.meta.learner import Learner
from fewshot_metalstm.meta.memory import measure
from fewshot_metalstm.meta.outer import OuterConfig, OuterLoop
from fewshot_metalstm.meta.pool import EpisodePool
from fewshot_metalstm.meta.ravi import GatesConfig, LearnedOptimiser, gates_of
from fewshot_metalstm.seeds import torch_generator
from tests.meta.toys import Parabola, Regressor, Sines, flat_parameters, flatten, noise

EPISODE = Sines().episode(0, 0)
INNER = InnerConfig(steps=3, clip=0.5, noise=False)
SMALL = GatesConfig(hidden=4)
WEIGHTS = tuple(f"inner.{name}" for name in Weights._fields)


def prepared(algorithm: LearnedOptimiser, *, bold: bool = True) -> Regressor:
    """A learner with a meta-learner, whose weights count if ``bold``."""
    learner = Regressor()
    algorithm.prepare(learner)
    if bold:
        generator = torch_generator(5, "bold")
        with torch.no_grad():
            for name in WEIGHTS:
                value = learner.get_parameter(name)
                value.add_(torch.randn(value.shape, generator=generator, dtype=value.dtype) / 2)
    return learner


def frozen_outer_loss(
    learner: Learner, names: tuple[str, ...], slopes: list[tuple[Tensor, Tensor]], vector: Tensor
) -> float:
    """The query's loss after updates with given losses and gradients, from flat parameters."""
    nn.utils.vector_to_parameters(vector, learner.parameters())
    params = {name: value.detach() for name, value in learner.named_parameters()}
    tuned = [params[name] for name in names]
    weights, theta = weights_of(params, "inner."), flat(tuned)
    state = initial_state(weights, len(theta))
    for loss, gradient in slopes:
        theta, state = step_plain(weights, theta, gradient, loss, state)
    params |= dict(zip(names, split(theta, tuned), strict=True))
    with torch.no_grad():
        return float(learner.loss(params, EPISODE.query))


def slopes_along(learner: Learner, names: tuple[str, ...]) -> list[tuple[Tensor, Tensor]]:
    """Losses and clipped gradients of the inner loop, written out."""
    params = {name: value.detach() for name, value in learner.named_parameters()}
    weights, found = weights_of(params, "inner."), []
    state = initial_state(weights, sum(params[name].numel() for name in names))
    for _ in range(INNER.steps):
        tuned = [params[name].clone().requires_grad_() for name in names]
        loss = learner.loss(params | dict(zip(names, tuned, strict=True)), EPISODE.support)
        gradient = flat(torch.autograd.grad(loss, tuned, materialize_grads=True))
        gradient = gradient * min(1.0, INNER.clip / float(gradient.norm()))
        found.append((loss.detach(), gradient))
        theta, state = step_plain(weights, flat(tuned).detach(), gradient, loss.detach(), state)
        params |= dict(zip(names, split(theta, tuned), strict=True))
    return found


def test_outer_gradient_equals_finite_differences_with_inner_gradients_held() -> None:
    algorithm = LearnedOptimiser(INNER, gates=SMALL)
    learner = prepared(algorithm)
    outcome = algorithm.outcome(learner, EPISODE, noise())
    assert outcome.inner_norm > INNER.clip, "the clipped case must clip"
    start, h = flat_parameters(learner), 1e-6
    slopes = slopes_along(learner, learner.adapted())
    assert outcome.query_loss == pytest.approx(
        frozen_outer_loss(learner, learner.adapted(), slopes, start)
    )
    measured = torch.zeros_like(start)
    for i in range(len(start)):
        move = torch.zeros_like(start)
        move[i] = h
        ahead = frozen_outer_loss(learner, learner.adapted(), slopes, start + move)
        back = frozen_outer_loss(learner, learner.adapted(), slopes, start - move)
        measured[i] = (ahead - back) / (2 * h)
    torch.testing.assert_close(flatten(outcome.gradient), measured, rtol=1e-6, atol=1e-8)
    given = zip(learner.named_parameters(), outcome.gradient, strict=True)
    touched = {name for (name, _), gradient in given if bool(gradient.any())}
    assert touched == {name for name, _ in learner.named_parameters() if "idle" not in name}


def test_on_a_parabola_the_gradient_is_the_one_by_hand() -> None:
    """One step from ``at``: kept * at - taken * slope, with what the LSTM says switched off."""
    algorithm = LearnedOptimiser(InnerConfig(steps=1, clip=0, noise=False), gates=SMALL)
    learner = Parabola(curve=0.7, at=1.3)
    algorithm.prepare(learner)
    with torch.no_grad():
        for name in WEIGHTS:
            learner.get_parameter(name).zero_()
        learner.get_parameter("inner.gate_bias").copy_(torch.tensor([-1.0, 2.0]))
    low, episode = 0.4, replace(EPISODE, support=(0.4, False), query=(0.4, True))
    outcome = algorithm.outcome(learner, episode, noise())
    taken, kept = 1 / (1 + math.exp(1)), 1 / (1 + math.exp(-2))
    slope = 0.7 * (1.3 - low)
    end = kept * 1.3 - taken * slope
    back = 2 * (end - low)
    gradient = dict(zip(dict(learner.named_parameters()), outcome.gradient, strict=True))
    assert float(outcome.adapted["at"]) == pytest.approx(end)
    assert float(gradient["at"]) == pytest.approx(back * kept)  # MAML: kept - taken * curve
    assert float(gradient["curve"]) == 0  # it is in the support's gradient alone
    assert gradient["inner.gate_bias"].tolist() == pytest.approx(
        [-back * slope * taken * (1 - taken), back * 1.3 * kept * (1 - kept)]
    )


@pytest.mark.parametrize("noisy", [False, True])
def test_without_weights_it_is_first_order_maml(noisy: bool) -> None:
    inner = InnerConfig(steps=3, lr=0.05, clip=0.5, noise=noisy)
    algorithm = LearnedOptimiser(inner, gates=SMALL)
    learner = prepared(algorithm)
    with torch.no_grad():
        for name in WEIGHTS:
            learner.get_parameter(name).zero_()
        learner.get_parameter("inner.gate_bias").copy_(torch.tensor([math.log(0.05 / 0.95), 60.0]))
    ours = algorithm.outcome(learner, EPISODE, noise())
    plain = FirstOrderMAML(inner).outcome(learner, EPISODE, noise())
    for name in learner.adapted():
        torch.testing.assert_close(ours.adapted[name], plain.adapted[name])
    number = len(list(Regressor().parameters()))  # the meta-learner's come after them
    torch.testing.assert_close(
        flatten(ours.gradient[:number]), flatten(plain.gradient[:number]), rtol=1e-7, atol=1e-9
    )
    for field in ("support_loss", "query_loss_before", "query_loss", "inner_norm"):
        assert getattr(ours, field) == pytest.approx(getattr(plain, field)), field


@pytest.mark.parametrize("noisy", [False, True])
def test_adapting_alone_ends_where_the_outer_loop_does(noisy: bool) -> None:
    algorithm = LearnedOptimiser(replace(INNER, noise=noisy), gates=SMALL)
    learner = prepared(algorithm)
    before = flat_parameters(learner)
    outcome = algorithm.outcome(learner, EPISODE, noise())
    start = learner.initial(EPISODE.support)
    alone = algorithm.adapt(learner, start, EPISODE.support, noise() if noisy else None)
    assert alone.params.keys() == outcome.adapted.keys()
    for name, value in alone.params.items():
        torch.testing.assert_close(value, outcome.adapted[name], msg=name)
        assert not value.requires_grad
        moved = name in learner.adapted()
        assert moved != torch.equal(value, learner.get_parameter(name)), name
    assert alone.losses[0] == pytest.approx(outcome.support_loss)
    assert sum(alone.norms) / 3 == pytest.approx(outcome.inner_norm)
    assert torch.equal(flat_parameters(learner), before)
    assert all(p.grad is None for p in learner.parameters())


def test_no_inner_step_leaves_the_start() -> None:
    algorithm = LearnedOptimiser(replace(INNER, steps=0), gates=SMALL)
    learner = prepared(algorithm)
    outcome = algorithm.outcome(learner, EPISODE, noise())
    assert outcome.query_loss == outcome.query_loss_before
    assert len(outcome.gradient) == len(list(learner.parameters()))


def test_what_prepare_makes() -> None:
    algorithm = LearnedOptimiser(INNER, gates=SMALL)
    learner, again = prepared(algorithm, bold=False), prepared(algorithm, bold=False)
    other = prepared(replace(algorithm, seed=1), bold=False)
    assert gates_of(Regressor()) is None
    made = gates_of(learner)
    assert made is not None
    assert (made.steps, made.clip) == (3, 0.5)
    assert tuple(name for name, _ in learner.named_parameters())[-len(WEIGHTS) :] == WEIGHTS
    assert all(p.dtype == torch.float64 for p in learner.parameters())
    assert torch.equal(flat_parameters(learner), flat_parameters(again))
    assert not torch.equal(flat_parameters(learner), flat_parameters(other))


def test_what_it_tells_of_the_gates() -> None:
    algorithm = LearnedOptimiser(INNER, gates=SMALL)
    learner = prepared(algorithm, bold=False)
    shares = algorithm.metrics(learner)
    assert 0.0067 < shares["inner_lr"] < 0.018
    assert 0.982 < shares["forget"] < 0.9933
    found = algorithm.inspect(learner, EPISODE.support)
    assert found.keys() == {
        f"{what}/{name}/{step}" for what in ("inner_lr", "forget")
        for name in learner.adapted() for step in (1, 2, 3)
    }  # fmt: skip
    for name, value in found.items():  # the other weights are still small
        assert value == pytest.approx(shares[name.split("/")[0]], rel=0.1), name
    large = algorithm.inspect(prepared(algorithm), EPISODE.support)
    assert large["inner_lr/fast_weight/1"] != pytest.approx(large["inner_lr/fast_weight/3"])
    assert algorithm.metrics(Regressor()) == {}


def held_out_loss(algorithm: LearnedOptimiser | FirstOrderMAML, learner: Regressor) -> float:
    """The mean query loss after adaptation to sines that are never trained on."""
    total = 0.0
    for index in range(20):
        episode = Sines().episode(10**6, index)
        start = learner.initial(episode.support)
        end = algorithm.adapt(learner, start, episode.support, None).params
        with torch.no_grad():
            total += float(learner.loss(end, episode.query)) / 20
    return total


def test_it_learns_to_adapt() -> None:
    algorithm = LearnedOptimiser(InnerConfig(steps=3, noise=False), gates=SMALL)
    learner = prepared(algorithm, bold=False)
    rate = algorithm.metrics(learner)["inner_lr"]
    before = held_out_loss(algorithm, learner)
    start = {name: value.detach().clone() for name, value in learner.named_parameters()}
    config = OuterConfig(steps=100, meta_batch=2, lr=0.03, clip=1.0)
    with EpisodePool(learner, algorithm, Sines(), None, meta_batch=2, workers=1, seed=0) as pool:
        list(OuterLoop(learner, config).run(pool))
    for name, value in learner.named_parameters():
        assert torch.equal(value, start[name]) == ("idle" in name), name
    after = held_out_loss(algorithm, learner)
    plain = FirstOrderMAML(InnerConfig(steps=3, lr=rate, noise=False))
    assert after < 0.5 * before
    assert after < 0.9 * held_out_loss(plain, learner)


def test_what_a_step_keeps_is_its_state() -> None:
    algorithm = LearnedOptimiser(replace(INNER, steps=5), gates=GatesConfig(hidden=20))
    learner = Regressor(hidden=500)
    algorithm.prepare(learner)
    memory = measure(algorithm, learner, [EPISODE])
    assert memory is not None
    assert memory.summary(2).startswith("the LSTM meta-learner keeps ")
    state = 8 * 503 * (20 + 20 + 2 + 2)  # bytes of the coordinates, their state and gradients
    assert state <= memory.step < 1.2 * state
    assert memory.steps == 5
