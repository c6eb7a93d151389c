"""Learned rates as parameters of a learner."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor

from fewshot_metalstm.meta.algorithm import OWN
from fewshot_metalstm.meta.rates import Rates, multipliers, rates_of
from tests.meta.toys import Points, Regressor, Sines

SUPPORT: Points = Sines().episode(0, 0).support


def given(steps: int | None = None) -> Regressor:
    learner = Regressor()
    learner.add_module(OWN, Rates(learner, learner.adapted(), 0.1, steps))
    return learner


@torch.no_grad()
def put(learner: Regressor, name: str, value: Tensor) -> None:
    learner.get_parameter(f"inner.{name}").copy_(torch.as_tensor(value).log())


def test_they_are_parameters_that_the_loss_does_not_see() -> None:
    plain, coordinates, steps = Regressor(), given(), given(3)
    own = {n: p.shape for n, p in coordinates.named_parameters() if n.startswith("inner.")}
    assert own == {
        "inner.fast_weight": (4, 1), "inner.fast_idle": (2,), "inner.fast_bias": (1,),
    }  # fmt: skip
    assert all(p.shape == (3,) for n, p in steps.named_parameters() if n.startswith("inner."))
    assert all(p.dtype == torch.float64 for p in coordinates.parameters())
    assert torch.equal(plain(SUPPORT), coordinates(SUPPORT))
    assert torch.equal(plain(SUPPORT), steps.loss(steps.initial(SUPPORT), SUPPORT))
    assert rates_of(plain) is None
    assert multipliers(plain, plain.adapted()) == {}


def test_a_rate_is_positive_and_that_of_its_step() -> None:
    learner = given(2)
    rates = rates_of(learner)
    assert rates is not None
    with torch.no_grad():
        learner.get_parameter("inner.fast_weight").copy_(torch.tensor([-300.0, 2.0]))
    params = dict(learner.named_parameters())
    found = [float(rates.rate(params, "fast_weight", step).detach()) for step in (0, 1, 5)]
    assert found[0] > 0
    assert found[1] == found[2] == pytest.approx(7.389056)
    # They are read from what is handed over, so that a gradient finds its way.
    moved = {**params, "inner.fast_weight": torch.zeros(2, requires_grad=True)}
    assert rates.rate(moved, "fast_weight", 0).requires_grad
    assert float(rates.rate(moved, "fast_weight", 0).detach()) == 1


def test_names_with_dots_have_rates_too() -> None:
    class Nested(Regressor):
        def __init__(self) -> None:
            super().__init__()
            self.part = torch.nn.Linear(2, 3)

    learner = Nested()
    learner.add_module(OWN, Rates(learner, ["part.weight"], 0.5))
    rates = rates_of(learner)
    assert rates is not None
    found = rates.rate(dict(learner.named_parameters()), "part.weight", 0)
    torch.testing.assert_close(found.detach(), torch.full((3, 2), 0.5))


def test_multipliers_are_relative_to_the_mean_over_coordinates() -> None:
    learner = given()
    put(learner, "fast_weight", torch.tensor([[0.1], [0.2], [0.3], [0.4]]))
    put(learner, "fast_bias", torch.tensor([2.0]))
    found = multipliers(learner, ["fast_weight", "fast_bias", "shared_weight"])
    assert set(found) == {"fast_weight", "fast_bias"}, "what has no rate keeps the common one"
    assert found["fast_weight"].flatten().tolist() == pytest.approx([1 / 6, 1 / 3, 1 / 2, 2 / 3])
    assert found["fast_bias"].tolist() == pytest.approx([10 / 3])
    assert multipliers(learner, ["fast_bias"])["fast_bias"].tolist() == pytest.approx([1])
    assert multipliers(learner, ["shared_weight"]) == {}
    by_step = given(2)
    put(by_step, "fast_weight", torch.tensor([0.1, 0.3]))
    put(by_step, "fast_bias", torch.tensor([0.6, 0.8]))
    found = multipliers(by_step, ["fast_weight", "fast_bias"])
    mean = (4 * 0.2 + 0.7) / 5
    assert float(found["fast_weight"]) == pytest.approx(0.2 / mean)
    assert float(found["fast_bias"]) == pytest.approx(0.7 / mean)


def test_what_a_log_is_told() -> None:
    learner = given(2)
    put(learner, "fast_weight", torch.tensor([0.1, 0.3]))
    put(learner, "fast_bias", torch.tensor([0.6, 0.8]))
    rates = rates_of(learner)
    assert rates is not None
    assert rates.metrics(learner.head()) == pytest.approx({
        "inner_lr": (4 * 0.2 + 0.7 + 2 * 0.1) / 7,
        "inner_lr/head/1": (4 * 0.1 + 0.6) / 5, "inner_lr/head/2": (4 * 0.3 + 0.8) / 5,
        "inner_lr/body/1": 0.1, "inner_lr/body/2": 0.1,
    })  # fmt: skip
    plain = rates_of(given())
    assert plain is not None
    assert plain.metrics(()) == pytest.approx({"inner_lr": 0.1, "inner_lr/body": 0.1})
