"""What a run of training a translator draws from: subwords, episodes, batches, checkpoints."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import torch

from fewshot_metalstm.kinds.stored import CHECKPOINT
from fewshot_metalstm.kinds.translation.episodes import (
    ChrfValidation,
    EncodedEpisodes,
    Encoder,
    JointBatches,
)
from fewshot_metalstm.kinds.translation.model import (
    TranslationModel,
    load_prepared,
    new_translator,
    save_model,
)
from fewshot_metalstm.kinds.translation.packages import sacrebleu_metrics
from fewshot_metalstm.kinds.translation.score import FIGURE
from fewshot_metalstm.kinds.translation.settings import TranslationTrainConfig, check
from fewshot_metalstm.kinds.translation.subwords import Subwords, texts_of
from fewshot_metalstm.kinds.translation.tasks import DEVEL, TRAIN, LoadedPairs
from fewshot_metalstm.meta.learner import Params
from fewshot_metalstm.meta.outcome import Progress
from fewshot_metalstm.meta.source import TrainingSource, about_of, facts_of
from fewshot_metalstm.meta.start import read_start
from fewshot_metalstm.seeds import derive


class TranslationSource(TrainingSource):
    """A suite of sentence pairs, for one run of training."""

    figure = FIGURE

    def __init__(self, config: TranslationTrainConfig, suite: LoadedPairs) -> None:
        check(config)
        sacrebleu_metrics()  # needed to validate: say now that it is missing
        self.config = config
        self.suite = suite

    def fresh(self, progress: Progress) -> TranslationModel:
        """See :class:`TrainingSource`: the subwords are made of the meta-train pairs."""
        del progress
        config = self.config
        if config.start:
            return replace(self._started(), about=self.about())
        texts = texts_of(task.splits[TRAIN] for task in self.suite.train)
        subwords = Subwords.learned(texts, config.subwords.size)
        learner = new_translator(config.translator, len(subwords), config.seed)
        return TranslationModel(learner, subwords, about=self.about())

    def _started(self) -> TranslationModel:
        config, names = self.config, [task.name for task in self.suite.train]
        return read_start(
            config.start, lambda folder: load_prepared(folder, CHECKPOINT), section="translator",
            same_tasks=lambda model: model.about.get("tasks") == names,
            same_settings=lambda model: model.learner.config == config.translator,
        )  # fmt: skip

    def load(self, folder: Path) -> TranslationModel:
        """See :class:`TrainingSource`."""
        return load_prepared(folder)

    def save(
        self, model: TranslationModel, folder: Path, *, about: Mapping[str, Any],
        heads: Mapping[str, Params],
    ) -> None:  # fmt: skip
        """See :class:`TrainingSource`; all topics share the one head, which is in the weights."""
        del heads
        save_model(replace(model, about={**self.about(), **about}), folder)

    def about(self) -> dict[str, Any]:
        """See :class:`TrainingSource`."""
        return about_of(self.config, self.suite)

    def use(self, model: TranslationModel, device: torch.device) -> None:
        """See :class:`TrainingSource`."""
        self._train = Encoder(model.subwords, TRAIN, device)
        self._devel = Encoder(model.subwords, DEVEL, device)

    def joint(self) -> JointBatches:
        """See :class:`TrainingSource`."""
        config = self.config
        return JointBatches(
            self.suite.train, config.joint.batch, self._train, derive(config.seed, "joint")
        )

    def episodes(self) -> EncodedEpisodes:
        """See :class:`TrainingSource`."""
        config = self.config
        return EncodedEpisodes(
            self.suite.train, config.episodes, self._train, derive(config.seed, "outer")
        )

    def validation(self) -> ChrfValidation | None:
        """See :class:`TrainingSource`."""
        config = self.config
        if not self.suite.validation or config.validation.episodes == 0:
            return None
        return ChrfValidation(
            self.suite.validation, config.validation, self._devel,
            derive(config.seed, "validation"),
        )  # fmt: skip

    def facts(self) -> dict[str, str]:
        """See :class:`TrainingSource`: tasks, and a digest of every split."""
        return facts_of(self.suite.train, self.suite.validation, "pairs")
