"""The LSTM meta-learner's cell against known answers and a loop over coordinates."""

from __future__ import annotations

import math

import pytest
import torch
from torch import Tensor, nn

from fewshot_metalstm.meta import gates
from fewshot_metalstm.meta.gates import (
    Gates,
    State,
    Weights,
    flat,
    initial_state,
    pre,
    split,
    step,
    step_plain,
    weights_of,
)
from fewshot_metalstm.seeds import torch_generator

HIDDEN = 3
NUMBER = 10


def made(hidden: int = HIDDEN) -> Gates:
    return Gates(hidden, 5, 0.0, torch_generator(0, "gates")).double()


def bold(scale: float = 1.0) -> Weights:
    """Weights large enough that every term counts."""
    generator = torch_generator(1, "bold")
    shapes = [w.shape for w in weights_of(dict(made().named_parameters()), "")]
    draws = [torch.randn(s, generator=generator, dtype=torch.float64) for s in shapes]
    return Weights(*(scale * draw for draw in draws))


def inputs(number: int = NUMBER) -> tuple[Tensor, list[Tensor], list[Tensor]]:
    """Coordinates, and the gradients and losses of three steps: some of them tiny or zero."""
    generator = torch_generator(2, "inputs")

    def normal() -> Tensor:
        return torch.randn(number, generator=generator, dtype=torch.float64)

    gradients = [normal(), normal() * 1e-5, normal()]
    gradients[2][::3] = 0.0
    losses = [torch.tensor(x, dtype=torch.float64) for x in (2.5, 1e-6, 0.7)]
    return normal(), gradients, losses


def test_preprocessing_at_and_around_its_threshold() -> None:
    edge = math.exp(-10)
    given = torch.tensor(
        [1.0, -1.0, math.exp(10), edge * 1.001, -edge * 1.001, edge * 0.999, -edge / 2, 0.0],
        dtype=torch.float64,
    )
    just = (-10 + math.log(1.001)) / 10
    expected = torch.tensor(
        [[0.0, 1.0], [0.0, -1.0], [1.0, 1.0], [just, 1.0], [just, -1.0], [-1.0, 0.999],
         [-1.0, -0.5], [-1.0, 0.0]],
        dtype=torch.float64,
    )  # fmt: skip
    torch.testing.assert_close(pre(given), expected.T)
    assert pre(given.float()).dtype == torch.float32
    torch.testing.assert_close(pre(given.float()), expected.T.float())


def test_initial_values() -> None:
    fresh = Gates(20, 5, 0.25, torch_generator(0, "gates"))
    shapes = {name: tuple(p.shape) for name, p in fresh.named_parameters()}
    assert shapes == {
        "input": (80, 4), "hidden": (80, 20), "bias": (80,), "gates": (2, 22), "gate_bias": (2,)
    }  # fmt: skip
    assert list(shapes) == list(Weights._fields)
    for name in ("input", "hidden", "bias", "gates"):
        values = fresh.get_parameter(name).detach().abs()
        assert 0.008 < float(values.max()) < 0.01, name
    rate, keep = fresh.gate_bias.tolist()
    assert -5 < rate < -4 < 4 < keep < 5
    other = Gates(20, 5, 0.25, torch_generator(1, "gates"))
    assert not torch.equal(fresh.input, other.input)
    state = initial_state(weights_of(dict(fresh.named_parameters()), ""), 7)
    assert [tuple(part.shape) for part in state] == [(20, 7), (20, 7), (2, 7)]
    assert not any(bool(part.any()) for part in state)


def one_coordinate(w: Weights, theta: float, gradients: list[float], losses: list[float]) -> float:
    """The whole inner loop for one coordinate, by torch's LSTM cell and plain arithmetic."""
    cell = nn.LSTMCell(4, HIDDEN).double()
    with torch.no_grad():
        for name, value in (("weight_ih", w.input), ("weight_hh", w.hidden), ("bias_ih", w.bias)):
            getattr(cell, name).copy_(value)
        cell.bias_hh.zero_()

    def prepared(x: float) -> list[float]:
        if abs(x) >= math.exp(-10):
            return [math.log(abs(x)) / 10, math.copysign(1, x)]
        return [-1, math.exp(10) * x]

    def gate(row: int, u: list[float], before: float) -> float:
        *w_u, w_theta, w_gate = w.gates[row].tolist()
        total = math.fsum(a * b for a, b in zip(w_u, u, strict=True))
        return float(total + w_theta * theta + w_gate * before + w.gate_bias[row])

    h, c = torch.zeros(1, HIDDEN).double(), torch.zeros(1, HIDDEN).double()
    rate = keep = 0.0
    for g, loss in zip(gradients, losses, strict=True):
        with torch.no_grad():
            h, c = cell(torch.tensor([prepared(loss) + prepared(g)]).double(), (h, c))
        rate, keep = gate(0, h[0].tolist(), rate), gate(1, h[0].tolist(), keep)
        theta = theta / (1 + math.exp(-keep)) - g / (1 + math.exp(-rate))
    return theta


