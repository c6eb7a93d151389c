"""Tagging episodes as the meta-learning core wants them: sentences become batches."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace

import torch

from fewshot_metalstm.kinds.tagging.corpora.sentence import Sentence
from fewshot_metalstm.kinds.tagging.episodes.distribution import Episode as TaggingEpisode
from fewshot_metalstm.kinds.tagging.episodes.distribution import TaskDistribution
from fewshot_metalstm.kinds.tagging.tagger.encoding import Batch, WordTable
from fewshot_metalstm.kinds.tagging.tagger.learner import Tagger
from fewshot_metalstm.kinds.tagging.tagger.scoring import f1
from fewshot_metalstm.kinds.tagging.tagger.sentinels import UNION, marked_sentence, union_of
from fewshot_metalstm.meta.algorithm import Algorithm
from fewshot_metalstm.meta.joint import TaskBatch
from fewshot_metalstm.meta.learner import Episode, Learner

CPU = torch.device("cpu")
Barred = Mapping[str, tuple[int, ...]]  # by family, places of a memory that are of that family


@dataclass(frozen=True)
class EncodedEpisodes:
    """Episodes of a task distribution, encoded with a word table."""

    distribution: TaskDistribution
    table: WordTable
    device: torch.device = CPU
    barred: Barred = field(default_factory=dict)

    def episode(self, step: int, index: int) -> Episode:
        """See :class:`~fewshot_metalstm.meta.pool.EpisodeSource`."""
        episode = self.distribution.episode(step, index)
        return encode(episode, self.table, self.device, self.barred)


@dataclass(frozen=True)
class JointBatches:
    """Batches for joint training, each of one task: the query of an episode."""

    distribution: TaskDistribution
    table: WordTable
    device: torch.device = CPU

    def tasks(self) -> dict[str, object]:
        """A small batch of every task, by name: it tells what head the task needs."""
        batches: dict[str, object] = {}
        for task in self.distribution.tasks:
            sentence = task.corpus.splits[self.distribution.split][0]
            encoded = self.table.encode([task.view(sentence)], task.types)
            batches[task.name] = self.table.batch(encoded).to(self.device)
        return batches

    def batch(self, step: int) -> TaskBatch:
        """The batch of joint step ``step``."""
        episode = self.distribution.episode(step, 0)
        encoded = self.table.encode(episode.query, episode.task.types)
        batch = self.table.batch(encoded).to(self.device)
        return TaskBatch(episode.task.name, batch)


@dataclass(frozen=True)
class SentinelBatches:
    """Batches for joint training with sentinels: each of one task, all with one head."""

    distribution: TaskDistribution
    table: WordTable
    device: torch.device = CPU

    @property
    def union(self) -> tuple[str, ...]:
        """All labels of all tasks, and their sentinels."""
        return union_of({task.name: task.types for task in self.distribution.tasks})

    def tasks(self) -> dict[str, object]:
        """A small batch for the one head that there is."""
        task = self.distribution.tasks[0]
        sentence = task.view(task.corpus.splits[self.distribution.split][0])
        return {UNION: self._batch(task.name, [sentence])}

    def batch(self, step: int) -> TaskBatch:
        """The batch of joint step ``step``."""
        episode = self.distribution.episode(step, 0)
        return TaskBatch(UNION, self._batch(episode.task.name, episode.query))

    def _batch(self, corpus: str, sentences: Sequence[Sentence]) -> Batch:
        read = [marked_sentence(sentence, corpus) for sentence in sentences]
        return self.table.batch(self.table.encode(read, self.union)).to(self.device)


@dataclass(frozen=True)
class F1Validation:
    """Mean F1 over held-out episodes after the inner loop."""

    episodes: tuple[TaggingEpisode, ...]
    table: WordTable
    device: torch.device = CPU
    barred: Barred = field(default_factory=dict)

    def __len__(self) -> int:
        return len(self.episodes)

    def score(self, learner: Learner, algorithm: Algorithm, index: int) -> tuple[float, ...]:
        """(right, predicted, gold) mentions of the episode's query."""
        if not isinstance(learner, Tagger):
            raise TypeError("F1 is measured on a tagger")
        episode = encode(self.episodes[index], self.table, self.device, self.barred)
        start = learner.initial(episode.support)
        # Without noise: a validation figure should change only when the learner does.
        fast = algorithm.adapt(learner, start, episode.support, None).params
        return learner.counts(fast, episode.query)

    def combine(self, scores: Sequence[tuple[float, ...]]) -> float:
        """The mean F1, 0-100."""
        return sum(f1(*score) for score in scores) / len(scores)


def encode(
    episode: TaggingEpisode, table: WordTable, device: torch.device = CPU,
    barred: Barred | None = None,
) -> Episode:  # fmt: skip
    """Encode a tagging episode for the core."""
    types = episode.task.types
    support = table.batch(table.encode(episode.support, types)).to(device)
    if barred:
        support = replace(support, barred=barred.get(episode.task.family, ()))
    query = table.batch(table.encode(episode.query, types)).to(device)
    return Episode(support, query, episode.name)


def validation_episodes(distribution: TaskDistribution, number: int) -> tuple[TaggingEpisode, ...]:
    """``number`` fixed episodes that visit the tasks in turn."""
    tasks = len(distribution.tasks)
    return tuple(distribution.task_episode(i % tasks, i // tasks) for i in range(number))
