"""What a run of training a forecaster draws from: episodes, batches, checkpoints."""

from __future__ import annotations

import torch

from fewshot_metalstm.kinds.forecasting.episodes import (
    EncodedEpisodes,
    JointBatches,
    MaseValidation,
)
from fewshot_metalstm.kinds.forecasting.model import (
    ForecastModel,
    load_prepared,
    new_checkpoint,
    save_model,
)
from fewshot_metalstm.kinds.forecasting.score import FIGURE
from fewshot_metalstm.kinds.forecasting.settings import ForecastTrainConfig, check
from fewshot_metalstm.kinds.forecasting.tasks import LoadedSeries
from fewshot_metalstm.kinds.suite_source import SuiteSource
from fewshot_metalstm.meta.outcome import Progress
from fewshot_metalstm.seeds import derive


class ForecastSource(SuiteSource[ForecastModel]):
    """A suite of series, for one run of training."""

    figure = FIGURE
    section = "forecaster"
    items = "hours"
    config: ForecastTrainConfig
    suite: LoadedSeries
    read = staticmethod(load_prepared)
    write = staticmethod(save_model)

    def __init__(self, config: ForecastTrainConfig, suite: LoadedSeries) -> None:
        check(config)
        super().__init__(config, suite)

    def made(self, progress: Progress) -> ForecastModel:
        """See :class:`SuiteSource`: the linear path is made of the meta-train windows."""
        del progress
        config = self.config
        return new_checkpoint(config.forecaster, config.ridge, self.suite.train, config.seed)

    def use(self, model: ForecastModel, device: torch.device) -> None:
        """See :class:`TrainingSource`."""
        self._step = model.learner.config.step
        self._device = device

    def joint(self) -> JointBatches:
        """See :class:`TrainingSource`."""
        config = self.config
        return JointBatches(
            self.suite.train, config.joint.batch, self._step, derive(config.seed, "joint"),
            device=self._device,
        )  # fmt: skip

    def episodes(self) -> EncodedEpisodes:
        """See :class:`TrainingSource`."""
        config = self.config
        return EncodedEpisodes(
            self.suite.train, config.episodes, self._step, derive(config.seed, "outer"),
            device=self._device,
        )  # fmt: skip

    def validator(self) -> MaseValidation:
        """See :class:`SuiteSource`."""
        config = self.config
        return MaseValidation(
            self.suite.validation, config.validation, self._step,
            derive(config.seed, "validation"), device=self._device,
        )  # fmt: skip
