"""What a run of training a reader of digits draws from: episodes, batches, checkpoints."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
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
from fewshot_metalstm.kinds.stored import CHECKPOINT
from fewshot_metalstm.meta.learner import Params
from fewshot_metalstm.meta.make import recorded
from fewshot_metalstm.meta.outcome import Progress
from fewshot_metalstm.meta.source import TrainingSource, facts_of
from fewshot_metalstm.meta.start import read_start
from fewshot_metalstm.seeds import derive


class DigitsSource(TrainingSource):
    """A suite of digits, for one run of training."""

    figure = FIGURE

    def __init__(self, config: DigitsTrainConfig, suite: LoadedDigits) -> None:
        check(config)
        self.config = config
        self.suite = suite

    def fresh(self, progress: Progress) -> ReaderModel:
        """See :class:`TrainingSource`: the scaling of pixels is made of the meta-train images."""
        del progress
        if self.config.start:
            return replace(self._started(), about=self.about())
        scaling = Scaling.of(self.suite.train)
        learner = new_reader(self.config.reader, self.config.seed)
        return ReaderModel(learner, scaling, about=self.about())

    def _started(self) -> ReaderModel:
        config, names = self.config, [task.name for task in self.suite.train]
        return read_start(
            config.start, lambda folder: load_prepared(folder, CHECKPOINT), section="reader",
            same_tasks=lambda model: model.about.get("tasks") == names,
            same_settings=lambda model: model.learner.config == config.reader,
        )  # fmt: skip

    def load(self, folder: Path) -> ReaderModel:
        """See :class:`TrainingSource`."""
        return load_prepared(folder)

    def save(
        self, model: ReaderModel, folder: Path, *, about: Mapping[str, Any],
        heads: Mapping[str, Params],
    ) -> None:  # fmt: skip
        """See :class:`TrainingSource`; heads of classes that no target has are not kept."""
        del heads
        save_model(replace(model, about={**self.about(), **about}), folder)

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

    def validation(self) -> AccuracyValidation | None:
        """See :class:`TrainingSource`."""
        config = self.config
        if not self.suite.validation or config.validation.episodes == 0:
            return None
        return AccuracyValidation(
            self.suite.validation, config.validation, self._scaling,
            derive(config.seed, "validation"), device=self._device,
        )  # fmt: skip

    def facts(self) -> dict[str, str]:
        """See :class:`TrainingSource`: tasks, and a digest of every split."""
        return facts_of(self.suite.train, self.suite.validation, "images")
