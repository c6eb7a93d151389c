"""How much of the correction, and how wide an interval, a support speaks for."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch

from fewshot_metalstm.kinds.forecasting.learner import Forecaster
from fewshot_metalstm.kinds.forecasting.predict import whole
from fewshot_metalstm.kinds.forecasting.series import Floats
from fewshot_metalstm.kinds.forecasting.settings import ForecastAdaptConfig
from fewshot_metalstm.kinds.forecasting.trust import PARTS, Trust, trusted
from fewshot_metalstm.kinds.forecasting.windows import Batch, Places, Window, encode, windows
from tests.kinds.forecasting.builders import forecaster, series

CONFIG = ForecastAdaptConfig(trust=1.0, widen=3.0)


def support(days: int = 40) -> tuple[Batch, Window]:
    task = whole([series(days)])
    at = np.arange(168, days * 24 - 24)
    batch = encode(task, at, 24)
    batch = Batch(*(getattr(batch, name).double() for name in batch.__dataclass_fields__))
    return batch, windows(task, at)


def still(chosen: Places) -> Floats:
    """No part of the support moves the linear path."""
    del chosen
    return np.zeros((169, 24))


def found(
    learner: Forecaster, batch: Batch, given: Window, share: float, width: float = 1.0,
    config: ForecastAdaptConfig = CONFIG, days: float = 40,
) -> Trust:  # fmt: skip
    """The trust in a learner, on days that are ``share`` of its correction with some noise."""
    with torch.no_grad():
        low, middle, high = learner.corrections(batch).numpy().transpose(1, 0, 2)
        path = learner.linear(batch).numpy()
    level = np.random.default_rng(0).uniform(size=middle.shape)
    # The quantiles 0.1 and 0.9 of the noise are where the interval of ``width`` ends.
    noise = np.where(level < 0.5, (level - 0.5) * low, (level - 0.5) * high) * width / 0.4
    future = path + share * middle + noise
    return trusted(learner, config, batch, replace(given, future=future), still, days)


@pytest.mark.parametrize("share", [0.0, 0.5, 1.0])
def test_the_share_is_found_that_the_support_follows(share: float) -> None:
    batch, given = support()
    learner = forecaster()
    with torch.no_grad():
        learner.head_weight.mul_(30)  # so that the correction stands out of the noise
    assert found(learner, batch, given, share).share == pytest.approx(share, abs=0.1)


@pytest.mark.parametrize("width", [0.5, 1.0, 2.5])
def test_the_width_is_found_that_holds_the_support(width: float) -> None:
    batch, given = support()
    made = found(forecaster(), batch, given, 1.0, width)
    assert made.width == pytest.approx(width, rel=0.15)


def test_a_few_days_are_held_to_what_was_learned_and_a_zero_leaves_it() -> None:
    batch, given = support()
    learner = forecaster()
    with torch.no_grad():
        learner.head_weight.mul_(30)
    long, short = (found(learner, batch, given, 0.0, 2.5, days=days) for days in (40, 0.3))
    assert long.share < short.share <= 1
    assert 1 <= short.width < long.width
    off = replace(CONFIG, trust=0.0, widen=0.0)
    assert found(learner, batch, given, 0.0, 2.5, off) == Trust(1.0, 1.0)


def test_what_is_trusted_becomes_a_part_of_the_weights() -> None:
    batch, _ = support(12)
    learner = forecaster()
    before, path = learner.corrections(batch), learner.linear(batch)
    Trust(0.25, 2.0).apply(learner)
    low, middle, high = learner.quantiles(batch).unbind(1)
    assert torch.allclose(middle, path + 0.25 * before[:, 1])
    assert torch.allclose(middle - low, 2 * before[:, 0])
    assert torch.allclose(high - middle, 2 * before[:, 2])


def test_the_linear_path_is_judged_on_days_that_did_not_move_it() -> None:
    batch, given = support()
    seen: list[Places] = []

    def move(chosen: Places) -> Floats:
        seen.append(chosen)
        return still(chosen)

    trusted(forecaster(), CONFIG, batch, given, move, 40)
    assert len(seen) == PARTS
    parts = np.array_split(np.arange(len(given)), PARTS)
    for part, chosen in zip(parts, seen, strict=True):
        assert np.abs(part[:, None] - chosen[None]).min() > 24
        assert len(chosen) >= len(given) - len(part) - 2 * 25


def test_the_choice_says_what_was_taken() -> None:
    choice = Trust(0.35, 1.8).choice(6.0)
    assert choice.as_dict() == {
        "recipe": "trust",
        "why": "35% of what the LSTM corrects and an interval 1.8 times as wide, by its errors "
        "on 6 days of the support",
        "signals": {"share": 0.35, "width": 1.8, "days": 6.0},
    }
