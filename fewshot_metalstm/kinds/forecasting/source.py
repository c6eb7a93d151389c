"""What a run of training a forecaster draws from: episodes, batches, checkpoints."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import torch

from fewshot_metalstm.kinds.forecasting.episodes import (
    EncodedEpisodes,
    JointBatches,
    MaseValidation,
)
from fewshot_metalstm.kinds.forecasting.model import (
    ForecastModel,
    load_prepared,
    new_forecaster,
    save_model,
)
from fewshot_metalstm.kinds.forecasting.ridge import Moments, solve
from fewshot_metalstm.kinds.forecasting.score import FIGURE
from fewshot_metalstm.kinds.forecasting.settings import RIDGE, ForecastTrainConfig, check
from fewshot_metalstm.kinds.forecasting.tasks import LoadedSeries
from fewshot_metalstm.kinds.stored import CHECKPOINT
from fewshot_metalstm.meta.learner import Params
from fewshot_metalstm.meta.outcome import Progress
from fewshot_metalstm.meta.source import TrainingSource, about_of, facts_of
from fewshot_metalstm.meta.start import read_start
from fewshot_metalstm.seeds import derive


class ForecastSource(TrainingSource):
    """A suite of series, for one run of training."""

    figure = FIGURE

    def __init__(self, config: ForecastTrainConfig, suite: LoadedSeries) -> None:
        check(config)
        self.config = config
        self.suite = suite

    def fresh(self, progress: Progress) -> ForecastModel:
        """See :class:`TrainingSource`: the linear path is made of the meta-train windows."""
        del progress
        if self.config.start:
            return replace(self._started(), about=self.about())
        learner = new_forecaster(self.config.forecaster, self.config.seed)
        moments = Moments.of_tasks(self.suite.train)
        if self.config.forecaster.linear == RIDGE:
            learner.set_linear(solve(self.config.ridge, None, moments))
        return ForecastModel(learner, moments, about=self.about())

    def _started(self) -> ForecastModel:
        config, names = self.config, [task.name for task in self.suite.train]
        return read_start(
            config.start, lambda folder: load_prepared(folder, CHECKPOINT), section="forecaster",
            same_tasks=lambda model: model.about.get("tasks") == names,
            same_settings=lambda model: model.learner.config == config.forecaster,
        )  # fmt: skip

    def load(self, folder: Path) -> ForecastModel:
        """See :class:`TrainingSource`."""
        return load_prepared(folder)

    def save(
        self, model: ForecastModel, folder: Path, *, about: Mapping[str, Any],
        heads: Mapping[str, Params],
    ) -> None:  # fmt: skip
        """See :class:`TrainingSource`; all regions share the one head, which is in the weights."""
        del heads
        save_model(replace(model, about={**self.about(), **about}), folder)

    def about(self) -> dict[str, Any]:
        """See :class:`TrainingSource`."""
        return about_of(self.config, self.suite)

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

    def validation(self) -> MaseValidation | None:
        """See :class:`TrainingSource`."""
        config = self.config
        if not self.suite.validation or config.validation.episodes == 0:
            return None
        return MaseValidation(
            self.suite.validation, config.validation, self._step,
            derive(config.seed, "validation"), device=self._device,
        )  # fmt: skip

    def facts(self) -> dict[str, str]:
        """See :class:`TrainingSource`: tasks, and a digest of every split."""
        return facts_of(self.suite.train, self.suite.validation, "hours")
