"""Gradient boosting from a week to the next day, over a support: LightGBM.

A regressor for each hour of the day ahead, by the 168 hours before it in the window's own scale,
that minimises the absolute error, which is what MASE counts.

Source: Ke et al., "LightGBM: A Highly Efficient Gradient Boosting Decision Tree", NeurIPS 2017.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from fewshot_metalstm.errors import UserError
from fewshot_metalstm.kinds.forecasting.peers import Median
from fewshot_metalstm.kinds.forecasting.series import DAY, Floats
from fewshot_metalstm.kinds.forecasting.settings import LightGbmConfig
from fewshot_metalstm.kinds.forecasting.windows import Window

INSTALL = "pip install 'fewshot-metalstm[forecasting]'"


def boosting(config: LightGbmConfig, support: Window, seed: int) -> Median:
    """Regressors that learned from the windows of a support.

    Raises:
        UserError: LightGBM is not installed, or no hour of a day ahead was ever measured.
    """
    try:
        from lightgbm import LGBMRegressor
    except ImportError:
        raise UserError(f"the baseline lightgbm needs LightGBM: {INSTALL}") from None
    made: list[Any] = []
    for hour in range(DAY):
        known = support.real[:, hour]
        if not known.any():
            raise UserError(
                f"lightgbm: hour {hour} of the day ahead is never measured in the support; take "
                "more days"
            )
        regressor = LGBMRegressor(
            objective="mae", n_estimators=config.trees, learning_rate=config.lr,
            num_leaves=config.leaves, min_child_samples=config.least, random_state=seed,
            deterministic=True, force_row_wise=True, n_jobs=1, verbose=-1,
        )  # fmt: skip
        made.append(regressor.fit(support.lags[known], support.future[known, hour]))

    def median(given: Window) -> Floats:
        if not len(given):
            return np.zeros((0, DAY))
        return np.stack([regressor.predict(given.lags) for regressor in made], 1)

    return median
