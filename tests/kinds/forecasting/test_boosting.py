"""LightGBM as a peer of a forecaster."""

from __future__ import annotations

import sys
from dataclasses import replace
from typing import NoReturn

import numpy as np
import pytest

from fewshot_metalstm.adapt.cell import Cell
from fewshot_metalstm.errors import UserError
from fewshot_metalstm.kinds.forecasting.boosting import boosting
from fewshot_metalstm.kinds.forecasting.methods import METHODS
from fewshot_metalstm.kinds.forecasting.settings import ForecastRunConfig, LightGbmConfig
from fewshot_metalstm.kinds.forecasting.windows import support_places, windows
from tests.kinds.forecasting.builders import region

QUICK = LightGbmConfig(trees=20, lr=0.2)
NAIVE = "naive24"


def cell(method: str, draw: int = 0) -> Cell:
    """Fourteen days of the region."""
    settings = replace(ForecastRunConfig(), lightgbm=QUICK)
    known = METHODS.own[method].config(settings)
    return Cell(method, draw, 0, tuple(range(14 * 24)), "all", known, None)


def test_it_learns_the_day_and_gives_the_same_twice() -> None:
    pytest.importorskip("lightgbm", reason="pip install 'fewshot-metalstm[forecasting]'")
    target = region()
    made = METHODS.own["lightgbm"].run
    found, again = (made(cell("lightgbm"), target, no_checkpoint) for _ in range(2))
    naive = METHODS.own[NAIVE].run(cell(NAIVE), target, no_checkpoint)
    assert found.score == again.score
    assert found.score is not None
    assert naive.score is not None
    assert found.score.value < naive.score.value


def test_hours_that_were_not_measured_teach_nothing() -> None:
    pytest.importorskip("lightgbm", reason="pip install 'fewshot-metalstm[forecasting]'")
    target = region()
    given = windows(target, support_places(target, ((0, 14 * 24),)))
    real = given.real.copy()
    real[::2, 5] = False
    wild = given.future.copy()
    wild[::2, 5] = 1e9
    found = boosting(QUICK, replace(given, future=wild, real=real), 0)(given)
    assert np.abs(found).max() < 100
    assert found.shape == (len(given), 24)
    assert boosting(QUICK, given, 0)(windows(target, np.zeros(0, np.int64))).shape == (0, 24)
    real[:, 5] = False
    with pytest.raises(UserError, match="hour 5 of the day ahead is never measured"):
        boosting(QUICK, replace(given, real=real), 0)


@pytest.mark.parametrize(("method", "package"), [("lightgbm", "lightgbm"),
                                                 ("autoets", "statsforecast")])  # fmt: skip
def test_what_is_not_installed_is_one_line(
    method: str, package: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, package, None)
    monkeypatch.setitem(sys.modules, f"{package}.models", None)
    with pytest.raises(UserError, match=r"pip install 'fewshot-metalstm\[forecasting\]'"):
        METHODS.own[method].run(cell(method), region(), no_checkpoint)


def no_checkpoint() -> NoReturn:
    raise AssertionError("needs no checkpoint")
