"""What a run of training a translator draws from: subwords, episodes, batches, checkpoints."""

from __future__ import annotations

import torch

from fewshot_metalstm.kinds.suite_source import SuiteSource
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
from fewshot_metalstm.meta.outcome import Progress
from fewshot_metalstm.seeds import derive


class TranslationSource(SuiteSource[TranslationModel]):
    """A suite of sentence pairs, for one run of training."""

    figure = FIGURE
    section = "translator"
    items = "pairs"
    config: TranslationTrainConfig
    suite: LoadedPairs
    read = staticmethod(load_prepared)
    write = staticmethod(save_model)

    def __init__(self, config: TranslationTrainConfig, suite: LoadedPairs) -> None:
        check(config)
        sacrebleu_metrics()  # needed to validate: say now that it is missing
        super().__init__(config, suite)

    def made(self, progress: Progress) -> TranslationModel:
        """See :class:`SuiteSource`: the subwords are made of the meta-train pairs."""
        del progress
        config = self.config
        texts = texts_of(task.splits[TRAIN] for task in self.suite.train)
        subwords = Subwords.learned(texts, config.subwords.size)
        learner = new_translator(config.translator, len(subwords), config.seed)
        return TranslationModel(learner, subwords)

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

    def validator(self) -> ChrfValidation:
        """See :class:`SuiteSource`."""
        config = self.config
        return ChrfValidation(
            self.suite.validation, config.validation, self._devel,
            derive(config.seed, "validation"),
        )  # fmt: skip
