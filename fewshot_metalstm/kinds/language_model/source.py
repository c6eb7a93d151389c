"""What a run of training a language model draws from: episodes, batches, checkpoints."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import torch

from fewshot_metalstm.kinds.language_model.episodes import (
    BpcValidation,
    EncodedEpisodes,
    JointBatches,
)
from fewshot_metalstm.kinds.language_model.model import (
    StoredModel,
    load_prepared,
    new_model,
    save_model,
)
from fewshot_metalstm.kinds.language_model.score import FIGURE
from fewshot_metalstm.kinds.language_model.settings import LanguageTrainConfig, check
from fewshot_metalstm.kinds.language_model.tasks import LoadedTexts
from fewshot_metalstm.kinds.stored import CHECKPOINT
from fewshot_metalstm.meta.learner import Params
from fewshot_metalstm.meta.outcome import Progress
from fewshot_metalstm.meta.source import TrainingSource, about_of, facts_of
from fewshot_metalstm.meta.start import read_start
from fewshot_metalstm.seeds import derive


class LanguageSource(TrainingSource):
    """A suite of texts, for one run of training."""

    figure = FIGURE

    def __init__(self, config: LanguageTrainConfig, suite: LoadedTexts) -> None:
        check(config)
        self.config = config
        self.suite = suite

    def fresh(self, progress: Progress) -> StoredModel:
        """See :class:`TrainingSource`: nothing is made of the texts before the weights."""
        del progress
        if self.config.start:
            return replace(self._started(), about=self.about())
        return StoredModel(new_model(self.config.model, self.config.seed), about=self.about())

    def _started(self) -> StoredModel:
        config, names = self.config, [task.name for task in self.suite.train]
        return read_start(
            config.start, lambda folder: load_prepared(folder, CHECKPOINT), section="model",
            same_tasks=lambda model: model.about.get("tasks") == names,
            same_settings=lambda model: model.learner.config == config.model,
        )  # fmt: skip

    def load(self, folder: Path) -> StoredModel:
        """See :class:`TrainingSource`."""
        return load_prepared(folder)

    def save(
        self, model: StoredModel, folder: Path, *, about: Mapping[str, Any],
        heads: Mapping[str, Params],
    ) -> None:  # fmt: skip
        """See :class:`TrainingSource`; all texts share the one head, which is in the weights."""
        del heads
        save_model(replace(model, about={**self.about(), **about}), folder)

    def about(self) -> dict[str, Any]:
        """See :class:`TrainingSource`."""
        return about_of(self.config, self.suite)

    def use(self, model: StoredModel, device: torch.device) -> None:
        """See :class:`TrainingSource`."""
        self._model = model.learner.config
        self._device = device

    def joint(self) -> JointBatches:
        """See :class:`TrainingSource`."""
        config = self.config
        return JointBatches(
            self.suite.train, config.joint.batch, self._model, derive(config.seed, "joint"),
            device=self._device,
        )  # fmt: skip

    def episodes(self) -> EncodedEpisodes:
        """See :class:`TrainingSource`."""
        config = self.config
        return EncodedEpisodes(
            self.suite.train, config.episodes, self._model, derive(config.seed, "outer"),
            device=self._device,
        )  # fmt: skip

    def validation(self) -> BpcValidation | None:
        """See :class:`TrainingSource`."""
        config = self.config
        if not self.suite.validation or config.validation.episodes == 0:
            return None
        return BpcValidation(
            self.suite.validation, config.validation, self._model,
            derive(config.seed, "validation"), device=self._device,
        )  # fmt: skip

    def facts(self) -> dict[str, str]:
        """See :class:`TrainingSource`: tasks, and a digest of every split."""
        return facts_of(self.suite.train, self.suite.validation, "segments")
