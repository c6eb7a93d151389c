"""What a run of training a reader of digits draws from: episodes, batches, checkpoints."""

from __future__ import annotations

from typing import Any

import torch

from fewshot_metalstm.kinds.digits.encoding import Scaling
from fewshot_metalstm.kinds.digits.episodes import (
    AccuracyValidation,
    EncodedEpisodes,
    JointBatches,
)
from fewshot_metalstm.kinds.digits.model import ReaderModel, load_prepared, new_reader, save_model
from fewshot_metalstm.kinds.digits.reader import CORPUS
from fewshot_metalstm.kinds.digits.score import FIGURE
from fewshot_metalstm.kinds.digits.settings import DigitsTrainConfig, check
from fewshot_metalstm.kinds.digits.tasks import LoadedDigits
from fewshot_metalstm.kinds.suite_source import SuiteSource
from fewshot_metalstm.meta.make import recorded
from fewshot_metalstm.meta.outcome import Progress
from fewshot_metalstm.seeds import derive


class DigitsSource(SuiteSource[ReaderModel]):
    """A suite of digits, for one run of training."""

    figure = FIGURE
    section = "reader"
    items = "images"
    config: DigitsTrainConfig
    suite: LoadedDigits
    read = staticmethod(load_prepared)
    write = staticmethod(save_model)

    def __init__(self, config: DigitsTrainConfig, suite: LoadedDigits) -> None:
        check(config)
        super().__init__(config, suite)

    def made(self, progress: Progress) -> ReaderModel:
        """See :class:`SuiteSource`: the scaling of pixels is made of the meta-train images."""
        del progress
        scaling = Scaling.of(self.suite.train)
        learner = new_reader(self.config.reader, self.config.seed)
        return ReaderModel(learner, scaling)

    def about(self) -> dict[str, Any]:
        """See :class:`TrainingSource`."""
        config, tasks = self.config, self.suite.train
        return {
            "suite": self.suite.name,
            "synthetic": self.suite.synthetic,
            "targets_excluded": list(self.suite.report.targets),
            "families": sorted({task.family for task in tasks}),
            "learned_classes": sorted({name for task in tasks for name in task.classes}),
            "tasks": [task.name for task in tasks],
            "algorithm": config.algorithm,
            "recipe": recorded(config),
            "seed": config.seed,
            "corpora": {CORPUS: {"train": tasks[0].digests["train"]}},
        }

    def use(self, model: ReaderModel, device: torch.device) -> None:
        """See :class:`TrainingSource`."""
        self._scaling = model.scaling
        self._device = device

    def joint(self) -> JointBatches:
        """See :class:`TrainingSource`."""
        config = self.config
        return JointBatches(
            self.suite.train, config.joint.batch, self._scaling, derive(config.seed, "joint"),
            device=self._device, warp=config.warp,
        )  # fmt: skip

    def episodes(self) -> EncodedEpisodes:
        """See :class:`TrainingSource`."""
        config = self.config
        return EncodedEpisodes(
            self.suite.train, config.episodes, self._scaling, derive(config.seed, "outer"),
            device=self._device, warp=config.warp,
        )  # fmt: skip

    def validator(self) -> AccuracyValidation:
        """See :class:`SuiteSource`."""
        config = self.config
        return AccuracyValidation(
            self.suite.validation, config.validation, self._scaling,
            derive(config.seed, "validation"), device=self._device,
        )  # fmt: skip
