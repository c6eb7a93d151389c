"""Episodes, joint batches and meta-validation of texts: functions of seed, step and index."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
import torch
from numpy.typing import NDArray

from fewshot_metalstm.errors import UserError
from fewshot_metalstm.kinds.classification.encoding import CPU, Batch, Encoded, TextTable
from fewshot_metalstm.kinds.classification.learner import Classifier
from fewshot_metalstm.kinds.classification.settings import EpisodesConfig, ValidationConfig
from fewshot_metalstm.kinds.classification.tasks import ClassificationTask
from fewshot_metalstm.meta.algorithm import Algorithm
from fewshot_metalstm.meta.joint import TaskBatch
from fewshot_metalstm.meta.learner import Episode, Learner
from fewshot_metalstm.seeds import numpy_generator

Places = NDArray[np.int64]


@dataclass(frozen=True)
class EncodedTasks:
    """The tasks of a suite with the texts of one split encoded."""

    table: TextTable
    tasks: tuple[ClassificationTask, ...]
    split: str
    encoded: Mapping[str, Encoded]
    device: torch.device = CPU

    @classmethod
    def of(
        cls, table: TextTable, tasks: Sequence[ClassificationTask], split: str,
        device: torch.device = CPU,
    ) -> EncodedTasks:  # fmt: skip
        """Encode a split of every task."""
        encoded = {
            task.name: table.encode(
                task.splits[split].texts, task.splits[split].labels, len(task.classes)
            )
            for task in tasks
        }
        return cls(table, tuple(tasks), split, encoded, device)

    def batch(self, task: ClassificationTask, places: Places) -> Batch:
        """Some texts of a task."""
        return self.table.batch(self.encoded[task.name].take(places)).to(self.device)

    def episode(
        self, task: ClassificationTask, classes: int, shots: int, query: int,
        rng: np.random.Generator, label: str, *, fewer: bool = False,
    ) -> Episode:  # fmt: skip
        """An episode of some classes of a task, support and query disjoint.

        Args:
            fewer: take as many query texts as there are, where there are fewer.

        Raises:
            UserError: a class has too few texts.
        """
        chosen = np.sort(
            rng.choice(len(task.classes), min(classes, len(task.classes)), replace=False)
        )
        support, others = [], []
        for number in chosen.tolist():
            places = task.splits[self.split].of_class(number)
            least = shots + (1 if fewer else query)
            if len(places) < least:
                raise UserError(
                    f"task {task.name} has {len(places)} texts of {task.classes[number]} in its "
                    f"split {self.split}, too few for {shots} shots and a query; use fewer"
                )
            texts = rng.choice(places, min(shots + query, len(places)), replace=False)
            support.append(texts[:shots])
            others.append(texts[shots:])
        support_batch, query_batch = (
            _renumbered(self.batch(task, np.sort(np.concatenate(part))), chosen)
            for part in (support, others)
        )
        return Episode(support_batch, query_batch, f"{task.name}/{label}")


@dataclass(frozen=True)
class TextEpisodes:
    """Episodes with K texts of each class, of every task alike."""

    source: EncodedTasks
    config: EpisodesConfig
    seed: int = 0

    def episode(self, step: int, index: int) -> Episode:
        """See :class:`~fewshot_metalstm.meta.pool.EpisodeSource`."""
        config, tasks = self.config, self.source.tasks
        rng = numpy_generator(self.seed, "episode", self.source.split, step, index)
        task = tasks[int(rng.integers(len(tasks)))]
        shots = int(rng.integers(config.shots_low, config.shots_high + 1))
        return self.source.episode(
            task, config.classes, shots, config.query, rng, f"{step}/{index}"
        )


@dataclass(frozen=True)
class JointBatches:
    """Batches for joint training, each of texts of like length of one task.

    ``size`` is the number of texts in a batch, at most one of all there are.
    """

    source: EncodedTasks
    size: int
    seed: int = 0

    def tasks(self) -> dict[str, object]:
        """A small batch of every task, by name: it tells what head the task needs."""
        return {
            task.name: self.source.batch(task, np.zeros(1, np.int64)) for task in self.source.tasks
        }

    def batch(self, step: int) -> TaskBatch:
        """The batch of joint step ``step``: of a few that are drawn, the texts next in length."""
        rng = numpy_generator(self.seed, "joint", self.source.split, step)
        task = self.source.tasks[int(rng.integers(len(self.source.tasks)))]
        encoded = self.source.encoded[task.name]
        size = min(self.size, len(encoded))
        drawn = rng.choice(len(encoded), min(POOL * size, len(encoded)), replace=False)
        lengths = np.array([len(encoded.words[i]) for i in drawn])
        order = drawn[np.argsort(lengths, kind="stable")]
        first = size * int(rng.integers(max(1, len(order) // size)))
        return TaskBatch(task.name, self.source.batch(task, np.sort(order[first : first + size])))


POOL = 8  # batches' worth of texts that a batch of like length is taken from


@dataclass(frozen=True)
class AccuracyValidation:
    """Mean accuracy over fixed episodes of held-out texts, after the inner loop."""

    source: EncodedTasks
    config: ValidationConfig
    classes: int
    seed: int = 0

    def __len__(self) -> int:
        return self.config.episodes

    def episode(self, index: int) -> Episode:
        """Held-out episode ``index``; the tasks are visited in turn."""
        tasks, config = self.source.tasks, self.config
        task = tasks[index % len(tasks)]
        rng = numpy_generator(
            self.seed, "task-episode", self.source.split, task.name, index // len(tasks)
        )
        return self.source.episode(
            task, self.classes, config.shots, config.query, rng, str(index), fewer=True
        )

    def score(self, learner: Learner, algorithm: Algorithm, index: int) -> tuple[float, ...]:
        """(right, all) query texts of episode ``index``."""
        if not isinstance(learner, Classifier):
            raise TypeError("accuracy is measured on a classifier")
        episode = self.episode(index)
        start = learner.initial(episode.support)
        # Without noise: a validation figure should change only when the learner does.
        fast = algorithm.adapt(learner, start, episode.support, None).params
        return learner.counts(fast, episode.query)

    def combine(self, scores: Sequence[tuple[float, ...]]) -> float:
        """The mean accuracy, 0-100."""
        return sum(100 * right / total for right, total in scores) / len(scores)


def _renumbered(batch: Batch, classes: NDArray[np.int64]) -> Batch:
    """``batch`` with the labels and the number of the chosen ``classes`` alone."""
    labels = torch.searchsorted(torch.from_numpy(classes).to(batch.labels), batch.labels)
    return replace(batch, labels=labels, classes=len(classes))
