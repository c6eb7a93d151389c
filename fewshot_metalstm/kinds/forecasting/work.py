"""One cell of a table of forecasters: how one starts, is tuned, scored and kept."""

from __future__ import annotations

import copy
import time
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from fewshot_metalstm.adapt.cell import SCRATCH, Cell
from fewshot_metalstm.adapt.finetune import Adapted
from fewshot_metalstm.adapt.policy import Choice
from fewshot_metalstm.adapt.tuning import tuned_names
from fewshot_metalstm.adapt.work import Start, Work
from fewshot_metalstm.figure import Score
from fewshot_metalstm.kinds.forecasting.forecasts import of_learner, score_support
from fewshot_metalstm.kinds.forecasting.learner import Forecaster
from fewshot_metalstm.kinds.forecasting.model import (
    FORECASTER,
    ForecastModel,
    adapted_forecaster,
    new_forecaster,
    save_model,
)
from fewshot_metalstm.kinds.forecasting.ridge import solve
from fewshot_metalstm.kinds.forecasting.series import DAY, WEEK, Floats
from fewshot_metalstm.kinds.forecasting.settings import ForecastAdaptConfig, RidgeConfig
from fewshot_metalstm.kinds.forecasting.tasks import TRAIN, ForecastTask
from fewshot_metalstm.kinds.forecasting.trust import MOST, trusted
from fewshot_metalstm.kinds.forecasting.windows import (
    Batch,
    Places,
    encode,
    support_places,
    windows,
)
from fewshot_metalstm.seeds import derive


def practice(
    model: ForecastModel, target: ForecastTask, support: Sequence[int]
) -> tuple[int, Callable[[Sequence[int]], Batch]]:
    """What an adapted forecaster is trained on further: windows of some hours of a target.

    Raises :class:`UserError` where they hold no window.
    """
    at = support_places(target, target.runs(support))
    device = next(model.learner.parameters()).device

    def batch(chosen: Sequence[int]) -> Batch:
        return encode(target, at[list(chosen)], model.learner.config.step, device)

    return len(at), batch


class ForecastWork(Work[Forecaster]):
    """A cell of a checkpoint's forecaster, or of a fresh one of its sizes."""

    target: ForecastTask

    def __init__(self, cell: Cell, model: ForecastModel, target: ForecastTask) -> None:
        super().__init__(cell, target)
        self.model = model
        self.support = target.runs(cell.support)
        self.places = support_places(target, self.support)
        self.device = next(model.learner.parameters()).device

    def start(self) -> Start[Forecaster]:
        """The checkpoint's forecaster, as the support speaks for it; a fresh one of ``scratch``."""
        cell, learner = self.cell, self.model.learner
        began = time.perf_counter()
        if cell.method == SCRATCH:
            seed = derive(cell.seed, SCRATCH, cell.draw)
            fresh = new_forecaster(learner.config, seed).to(self.device)
            return Start(fresh, seconds=time.perf_counter() - began)
        if not isinstance(cell.config, ForecastAdaptConfig):
            return Start(learner)
        learner, choice = self._started(copy.deepcopy(learner), cell.config)
        return Start(learner, seconds=time.perf_counter() - began, choice=choice)

    def _started(
        self, learner: Forecaster, config: ForecastAdaptConfig
    ) -> tuple[Forecaster, Choice | None]:
        """A forecaster, and what was chosen: its linear path moved, its correction trusted."""
        choice = None
        if config.trust or config.widen:
            number, days = len(self.places), len(self.places) / DAY
            some = np.unique(np.linspace(0, number - 1, min(MOST, number)).astype(np.int64))
            found = trusted(
                learner, config, self.batch(some.tolist()),
                windows(self.target, self.places[some]),
                lambda chosen: self._move(self.places[some[chosen]], config), days,
            )  # fmt: skip
            found.apply(learner)
            choice = found.choice(days)
        learner.move_linear(self._move(self.places, config))
        return learner, choice

    def _move(self, at: Places, config: ForecastAdaptConfig) -> Floats:
        """What windows of the support add to the suite's regression, (169, 24)."""
        if not config.pooled:
            return np.zeros((WEEK + 1, DAY))
        support, moments = windows(self.target, at), self.model.moments
        if moments is None:
            raise ValueError("a checkpoint has the moments of its suite")
        ridge = RidgeConfig(config.alpha, config.pooled)
        found: Floats = solve(ridge, support, moments) - solve(ridge, None, moments)
        return found

    def names(self, learner: Forecaster) -> tuple[str, ...]:
        """See :class:`Work`."""
        return tuned_names(learner, self.cell.tune)

    def batch(self, chosen: Sequence[int]) -> Batch:
        """Some windows of the support, by index."""
        return encode(
            self.target, self.places[list(chosen)], self.model.learner.config.step, self.device
        )

    def batches(self, learner: Forecaster) -> tuple[int, Callable[[Sequence[int]], Batch]]:
        """See :class:`Work`."""
        return len(self.places), self.batch

    def counted(self) -> int:
        """The hours of the support that were measured."""
        return int(self.target.real[list(self.cell.support)].sum())

    def score(self, start: Start[Forecaster], adapted: Adapted) -> Score:
        """MASE on what follows the support, or on the test split."""
        forecast = of_learner(start.learner, adapted.params, self.target, self.device)
        return score_support(forecast, self.target, self.support)

    def save(self, start: Start[Forecaster], adapted: Adapted, score: Score | None) -> None:
        """Write the adapted forecaster."""
        cell, target = self.cell, self.target
        assert cell.save is not None
        about: dict[str, Any] = {
            "target": target.name, "method": cell.called, "tune": cell.tune,
            "draw": cell.draw, "seed": cell.seed, "support_hours": len(cell.support),
            "support": [list(span) for span in self.support], "sha256": target.digests[TRAIN],
            "units": {
                target.series[target.number(span[0])].name: target.unit(span)
                for span in self.support if target.unit(span) > 0
            },
            **({"recipe": start.choice.as_dict()} if start.choice is not None else {}),
            "from": dict(self.model.about), "synthetic": target.synthetic,
            "test_mase": None if score is None else round(score.value, 4),
        }  # fmt: skip
        made = adapted_forecaster(start.learner, adapted.params)
        save_model(ForecastModel(made, None, FORECASTER, about), cell.save)
