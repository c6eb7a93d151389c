"""The steps of supervised training, against the same thing written out in float64."""

from __future__ import annotations

import math
from dataclasses import replace
from itertools import pairwise

import pytest
import torch
from torch import Tensor

from fewshot_metalstm.meta.joint import cosine
from fewshot_metalstm.seeds import torch_generator
from fewshot_metalstm.train.loop import Training, task_params
from fewshot_metalstm.train.optimisers import OPTIMISERS
from fewshot_metalstm.train.settings import SupervisedConfig
from tests.train.toys import Plane, Points, toy_task

TASKS = {name: toy_task(name) for name in ("a", "b")}
STEPS = 12


def training(config: SupervisedConfig, steps: int = STEPS) -> Training:
    learner = Plane()
    heads = {
        name: {"head_bias": torch.full((1,), 0.1 * i, dtype=torch.float64)}
        for i, name in enumerate(TASKS)
    }
    return Training(learner, heads, config, steps)


def batch(step: int) -> tuple[str, Points]:
    name, start = "ab"[step % 2], step % 19
    points = TASKS[name].splits["train"]
    return name, Points(points.x[start : start + 4], points.y[start : start + 4])


def take(made: Training, steps: int) -> list[float]:
    return [
        made.step(*batch(made.done), torch_generator(5, "noise", made.done)) for _ in range(steps)
    ]


def test_gradient_descent_with_momentum_as_written_out() -> None:
    config = SupervisedConfig(
        optimiser="sgd", lr=0.1, momentum=0.8, weight_decay=0.01, clip=0.5, average=0.9
    )
    made = training(config)
    losses = take(made, STEPS)

    names = ("shared", "a", "b")
    own = {
        "shared": Plane().shared.detach().clone(),
        "a": torch.zeros(1, dtype=torch.float64),
        "b": torch.full((1,), 0.1, dtype=torch.float64),
    }
    mean = {name: value.clone() for name, value in own.items()}
    velocity: dict[str, Tensor] = {}
    for step in range(STEPS):
        task, points = batch(step)
        noise = torch.randn(
            points.x.shape, generator=torch_generator(5, "noise", step), dtype=torch.float64
        )
        x = points.x + 0.1 * noise
        off = x @ own["shared"] + own[task] - points.y
        assert losses[step] == pytest.approx(float(off.square().mean()), rel=1e-12)
        gradient = {"shared": 2 * (off[:, None] * x).mean(0), task: 2 * off.mean().reshape(1)}
        norm = math.sqrt(sum(float(g.square().sum()) for g in gradient.values()))
        rate = 0.1 * cosine(step, STEPS)
        for name, g in gradient.items():
            g = g * min(1.0, 0.5 / (norm + 1e-6)) + 0.01 * own[name]
            velocity[name] = g if name not in velocity else 0.8 * velocity[name] + g
            own[name] = own[name] - rate * velocity[name]
        keep = min(0.9, (1 + step + 1) / (10 + step + 1))
        for name in names:
            mean[name] = keep * mean[name] + (1 - keep) * own[name]
    for task in TASKS:
        found = task_params(made.weights(), task)
        torch.testing.assert_close(found["shared"], mean["shared"], rtol=1e-12, atol=1e-12)
        torch.testing.assert_close(found["head_bias"], mean[task], rtol=1e-12, atol=1e-12)


