"""What a run of training a language model draws from: episodes, batches, checkpoints."""

from __future__ import annotations

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
from fewshot_metalstm.kinds.suite_source import SuiteSource
from fewshot_metalstm.meta.outcome import Progress
from fewshot_metalstm.seeds import derive


class LanguageSource(SuiteSource[StoredModel]):
    """A suite of texts, for one run of training."""

    figure = FIGURE
    section = "model"
    items = "segments"
    config: LanguageTrainConfig
    suite: LoadedTexts
    read = staticmethod(load_prepared)
    write = staticmethod(save_model)

    def __init__(self, config: LanguageTrainConfig, suite: LoadedTexts) -> None:
        check(config)
        super().__init__(config, suite)

    def made(self, progress: Progress) -> StoredModel:
        """See :class:`SuiteSource`: nothing is made of the texts before the weights."""
        del progress
        return StoredModel(new_model(self.config.model, self.config.seed))

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

    def validator(self) -> BpcValidation:
        """See :class:`SuiteSource`."""
        config = self.config
        return BpcValidation(
            self.suite.validation, config.validation, self._model,
            derive(config.seed, "validation"), device=self._device,
        )  # fmt: skip
