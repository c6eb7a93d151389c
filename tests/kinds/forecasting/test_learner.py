"""The forecaster: where it starts, that quantiles never cross, and ridge regression beside it."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch

from fewshot_metalstm.errors import UserError
from fewshot_metalstm.kinds.forecasting.learner import Forecaster
from fewshot_metalstm.kinds.forecasting.peers import day_ago, ridge, week_ago, with_interval
from fewshot_metalstm.kinds.forecasting.predict import whole
from fewshot_metalstm.kinds.forecasting.ridge import Moments, solve, with_one
from fewshot_metalstm.kinds.forecasting.series import Floats
from fewshot_metalstm.kinds.forecasting.settings import RidgeConfig
from fewshot_metalstm.kinds.forecasting.tasks import ForecastTask
from fewshot_metalstm.kinds.forecasting.windows import Batch, Places, encode, places, windows
from fewshot_metalstm.nn.cell_config import MetaLSTMConfig
from tests.kinds.forecasting.builders import SMALL, forecaster, region, series


def batch(step: int = 24) -> Batch:
    task = whole([series(12)])
    given = encode(task, places(task, [(0, 288)])[::20], step)
    return Batch(*(getattr(given, name).double() for name in given.__dataclass_fields__))


def test_quantiles_never_cross_and_begin_at_the_naive_forecasts() -> None:
    learner, given = forecaster(), batch()
    found = learner.quantiles(given)
    assert found.shape == (len(given), 3, 24)
    assert (found.diff(dim=1) > 0).all()
    with torch.no_grad():
        learner.head_weight.zero_()
    naive = (given.lags[:, -24:] + given.lags[:, :24]) / 2
    assert torch.allclose(learner.quantiles(given)[:, 1], naive)


def test_the_loss_is_the_pinball_loss_of_measured_hours() -> None:
    learner, given = forecaster(), batch()
    weight = given.weight.clone()
    weight[:, 5] = 0
    given = replace(given, weight=weight)
    over = given.future.unsqueeze(1) - learner.quantiles(given)
    levels = zip((0.1, 0.5, 0.9), over.unbind(1), strict=True)
    each = [torch.where(o > 0, q * o, (q - 1) * o) for q, o in levels]
    wanted = torch.stack(each).mean(0)[:, [i for i in range(24) if i != 5]].mean()
    assert learner(given).item() == pytest.approx(wanted.item())
    future = given.future.clone()
    future[:, 5] = 1e6
    assert learner(replace(given, future=future)).item() == pytest.approx(wanted.item())


@pytest.mark.parametrize("cell", ["lstm", "qrnn"])
@pytest.mark.parametrize("step", [24, 84])
def test_any_cell_reads_any_step(cell: str, step: int) -> None:
    config = replace(SMALL, lstm=MetaLSTMConfig(kind=cell, hidden=4, match=False), step=step)
    learner = forecaster(config)
    learner(batch(step)).backward()
    assert all(p.grad is not None and p.grad.isfinite().all() for p in learner.parameters())
    with pytest.raises(UserError, match="does not divide"):
        Forecaster(replace(config, step=25), torch.Generator())


def test_the_figure_is_mase_of_the_median() -> None:
    learner, given = forecaster(), batch()
    params = {name: value.detach() for name, value in learner.named_parameters()}
    wrong = (given.future - learner.quantiles(given)[:, 1]).abs() / given.unit[:, None]
    assert learner.figure(params, given) == pytest.approx(wrong.mean().item())


def test_ridge_is_what_minimises_its_sum() -> None:
    task = region(12)
    given = windows(task, places(task, [(0, 288)]))
    others = Moments.of(windows(*_other()))
    config = RidgeConfig(alpha=5.0, pooled=20.0)
    found = solve(config, given, others)

    def total(weights: Floats) -> float:
        task, at = _other()
        other = windows(task, at)
        own = np.square(with_one(given.lags) @ weights - given.future).sum()
        more = np.square(with_one(other.lags) @ weights - other.future).sum() / len(other)
        return float(own + 20 * more + 5 * np.square(weights[:-1]).sum())

    rng = np.random.default_rng(0)
    for _ in range(5):
        assert total(found) < total(found + 1e-3 * rng.standard_normal(found.shape))


def _other() -> tuple[ForecastTask, Places]:
    task = region(14, seed=3)
    return task, places(task, [(0, 336)])


def test_peers_forecast_what_they_say() -> None:
    task = region(40)
    at = places(task, [(0, 480)])
    support = windows(task, at)
    given = windows(task, np.array([600]))
    values = {m: given.centre + given.scale * m(given)[0] for m in (day_ago, week_ago)}
    assert values[day_ago] == pytest.approx(task.values[576:600])
    assert values[week_ago] == pytest.approx(task.values[432:456])
    fitted = with_interval(ridge(RidgeConfig(alpha=1e-3), support), support, task)
    low, middle, high = fitted(at).transpose(1, 0, 2)
    actual = task.values[at[:, None] + np.arange(24)]
    assert (
        np.abs(middle - actual).mean()
        < np.abs(task.values[at[:, None] - 24 + np.arange(24)] - actual).mean()
    )
    assert 0.75 < ((low <= actual) & (actual <= high)).mean() < 0.85


def test_the_linear_path_is_set_and_moved() -> None:
    learner, given = forecaster(), batch()
    weights = np.random.default_rng(0).standard_normal((169, 24))
    with torch.no_grad():
        learner.head_weight.zero_()
    learner.set_linear(weights)
    before = learner.quantiles(given)[:, 1]
    wanted = with_one(given.lags.numpy()) @ weights
    assert before.detach().numpy() == pytest.approx(wanted, abs=1e-5)
    learner.move_linear(weights)
    assert torch.allclose(learner.quantiles(given)[:, 1], 2 * before, atol=1e-4)
