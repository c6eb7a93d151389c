"""Episodes, joint batches and meta-validation of digits: pure functions of seed, step and index."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import torch
from numpy.typing import NDArray

from fewshot_metalstm.errors import UserError
from fewshot_metalstm.kinds.digits.encoding import CPU, Batch, Scaling, encode
from fewshot_metalstm.kinds.digits.learner import DigitReader
from fewshot_metalstm.kinds.digits.settings import EpisodesConfig, ValidationConfig
from fewshot_metalstm.kinds.digits.tasks import DigitsTask
from fewshot_metalstm.kinds.digits.warp import (
    NO_WARP,
    Floats,
    WarpConfig,
    draw_warps,
    warped,
)
from fewshot_metalstm.meta.algorithm import Algorithm
from fewshot_metalstm.meta.joint import TaskBatch
from fewshot_metalstm.meta.learner import Episode, Learner
from fewshot_metalstm.seeds import numpy_generator


@dataclass(frozen=True)
class Draw:
    """The images of one episode before they are encoded, disjoint, as positions in a split."""

    task: DigitsTask
    classes: tuple[int, ...]  # places in the task's classes, ascending
    support: NDArray[np.int64]
    query: NDArray[np.int64]
    warps: Floats | None = None  # of each of the task's classes; None leaves images as they are


def draw_episode(
    task: DigitsTask, split: str, ways: int, shots: int, query: int, rng: np.random.Generator
) -> Draw:
    """Choose ``ways`` classes, ``shots`` support images and ``query`` query images of each.

    :class:`UserError` where a class has too few.
    """
    chosen = np.sort(rng.choice(len(task.classes), ways, replace=False))
    support, others = [], []
    for number in chosen.tolist():
        positions = task.splits[split].of_class(number)
        if len(positions) < shots + query:
            raise UserError(
                f"task {task.name} has {len(positions)} images of {task.classes[number]} in its "
                f"split {split}, too few for {shots} shots and {query} query images; use fewer"
            )
        images = rng.choice(positions, shots + query, replace=False)
        support.append(images[:shots])
        others.append(images[shots:])
    return Draw(
        task, tuple(chosen.tolist()), np.sort(np.concatenate(support)),
        np.sort(np.concatenate(others)),
    )  # fmt: skip


def in_new_classes(drawn: Draw, config: WarpConfig, rng: np.random.Generator) -> Draw:
    """An episode with a warp for each of its task's classes; as it is where none is wanted."""
    if config == NO_WARP:
        return drawn
    return replace(drawn, warps=draw_warps(config, len(drawn.task.classes), rng))


@dataclass(frozen=True)
class EncodedEpisodes:
    """Episodes of N classes with K images of each, of every task alike."""

    tasks: tuple[DigitsTask, ...]
    config: EpisodesConfig
    scaling: Scaling
    seed: int = 0
    split: str = "train"
    device: torch.device = CPU
    warp: WarpConfig = NO_WARP

    def draw(self, step: int, index: int) -> Draw:
        """The images of episode ``index`` of outer step ``step``."""
        config = self.config
        rng = numpy_generator(self.seed, "episode", self.split, step, index)
        task = self.tasks[int(rng.integers(len(self.tasks)))]
        most = min(config.ways_high, len(task.classes))
        ways = int(rng.integers(min(config.ways_low, most), most + 1))
        shots = int(rng.integers(config.shots_low, config.shots_high + 1))
        drawn = draw_episode(task, self.split, ways, shots, config.query, rng)
        return in_new_classes(drawn, self.warp, rng)

    def episode(self, step: int, index: int) -> Episode:
        """See :class:`~fewshot_metalstm.meta.pool.EpisodeSource`."""
        drawn = self.draw(step, index)
        return encode_episode(drawn, self.split, self.scaling, f"{step}/{index}", self.device)


@dataclass(frozen=True)
class JointBatches:
    """Batches for joint training, each of all classes of one task.

    ``size`` is the number of images in a batch, at most one of the whole split. Classes have to be
    the same throughout, so that ``warp`` is of each image.
    """

    sources: tuple[DigitsTask, ...]
    size: int
    scaling: Scaling
    seed: int = 0
    split: str = "train"
    device: torch.device = CPU
    warp: WarpConfig = NO_WARP

    def tasks(self) -> dict[str, object]:
        """A small batch of every task, by name: it tells what head the task needs."""
        return {
            task.name: encode(task, self.split, [0], self.scaling, self.device)
            for task in self.sources
        }

    def batch(self, step: int) -> TaskBatch:
        """The batch of joint step ``step``."""
        rng = numpy_generator(self.seed, "joint", self.split, step)
        task = self.sources[int(rng.integers(len(self.sources)))]
        number = len(task.splits[self.split])
        chosen = np.sort(rng.choice(number, min(self.size, number), replace=False))
        batch = encode(task, self.split, chosen, self.scaling, self.device)
        if self.warp != NO_WARP:
            images = task.images(self.split, chosen)
            rows = self.scaling.rows(warped(images, draw_warps(self.warp, len(chosen), rng)))
            batch = replace(batch, rows=rows.to(self.device))
        return TaskBatch(task.name, batch)


@dataclass(frozen=True)
class AccuracyValidation:
    """Mean accuracy over fixed episodes of held-out images, after the inner loop."""

    tasks: tuple[DigitsTask, ...]
    config: ValidationConfig
    scaling: Scaling
    seed: int = 0
    split: str = "devel"
    device: torch.device = CPU

    def __len__(self) -> int:
        return self.config.episodes

    def draw(self, index: int) -> Draw:
        """The images of held-out episode ``index``; the tasks are visited in turn."""
        config, task = self.config, self.tasks[index % len(self.tasks)]
        rng = numpy_generator(
            self.seed, "task-episode", self.split, task.name, index // len(self.tasks)
        )
        ways = min(config.ways, len(task.classes))
        drawn = draw_episode(task, self.split, ways, config.shots, config.query, rng)
        return in_new_classes(drawn, config.warp, rng)

    def score(self, learner: Learner, algorithm: Algorithm, index: int) -> tuple[float, ...]:
        """(right, all) query images of episode ``index``."""
        if not isinstance(learner, DigitReader):
            raise TypeError("accuracy is measured on a reader of digits")
        episode = encode_episode(
            self.draw(index), self.split, self.scaling, str(index), self.device
        )
        start = learner.initial(episode.support)
        # Without noise: a validation figure should change only when the learner does.
        fast = algorithm.adapt(learner, start, episode.support, None).params
        return learner.counts(fast, episode.query)

    def combine(self, scores: Sequence[tuple[float, ...]]) -> float:
        """The mean accuracy, 0-100."""
        return sum(100 * right / total for right, total in scores) / len(scores)


def encode_episode(
    drawn: Draw, split: str, scaling: Scaling, label: str, device: torch.device = CPU
) -> Episode:
    """An episode for the core; its classes are numbered in the order in which they were chosen."""
    support, query = (
        _renumbered(
            encode(drawn.task, split, positions, scaling, warps=drawn.warps), drawn.classes
        ).to(device)
        for positions in (drawn.support, drawn.query)
    )
    return Episode(support, query, f"{drawn.task.name}/{label}")


def _renumbered(batch: Batch, classes: tuple[int, ...]) -> Batch:
    """``batch`` with the labels and the number of the chosen ``classes`` alone."""
    labels = torch.searchsorted(torch.tensor(classes), batch.labels)
    return replace(batch, labels=labels, classes=len(classes))
