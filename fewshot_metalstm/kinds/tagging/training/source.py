"""What a run of training a tagger draws from: word vectors, episodes, batches, checkpoints."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import torch

from fewshot_metalstm.encoders.reference import EncoderReference
from fewshot_metalstm.encoders.training import (
    encoder_of,
    keep_features,
    same_encoder,
    with_encoder,
    word_vectors,
)
from fewshot_metalstm.kinds.tagging.corpora.sentence import Sentence
from fewshot_metalstm.kinds.tagging.episodes.load import LoadedSuite
from fewshot_metalstm.kinds.tagging.tagger.heads import SourceHead, source_heads, source_names
from fewshot_metalstm.kinds.tagging.tagger.learned_sentences import digests_of
from fewshot_metalstm.kinds.tagging.tagger.memory import blank, remember
from fewshot_metalstm.kinds.tagging.tagger.model import (
    TaggerModel,
    load_model,
    new_tagger,
    save_model,
)
from fewshot_metalstm.kinds.tagging.tagger.scoring import FIGURE
from fewshot_metalstm.kinds.tagging.tagger.sentinels import UNION, sentinel, union_of
from fewshot_metalstm.kinds.tagging.training.episodes import (
    EncodedEpisodes,
    F1Validation,
    JointBatches,
    SentinelBatches,
)
from fewshot_metalstm.kinds.tagging.training.provenance import about_of
from fewshot_metalstm.kinds.tagging.training.recipe import MetaTrainConfig, check, settled
from fewshot_metalstm.kinds.tagging.training.sources import (
    joint_distribution,
    often_read,
    training_episodes,
    validation,
    word_table,
)
from fewshot_metalstm.kinds.tagging.training.start import read_start
from fewshot_metalstm.meta.learner import Params
from fewshot_metalstm.meta.outcome import Progress
from fewshot_metalstm.meta.source import Preparation, TrainingSource
from fewshot_metalstm.nn.pretrain import PHASE, seconds_of_epoch
from fewshot_metalstm.nn.sharing import SENTINEL
from fewshot_metalstm.nn.vectors import blank_vectors


class TaggingSource(TrainingSource):
    """A suite of tagging tasks, for one run of training."""

    figure = FIGURE

    def __init__(self, config: MetaTrainConfig, suite: LoadedSuite) -> None:
        check(config)
        self.config = settled(config)
        self.suite = suite
        self._encoder = encoder_of(config.vectors)
        self._types = {task.name: task.types for task in suite.train}
        self._sentinels = config.tagger.sharing == SENTINEL
        if self._sentinels:  # one head, of the rows of which the last are the sentinels'
            union = union_of(self._types)
            self._types = {UNION: union[: -len(suite.train)]}
        self._start_heads: tuple[SourceHead, ...] = ()

    def preparation(self) -> Preparation | None:
        """See :class:`TrainingSource`: word vectors, unless they are given."""
        config = self.config
        if config.start or config.vectors.file:
            return None
        text = self._text()
        letters = tuple(sorted({letter for s in text for word in s.tokens for letter in word}))
        learned = self.suite.text or [s.tokens for s in text]
        empty = blank_vectors(config.vectors.numbers)
        learner = new_tagger(config.tagger, empty, letters, config.seed)
        model = TaggerModel(learner, empty, letters)
        seconds = seconds_of_epoch(learned, config.vectors)
        return Preparation(PHASE, config.vectors.epochs, seconds, model)

    def fresh(self, progress: Progress) -> TaggerModel:
        """See :class:`TrainingSource`: word vectors are trained, or recalled, first."""
        config, suite = self.config, self.suite
        if config.start:
            start = read_start(config, suite)
            self._start_heads = start.heads
            same_encoder(self._encoder, start, config.start)
            self._read_features(start.encoder, progress)
            learned = digests_of(self._text(), start.sentences) if start.sentences else b""
            return replace(start, about=self.about(), heads=(), sentences=learned)
        text = self._text()
        # Vectors may read all text of the meta-train corpora; what has a row or a letter of its
        # own is decided by the train splits.
        vocabulary = {word for sentence in text for word in sentence.tokens}
        ends = [sentinel(task.name) for task in suite.train] if self._sentinels else []
        vocabulary |= set(ends)
        vectors = word_vectors(
            [*(suite.text or [s.tokens for s in text]), *([ends] if ends else [])], config.vectors,
            config.seed, progress, vocabulary,
        )  # fmt: skip
        letters = tuple(sorted({letter for word in vocabulary for letter in word}))
        self._read_features(self._encoder, progress)
        learner = new_tagger(
            with_encoder(config.tagger, self._encoder), vectors, letters, config.seed
        )
        return TaggerModel(
            learner, vectors, letters, about=self.about(), sentences=digests_of(text),
            encoder=self._encoder,
        )  # fmt: skip

    def _read_features(self, encoder: EncoderReference | None, progress: Progress) -> None:
        """Have the features of all that is learned from on disk."""
        if encoder is not None:
            keep_features(encoder, [s.tokens for s in often_read(self.suite)], progress)

    def _text(self) -> list[Sentence]:
        """What is learned from."""
        return [s for task in self.suite.train for s in task.corpus.splits["train"]]

    def load(self, folder: Path) -> TaggerModel:
        """See :class:`TrainingSource`."""
        return load_model(folder)

    def save(
        self, model: TaggerModel, folder: Path, *, about: Mapping[str, Any],
        heads: Mapping[str, Params],
    ) -> None:  # fmt: skip
        """See :class:`TrainingSource`; heads are taken apart by entity type."""
        whole = {**self.about(), **about}
        save_model(replace(model, about=whole, heads=source_heads(heads, self._types)), folder)

    def about(self) -> dict[str, Any]:
        """See :class:`TrainingSource`."""
        return about_of(self.config, self.suite)

    def use(self, model: TaggerModel, device: torch.device) -> None:
        """See :class:`TrainingSource`: a word table with every word of the suite."""
        self._table = word_table(model, self.suite)
        self._device = device
        self._episodes: EncodedEpisodes | None = None

    def joint(self) -> JointBatches | SentinelBatches:
        """See :class:`TrainingSource`."""
        distribution = joint_distribution(self.config, self.suite)
        if self._sentinels:
            return SentinelBatches(distribution, self._table, self._device)
        return JointBatches(distribution, self._table, self._device)

    def before_outer(self, model: TaggerModel, heads: Mapping[str, Params], *, saved: bool) -> None:
        """See :class:`TrainingSource`: give the learner its memory, if the settings want one."""
        if not self.config.memory:
            return
        if saved:
            blank(model.learner, len(source_names(self._types)) + 1)
            return
        sources = source_heads(heads, self._types) or self._start_heads
        if not sources and self.config.start:  # resumed before the first outer step
            sources = read_start(self.config, self.suite).heads
        remember(model.learner, [head.params for head in sources])

    def episodes(self) -> EncodedEpisodes:
        """See :class:`TrainingSource`."""
        if self._episodes is None:
            self._episodes = training_episodes(self.config, self.suite, self._table, self._device)
        return self._episodes

    def notes(self) -> Sequence[str]:
        """See :class:`TrainingSource`: what the distribution of episodes has to say."""
        return self.episodes().distribution.notes

    def validation(self) -> F1Validation | None:
        """See :class:`TrainingSource`."""
        return validation(self.config, self.suite, self._table, self._device)

    def facts(self) -> dict[str, str]:
        """See :class:`TrainingSource`: tasks, and a digest of every split."""
        facts: dict[str, str] = {}
        if self._encoder is not None:
            facts["the encoder"] = self._encoder.sha256[:16]
        for part, tasks in (("train", self.suite.train), ("validation", self.suite.validation)):
            facts[f"the {part} tasks"] = ", ".join(task.name for task in tasks)
            for task in tasks:
                for split, sentences in task.corpus.splits.items():
                    digest = task.corpus.digests.get(split, "no digest")
                    facts[f"{task.name}/{split}"] = f"{digest[:16]} ({len(sentences)} sentences)"
        return facts
