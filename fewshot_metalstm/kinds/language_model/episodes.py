"""Episodes, joint batches and meta-validation of language models, by seed, step and index."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import torch
from numpy.typing import NDArray

from fewshot_metalstm.errors import UserError
from fewshot_metalstm.kinds.language_model.encoding import CPU, encode, rows_of
from fewshot_metalstm.kinds.language_model.learner import LanguageModel
from fewshot_metalstm.kinds.language_model.score import Cost
from fewshot_metalstm.kinds.language_model.scoring import cost_of
from fewshot_metalstm.kinds.language_model.settings import (
    EpisodesConfig,
    ModelConfig,
    ValidationConfig,
)
from fewshot_metalstm.kinds.language_model.tasks import (
    DEVEL,
    QUERY,
    SHOT,
    TRAIN,
    Span,
    TextTask,
)
from fewshot_metalstm.meta.algorithm import Algorithm
from fewshot_metalstm.meta.joint import TaskBatch
from fewshot_metalstm.meta.learner import Episode, Learner
from fewshot_metalstm.seeds import numpy_generator

TEXTS = "texts"  # what joint training calls all documents: they share one head


@dataclass(frozen=True)
class Draw:
    """The segments of one episode before they are encoded; the query is behind the support."""

    task: TextTask
    support: Span
    query: Span


def long_enough(task: TextTask, split: str, segments: int) -> list[Span]:
    """The documents of a split that have so many segments; a :class:`UserError` if none has."""
    found = [span for span in task.spans(split) if span[1] - span[0] >= segments]
    if not found:
        raise UserError(
            f"task {task.name} has no document in its split {split} with {segments * 100:,} "
            "characters; use fewer shots"
        )
    return found


@dataclass(frozen=True)
class EncodedEpisodes:
    """Episodes of K thousand characters and what follows them, of every task alike."""

    tasks: tuple[TextTask, ...]
    config: EpisodesConfig
    model: ModelConfig
    seed: int = 0
    split: str = TRAIN
    device: torch.device = CPU

    def draw(self, step: int, index: int) -> Draw:
        """The segments of episode ``index`` of outer step ``step``."""
        config = self.config
        rng = numpy_generator(self.seed, "episode", self.split, step, index)
        task = self.tasks[int(rng.integers(len(self.tasks)))]
        shots = int(rng.integers(config.shots_low, config.shots_high + 1)) * SHOT
        found = long_enough(task, self.split, shots + config.query)
        first, last = found[int(rng.integers(len(found)))]
        if rng.random() >= config.beginning:
            first = int(rng.integers(first, last - shots - config.query + 1))
        middle = first + shots
        return Draw(task, (first, middle), (middle, middle + config.query))

    def episode(self, step: int, index: int) -> Episode:
        """See :class:`~fewshot_metalstm.meta.pool.EpisodeSource`."""
        drawn = self.draw(step, index)
        support, query = (
            encode(drawn.task, rows_of([span], self.model.row), self.model.context, self.device)
            for span in (drawn.support, drawn.query)
        )
        return Episode(support, query, f"{drawn.task.name}/{step}/{index}")


@dataclass(frozen=True)
class JointBatches:
    """Batches for joint training: rows of all documents, every task as often; one head for all."""

    sources: tuple[TextTask, ...]
    size: int
    model: ModelConfig
    seed: int = 0
    split: str = TRAIN
    device: torch.device = CPU

    @cached_property
    def _rows(self) -> list[NDArray[np.int64]]:
        found = [np.array(rows_of(task.spans(self.split), self.model.row)) for task in self.sources]
        for task, rows in zip(self.sources, found, strict=True):
            if not len(rows):
                raise UserError(f"task {task.name} has no document to learn from; exclude it")
        return found

    def tasks(self) -> dict[str, object]:
        """A small batch of all texts: it tells what head they need."""
        first = [tuple(self._rows[0][0].tolist())]
        return {TEXTS: encode(self.sources[0], first, self.model.context, self.device)}

    def batch(self, step: int) -> TaskBatch:
        """The batch of joint step ``step``: all of it of one task, taken in turn by chance."""
        rng = numpy_generator(self.seed, "joint", self.split, step)
        number = int(rng.integers(len(self.sources)))
        rows = self._rows[number]
        chosen = rows[rng.integers(len(rows), size=self.size)]
        spans = [(int(start), int(stop)) for start, stop in chosen]
        return TaskBatch(
            TEXTS, encode(self.sources[number], spans, self.model.context, self.device)
        )


@dataclass(frozen=True)
class BpcValidation:
    """Bits per character of held-out documents behind their beginnings, after the inner loop."""

    tasks: tuple[TextTask, ...]
    config: ValidationConfig
    model: ModelConfig
    seed: int = 0
    split: str = DEVEL
    device: torch.device = CPU

    def __len__(self) -> int:
        return self.config.episodes

    def draw(self, index: int) -> Draw:
        """The segments of held-out episode ``index``; tasks and documents are visited in turn."""
        shots = self.config.shots * SHOT
        task = self.tasks[index % len(self.tasks)]
        found = long_enough(task, self.split, shots + QUERY)
        order = numpy_generator(self.seed, "documents", task.name).permutation(len(found))
        first, _ = found[int(order[index // len(self.tasks) % len(found)])]
        return Draw(task, (first, first + shots), (first + shots, first + shots + QUERY))

    def score(self, learner: Learner, algorithm: Algorithm, index: int) -> tuple[float, ...]:
        """Nats, bytes and characters of episode ``index``."""
        if not isinstance(learner, LanguageModel):
            raise TypeError("bits per character are measured on a language model")
        drawn = self.draw(index)
        rows = rows_of([drawn.support], self.model.row)
        support = encode(drawn.task, rows, self.model.context, self.device)
        # Without noise: a validation figure should change only when the learner does.
        fast = algorithm.adapt(learner, learner.initial(support), support, None).params
        cost = cost_of(learner, fast, drawn.task, [drawn.query], self.device)
        return cost.nats, cost.bytes, cost.characters

    def combine(self, scores: Sequence[tuple[float, ...]]) -> float:
        """Bits per character of all episodes."""
        nats, size, characters = (sum(part) for part in zip(*scores, strict=True))
        return Cost(nats, int(size), int(characters)).bits_per_character
