"""What a run of training a classifier draws from: episodes, batches, checkpoints."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace

import torch

from fewshot_metalstm.encoders.training import (
    EncodedVectorsConfig,
    encoder_of,
    keep_features,
    same_encoder,
    word_vectors,
)
from fewshot_metalstm.kinds.classification.episodes import (
    AccuracyValidation,
    EncodedTasks,
    JointBatches,
    TextEpisodes,
)
from fewshot_metalstm.kinds.classification.model import (
    ClassifierModel,
    load_model,
    new_checkpoint,
    save_model,
)
from fewshot_metalstm.kinds.classification.score import FIGURE
from fewshot_metalstm.kinds.classification.settings import (
    ClassificationTrainConfig,
    ClassifierConfig,
    check,
)
from fewshot_metalstm.kinds.classification.tasks import ClassificationTask, LoadedTexts
from fewshot_metalstm.kinds.classification.text import read_of, words
from fewshot_metalstm.kinds.suite_source import SuiteSource
from fewshot_metalstm.meta.outcome import Progress
from fewshot_metalstm.meta.pool import Validator
from fewshot_metalstm.meta.source import Preparation
from fewshot_metalstm.nn.pretrain import PHASE, seconds_of_epoch
from fewshot_metalstm.nn.vectors import WordVectors, blank_vectors
from fewshot_metalstm.seeds import derive

ALPHABET = 3  # times that a character stands in the text, to be told from others


class ClassificationSource(SuiteSource[ClassifierModel]):
    """A suite of texts, for one run of training."""

    figure = FIGURE
    section = "classifier"
    items = "texts"
    config: ClassificationTrainConfig
    suite: LoadedTexts
    read = staticmethod(load_model)
    write = staticmethod(save_model)

    def __init__(self, config: ClassificationTrainConfig, suite: LoadedTexts) -> None:
        check(config)
        self._encoder = encoder_of(config.vectors)
        super().__init__(config, suite)

    def preparation(self) -> Preparation | None:
        """See :class:`TrainingSource`: word vectors, unless they are given."""
        config, tasks = self.config, self.suite.train
        if config.start or config.vectors.file:
            return None
        text = [words(each) for task in tasks for each in task.splits["train"].texts]
        model = new_checkpoint(
            config.classifier, blank_vectors(config.vectors.numbers),
            letters(word for each in text for word in each), shared_classes(tasks), config.seed,
        )  # fmt: skip
        seconds = seconds_of_epoch(text, config.vectors)
        return Preparation(PHASE, config.vectors.epochs, seconds, model)

    def made(self, progress: Progress) -> ClassifierModel:
        """See :class:`SuiteSource`: vectors and alphabet are made of the meta-train texts."""
        config, tasks = self.config, self.suite.train
        vectors, alphabet = vocabulary(tasks, config.vectors, config.seed, progress)
        return new_checkpoint(
            config.classifier, vectors, alphabet, shared_classes(tasks), config.seed, self._encoder
        )

    def fresh(self, progress: Progress) -> ClassifierModel:
        """See :class:`TrainingSource`: what an encoder makes of the texts is kept on disk."""
        model = super().fresh(progress)
        if model.encoder is not None:
            keep_features(model.encoder, often_read(self.suite, self.config.classifier), progress)
        return model

    def wanted(self, model: ClassifierModel) -> ClassifierConfig:
        """See :class:`SuiteSource`: the encoder is the checkpoint's."""
        same_encoder(self._encoder, model, self.config.start)
        return replace(self.config.classifier, context=model.learner.config.context)

    def use(self, model: ClassifierModel, device: torch.device) -> None:
        """See :class:`TrainingSource`."""
        table = model.table(keep=True)
        self._train = EncodedTasks.of(table, self.suite.train, "train", device)
        held_out = [task for task in self.suite.validation if "devel" in task.splits]
        self._validation = EncodedTasks.of(table, held_out, "devel", device)

    def joint(self) -> JointBatches:
        """See :class:`TrainingSource`."""
        config = self.config
        return JointBatches(self._train, config.joint.batch, derive(config.seed, "joint"))

    def episodes(self) -> TextEpisodes:
        """See :class:`TrainingSource`."""
        config = self.config
        return TextEpisodes(self._train, config.episodes, derive(config.seed, "outer"))

    def validation(self) -> Validator | None:
        """See :class:`TrainingSource`."""
        return super().validation() if self._validation.tasks else None

    def validator(self) -> AccuracyValidation:
        """See :class:`SuiteSource`."""
        config = self.config
        return AccuracyValidation(
            self._validation, config.validation, config.episodes.classes,
            derive(config.seed, "validation"),
        )  # fmt: skip

    def facts(self) -> dict[str, str]:
        """See :class:`TrainingSource`: tasks, a digest of every split, and what was cut."""
        facts = super().facts()
        if self._encoder is not None:
            facts["the encoder"] = self._encoder.sha256[:16]
        for task in (*self.suite.train, *self.suite.validation):
            if cut := task.cut(self.config.classifier.longest):
                facts[f"{task.name}, long"] = cut
        return facts


def often_read(suite: LoadedTexts, sizes: ClassifierConfig) -> list[Sequence[str]]:
    """What is read of the texts that are learned from, and of those for validation."""
    parts = [(task, "train") for task in suite.train]
    parts += [(task, "devel") for task in suite.validation if "devel" in task.splits]
    texts = (text for task, split in parts for text in task.splits[split].texts)
    return read_of(texts, sizes.longest)


def shared_classes(tasks: Sequence[ClassificationTask]) -> tuple[str, ...]:
    """The classes that all tasks have, where all have the same; else none."""
    return tasks[0].classes if len({task.classes for task in tasks}) == 1 else ()


def vocabulary(
    tasks: Sequence[ClassificationTask], config: EncodedVectorsConfig, seed: int,
    progress: Progress,
) -> tuple[WordVectors, tuple[str, ...]]:  # fmt: skip
    """Word vectors and alphabet, made of the train texts of some tasks alone."""
    text = [words(each) for task in tasks for each in task.splits["train"].texts]
    vectors = word_vectors(text, config, seed, progress)
    return vectors, letters(word for each in text for word in each)


def letters(found: Iterable[str]) -> tuple[str, ...]:
    """The characters of words, without those that are met less than :data:`ALPHABET` times."""
    counts: dict[str, int] = {}
    for word in found:
        for letter in word:
            counts[letter] = counts.get(letter, 0) + 1
    return tuple(sorted(letter for letter, count in counts.items() if count >= ALPHABET))