def test_weights_are_averaged_from_when_devel_stops_getting_better() -> None:
    config = SupervisedConfig(optimiser="nt-asgd", lr=0.05, window=2, decay="cosine")
    made = training(config)
    take(made, 3)
    assert made.lr == 0.05, "the rate stays"
    # Worse than the best that is three checks or more ago, where less is better.
    assert not made.heed([4.0, 3.0, 3.5, 3.4], -1)
    assert not made.heed([4.0, 3.0, 3.5, 3.4, 3.0], -1)
    assert not made.heed([9.0, 9.0], -1), "nothing is as old as that"
    last = made.weights()["shared.shared"].clone()
    take(made, 1)
    assert not torch.equal(made.weights()["shared.shared"], last)
    assert made.heed([4.0, 3.0, 3.5, 3.4, 3.1], -1)
    assert not made.heed([4.0, 3.0, 3.5, 3.4, 3.1, 3.2], -1), "it has begun"
    seen = [{name: value.clone() for name, value in made.weights().items()}]
    plain = training(config)
    take(plain, 4)
    for _ in range(5):
        take(plain, 1)
        seen.append({name: value.clone() for name, value in plain.weights().items()})
    take(made, 2)
    again = training(config)
    again.restore({k: v.detach().clone() for k, v in made.state().items()})
    again.done = made.done
    for each in (made, again):
        take(each, 3)
        for name, value in each.weights().items():
            wanted = torch.stack([weights[name] for weights in seen]).mean(0)
            torch.testing.assert_close(value, wanted, rtol=1e-12, atol=1e-12)
    up = training(config)
    assert up.heed([1.0, 5.0, 4.0, 4.0, 4.0], 1), "where more is better"


def test_a_step_leaves_the_other_task_alone() -> None:
    made = training(SupervisedConfig(optimiser="adam", average=0.0))
    before = {name: value.clone() for name, value in made.weights().items()}
    take(made, 1)
    moved = {n for n, value in made.weights().items() if not torch.equal(value, before[n])}
    assert moved == {"shared.shared", "head.head_bias@a"}


@pytest.mark.parametrize("name", OPTIMISERS)
def test_every_optimiser_goes_on_from_its_state(name: str) -> None:
    config = SupervisedConfig(optimiser=name)
    whole = training(config, 60)
    before = whole.weights()["shared.shared"].clone()
    losses = take(whole, 60)
    wanted = torch.tensor([1.0, 2.0], dtype=torch.float64)
    after = whole.weights()["shared.shared"]
    assert (after - wanted).norm() < (before - wanted).norm()
    first = training(config, 60)
    take(first, 31)
    second = training(config, 60)
    second.restore({k: v.detach().clone() for k, v in first.state().items()})
    second.done = first.done
    assert take(second, 29) == losses[31:]
    for key, value in whole.weights().items():
        torch.testing.assert_close(second.weights()[key], value, rtol=0, atol=0)


def test_the_rate_falls_in_steps() -> None:
    made = training(SupervisedConfig(decay="steps", drops=(0.5, 0.75), lr=0.3))
    found = []
    for made.done in range(STEPS + 1):
        found.append(made.lr)
    shares = [done / STEPS for done in range(STEPS + 1)]
    wanted = [0.3 if s < 0.5 else 0.03 if s < 0.75 else 0.003 for s in shares]
    assert found == pytest.approx(wanted)


@pytest.mark.parametrize("decay", ["cosine", "linear", "none"])
def test_how_the_rate_falls(decay: str) -> None:
    made = training(SupervisedConfig(decay=decay, lr=0.3))
    rates = []
    for made.done in range(STEPS + 1):
        rates.append(made.lr)
    assert rates[0] == 0.3
    if decay == "none":
        assert set(rates) == {0.3}
    else:
        assert all(a > b for a, b in pairwise(rates))
        assert rates[-1] == pytest.approx(0, abs=1e-12)
        assert rates[STEPS // 2] == pytest.approx(0.15)


def test_a_step_that_is_not_finite_is_left_out_and_counted() -> None:
    made = training(SupervisedConfig())
    before = {name: value.clone() for name, value in made.weights().items()}
    task, points = batch(0)
    bad = replace(points, y=points.y * math.inf)
    assert not math.isfinite(made.step(task, bad, torch_generator(0, "x")))
    assert (made.done, made.skipped) == (1, 1)
    assert all(torch.equal(value, before[name]) for name, value in made.weights().items())
