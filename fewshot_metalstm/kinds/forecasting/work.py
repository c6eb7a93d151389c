"""One cell of a table of forecasters: how one starts, is tuned, scored and kept."""

from __future__ import annotations

import copy
import time
from collections.abc import Callable, Sequence
from typing import Any

from fewshot_metalstm.adapt.cell import SCRATCH, Cell
from fewshot_metalstm.adapt.finetune import Adapted
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
from fewshot_metalstm.kinds.forecasting.settings import ForecastAdaptConfig, RidgeConfig
from fewshot_metalstm.kinds.forecasting.tasks import TRAIN, ForecastTask
from fewshot_metalstm.kinds.forecasting.windows import Batch, encode, support_places, windows
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
        """The checkpoint's forecaster, its linear path moved; or a fresh one for ``scratch``."""
        cell, learner = self.cell, self.model.learner
        began = time.perf_counter()
        if cell.method == SCRATCH:
            seed = derive(cell.seed, SCRATCH, cell.draw)
            learner = new_forecaster(learner.config, seed).to(self.device)
        elif isinstance(cell.config, ForecastAdaptConfig) and cell.config.pooled:
            learner = self._moved(learner, RidgeConfig(cell.config.alpha, cell.config.pooled))
        return Start(learner, seconds=time.perf_counter() - began)

    def _moved(self, learner: Forecaster, config: RidgeConfig) -> Forecaster:
        """A forecaster whose linear path has what the support adds to the suite's regression."""
        moments = self.model.moments
        if moments is None:
            raise ValueError("a checkpoint has the moments of its suite")
        own = solve(config, windows(self.target, self.places), moments)
        made = copy.deepcopy(learner)
        made.move_linear(own - solve(config, None, moments))
        return made

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
            "from": dict(self.model.about), "synthetic": target.synthetic,
            "test_mase": None if score is None else round(score.value, 4),
        }  # fmt: skip
        made = adapted_forecaster(start.learner, adapted.params)
        save_model(ForecastModel(made, None, FORECASTER, about), cell.save)
