"""Episodes, joint batches and meta-validation of translators, by seed, step and index."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache

import torch

from fewshot_metalstm.errors import UserError
from fewshot_metalstm.kinds.translation.encoding import CPU, EncodedPairs, encode_pairs
from fewshot_metalstm.kinds.translation.learner import Translator
from fewshot_metalstm.kinds.translation.scoring import score_pairs
from fewshot_metalstm.kinds.translation.settings import EpisodesConfig, ValidationConfig
from fewshot_metalstm.kinds.translation.subwords import Subwords
from fewshot_metalstm.kinds.translation.tasks import DEVEL, TRAIN, TranslationTask
from fewshot_metalstm.meta.algorithm import Algorithm
from fewshot_metalstm.meta.joint import TaskBatch
from fewshot_metalstm.meta.learner import Episode, Learner
from fewshot_metalstm.seeds import numpy_generator

PAIRS = "pairs"  # what joint training calls all topics: they share one head
_SORTED = 20  # batches whose pairs are sorted by length together


@dataclass(frozen=True)
class Draw:
    """The pairs of one episode before they are encoded, by place in the task's split."""

    task: TranslationTask
    support: tuple[int, ...]
    query: tuple[int, ...]


def draw(task: TranslationTask, split: str, shots: int, query: int, *keys: int | str) -> Draw:
    """An episode of a task; a :class:`UserError` if it has too few pairs.

    Args:
        keys: what the choice is a function of: a seed, and what else.
    """
    seed, *path = keys
    size = task.sizes[split]
    if size < shots + query:
        raise UserError(
            f"task {task.name} has {size} pairs in its split {split}, and an episode needs "
            f"{shots} and {query}; use fewer shots, or exclude it"
        )
    order = numpy_generator(int(seed), *path).permutation(size)[: shots + query].tolist()
    return Draw(task, tuple(order[:shots]), tuple(order[shots:]))


@dataclass(frozen=True, eq=False)
class Encoder:
    """The pairs of tasks by their subwords, each task when it is first asked for."""

    subwords: Subwords
    split: str
    device: torch.device = CPU

    @lru_cache(maxsize=64)  # noqa: B019  (one for a run, and gone with it)
    def of(self, task: TranslationTask) -> EncodedPairs:
        """A task's split."""
        return encode_pairs(task.splits[self.split], self.subwords)

    def episode(self, drawn: Draw, name: str) -> Episode:
        """An episode as tensors."""
        pairs = self.of(drawn.task)
        return Episode(
            pairs.batch(drawn.support, self.device), pairs.batch(drawn.query, self.device), name
        )


@dataclass(frozen=True)
class EncodedEpisodes:
    """Episodes of K pairs of a topic and others of it, of every topic alike."""

    tasks: tuple[TranslationTask, ...]
    config: EpisodesConfig
    encoder: Encoder
    seed: int = 0

    def draw(self, step: int, index: int) -> Draw:
        """The pairs of episode ``index`` of outer step ``step``."""
        rng = numpy_generator(self.seed, "episode", step, index)
        task = self.tasks[int(rng.integers(len(self.tasks)))]
        shots = int(rng.integers(self.config.shots_low, self.config.shots_high + 1))
        query = self.config.query
        return draw(task, TRAIN, shots, query, self.seed, "pairs", step, index)

    def episode(self, step: int, index: int) -> Episode:
        """See :class:`~fewshot_metalstm.meta.pool.EpisodeSource`."""
        drawn = self.draw(step, index)
        return self.encoder.episode(drawn, f"{drawn.task.name}/{step}/{index}")


@dataclass(frozen=True)
class JointBatches:
    """Batches for joint training: pairs of all topics, each once in a pass; one head for all.

    Pairs of about the same length stand in one batch, so that little of it is padding.
    """

    sources: tuple[TranslationTask, ...]
    size: int
    encoder: Encoder
    seed: int = 0

    @cached_property
    def _whole(self) -> EncodedPairs:
        parts = [self.encoder.of(task) for task in self.sources]
        return EncodedPairs(
            tuple(row for part in parts for row in part.sources),
            tuple(row for part in parts for row in part.targets), parts[0].start,
        )  # fmt: skip

    @property
    def a_pass(self) -> int:
        """How many batches have all pairs."""
        return -(-len(self._whole) // self.size)

    def tasks(self) -> dict[str, object]:
        """A small batch of all topics: it tells what head they need."""
        return {PAIRS: self._whole.batch([0], self.encoder.device)}

    def batch(self, step: int) -> TaskBatch:
        """The batch of joint step ``step``."""
        chosen = _plan(self._whole, self.size, self.seed, step // self.a_pass)[step % self.a_pass]
        return TaskBatch(PAIRS, self._whole.batch(chosen, self.encoder.device))


@lru_cache(maxsize=2)
def _plan(pairs: EncodedPairs, size: int, seed: int, number: int) -> list[list[int]]:
    """The batches of one pass over some pairs, by place."""
    rng = numpy_generator(seed, "joint", number)
    order = rng.permutation(len(pairs)).tolist()
    batches = []
    for first in range(0, len(order), _SORTED * size):
        part = sorted(order[first : first + _SORTED * size], key=pairs.length)
        batches += [part[i : i + size] for i in range(0, len(part), size)]
    return [batches[i] for i in rng.permutation(len(batches))]


@dataclass(frozen=True)
class ChrfValidation:
    """chrF of held-out topics after the inner loop, translated greedily: mean of the episodes."""

    tasks: tuple[TranslationTask, ...]
    config: ValidationConfig
    encoder: Encoder
    seed: int = 0

    def __len__(self) -> int:
        return self.config.episodes

    def draw(self, index: int) -> Draw:
        """The pairs of held-out episode ``index``; topics are visited in turn."""
        task = self.tasks[index % len(self.tasks)]
        config = self.config
        return draw(task, DEVEL, config.shots, config.query, self.seed, "validation", index)

    def score(self, learner: Learner, algorithm: Algorithm, index: int) -> tuple[float, ...]:
        """chrF of episode ``index``."""
        if not isinstance(learner, Translator):
            raise TypeError("chrF is measured on a translator")
        drawn = self.draw(index)
        support = self.encoder.episode(drawn, "").support
        # Without noise: a validation figure should change only when the learner does.
        fast = algorithm.adapt(learner, learner.initial(support), support, None).params
        pairs = drawn.task.splits[DEVEL].at(drawn.query)
        found = score_pairs(learner, fast, self.encoder.subwords, pairs, 1, self.encoder.device)
        return (found.value,)

    def combine(self, scores: Sequence[tuple[float, ...]]) -> float:
        """The mean of all episodes."""
        return sum(value for (value,) in scores) / len(scores)
