"""Exponential smoothing whose form and rates suit a support: statsforecast's AutoETS.

With an additive season of a day, with a trend or without one, as AICc has it. The rates of the
support smooth the week of each window, whose level and season are begun anew; so it is given what
every other method is given.

Source: Hyndman et al., "A state space framework for automatic forecasting using exponential
smoothing methods", International Journal of Forecasting 18(3), 2002.
"""

from __future__ import annotations

import numpy as np

from fewshot_metalstm.errors import UserError
from fewshot_metalstm.kinds.forecasting.boosting import INSTALL
from fewshot_metalstm.kinds.forecasting.peers import Median
from fewshot_metalstm.kinds.forecasting.series import DAY, Floats
from fewshot_metalstm.kinds.forecasting.windows import Window

_FORM = "AZA"  # additive errors and season; numbers around 0 have no multiplicative ones


def smoothing(hours: Floats) -> Median:
    """Smoothing with the rates that suit some hours in a row, at least two days of them.

    Raises:
        UserError: statsforecast is not installed.
    """
    try:
        from statsforecast.models import AutoETS
    except ImportError:
        raise UserError(f"the baseline autoets needs statsforecast: {INSTALL}") from None
    spread = float(hours.std())
    model = AutoETS(season_length=DAY, model=_FORM)
    model.fit((hours - hours.mean()) / (spread if spread > 0 else 1.0))

    def median(given: Window) -> Floats:
        made = [model.forward(week, DAY)["mean"] for week in given.lags]
        return np.stack(made) if made else np.zeros((0, DAY))

    return median