def test_it_equals_a_loop_over_coordinates(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(gates, "BLOCK", 4)  # 10 coordinates: two whole blocks and a half
    w = bold()
    theta, gradients, losses = inputs()
    expected = [
        one_coordinate(
            w, float(theta[n]), [float(g[n]) for g in gradients], [float(x) for x in losses]
        )
        for n in range(NUMBER)
    ]
    state = initial_state(w, NUMBER)
    for g, loss in zip(gradients, losses, strict=True):
        theta, state = step(w, theta, g, loss, state)
    torch.testing.assert_close(theta, torch.tensor(expected, dtype=torch.float64))


def test_without_weights_it_is_gradient_descent() -> None:
    w = Weights(*(torch.zeros_like(part) for part in bold()))
    w.gate_bias.copy_(torch.tensor([-2.0, 50.0]))  # keeps all of the parameter
    rate = 1 / (1 + math.exp(2.0))
    theta, gradients, losses = inputs()
    expected, state = theta, initial_state(w, NUMBER)
    for g, loss in zip(gradients, losses, strict=True):
        theta, state = step(w, theta, g, loss, state)
        expected = expected - rate * g
    torch.testing.assert_close(theta, expected)


def two_steps(*given: Tensor) -> tuple[Tensor, ...]:
    theta, h, c, before, *weights = given
    _, gradients, losses = inputs(len(theta))
    w, state = Weights(*weights), State(h, c, before)
    for g, loss in zip(gradients[:2], losses[:2], strict=True):
        theta, state = step(w, theta, g, loss, state)
    return (theta, *state)


def leaves(number: int) -> list[Tensor]:
    """Coordinates, a state and weights that all need a gradient."""
    theta, _, _ = inputs(number)
    generator = torch_generator(3, "state")
    rows = (HIDDEN, HIDDEN, 2)
    state = [torch.randn(r, number, generator=generator, dtype=torch.float64) for r in rows]
    return [x.clone().requires_grad_() for x in (theta, *state, *bold(0.5))]


def test_gradients_of_coordinates_state_and_weights(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(gates, "BLOCK", 2)
    assert torch.autograd.gradcheck(two_steps, leaves(3))


def test_gradients_equal_those_of_the_plain_form(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(gates, "BLOCK", 4)
    given = leaves(NUMBER)
    ours = torch.autograd.grad(two_steps(*given)[0].square().sum(), given)
    monkeypatch.setattr("tests.meta.test_gates.step", step_plain)
    plain = torch.autograd.grad(two_steps(*given)[0].square().sum(), given)
    assert all(bool(g.any()) for g in plain)
    torch.testing.assert_close(ours, plain)


def test_only_what_needs_a_gradient_gets_one() -> None:
    theta, h, c, before, *weights = leaves(NUMBER)
    gradient = torch.ones(NUMBER, dtype=torch.float64, requires_grad=True)
    loss = torch.tensor(1.0, dtype=torch.float64, requires_grad=True)
    bare = State(h.detach(), c.detach(), before.detach())
    after, state = step(Weights(*weights), theta.detach(), gradient, loss, bare)
    total = after.sum() + state.h.sum()
    assert all(bool(part.any()) for part in torch.autograd.grad(total, weights, retain_graph=True))
    for constant in (gradient, loss):
        with pytest.raises(RuntimeError, match="have been used"):
            torch.autograd.grad(total, constant, retain_graph=True)


def test_flat_and_split() -> None:
    tensors = [torch.arange(6.0).view(2, 3), torch.tensor(7.0), torch.arange(2.0)]
    whole = flat(tensors)
    assert whole.tolist() == [0, 1, 2, 3, 4, 5, 7, 0, 1]
    for part, tensor in zip(split(whole, tensors), tensors, strict=True):
        assert torch.equal(part, tensor)
