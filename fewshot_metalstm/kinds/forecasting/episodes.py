"""Episodes, joint batches and meta-validation of forecasting: functions of seed, step and index."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields
from functools import cached_property

import numpy as np
import torch

from fewshot_metalstm.errors import UserError
from fewshot_metalstm.kinds.forecasting.learner import Forecaster
from fewshot_metalstm.kinds.forecasting.series import DAY
from fewshot_metalstm.kinds.forecasting.settings import EpisodesConfig, ValidationConfig
from fewshot_metalstm.kinds.forecasting.tasks import DEVEL, QUERY, TRAIN, ForecastTask, Span
from fewshot_metalstm.kinds.forecasting.windows import CPU, Batch, Places, encode, places
from fewshot_metalstm.meta.algorithm import Algorithm
from fewshot_metalstm.meta.joint import TaskBatch
from fewshot_metalstm.meta.learner import Episode, Learner
from fewshot_metalstm.seeds import numpy_generator

_TRIES = 100  # places that are tried for an episode
REGIONS = "regions"  # what joint training calls all of them: they share one head


@dataclass(frozen=True)
class Draw:
    """The windows of one episode before they are encoded; the query is behind the support."""

    task: ForecastTask
    support: Places
    query: Places
    unit: float  # what MASE divides by


def draw_episode(
    task: ForecastTask, split: str, shots: int, days: int, every: int, rng: np.random.Generator
) -> Draw:
    """Choose a support of ``shots`` days and the ``days`` behind it as query.

    Args:
        every: hours between windows of the query.

    Raises:
        UserError: the split has, as far as was tried, nowhere so many days with windows.
    """
    length, behind = shots * DAY, days * DAY
    starts = [(a, b) for a, b in task.spans[split] if b - a >= length + behind]
    for _ in range(_TRIES if starts else 0):
        low, high = starts[int(rng.integers(len(starts)))]
        start = int(rng.integers(low, high - length - behind + 1))
        start = max(low, start - int(task.hours[start] % DAY))  # at midnight
        span: Span = (start, start + length)
        unit = task.unit(span)
        support = places(task, [span])
        query = places(task, [(span[1], span[1] + behind)], every, live=False, before=True)
        if unit > 0 and len(support) and len(query):
            return Draw(task, support, query, unit)
    raise UserError(
        f"task {task.name} has nowhere in its split {split} {shots} days and {days} behind them "
        "with windows in both; use fewer days"
    )


def some(at: Places, most: int, rng: np.random.Generator) -> Places:
    """At most so many of some places, ascending."""
    return at if len(at) <= most else np.sort(rng.choice(at, most, replace=False))


@dataclass(frozen=True)
class EncodedEpisodes:
    """Episodes of K days and the days behind them, of every task alike."""

    tasks: tuple[ForecastTask, ...]
    config: EpisodesConfig
    step: int  # hours that are read at a time
    seed: int = 0
    split: str = TRAIN
    device: torch.device = CPU

    def draw(self, step: int, index: int) -> Draw:
        """The windows of episode ``index`` of outer step ``step``."""
        config = self.config
        rng = numpy_generator(self.seed, "episode", self.split, step, index)
        task = self.tasks[int(rng.integers(len(self.tasks)))]
        shots = int(rng.integers(config.shots_low, config.shots_high + 1))
        drawn = draw_episode(task, self.split, shots, config.days, 1, rng)
        return Draw(
            task, some(drawn.support, config.support, rng), some(drawn.query, config.query, rng),
            drawn.unit,
        )  # fmt: skip

    def episode(self, step: int, index: int) -> Episode:
        """See :class:`~fewshot_metalstm.meta.pool.EpisodeSource`."""
        return encode_episode(self.draw(step, index), self.step, f"{step}/{index}", self.device)


@dataclass(frozen=True)
class JointBatches:
    """Batches for joint training, each of windows of all regions: they share one head."""

    sources: tuple[ForecastTask, ...]
    size: int
    step: int  # hours that are read at a time
    seed: int = 0
    split: str = TRAIN
    device: torch.device = CPU

    @cached_property
    def _places(self) -> list[Places]:
        found = [places(task, task.spans[self.split]) for task in self.sources]
        for task, at in zip(self.sources, found, strict=True):
            if not len(at):
                raise UserError(f"task {task.name} has no window to learn from; exclude it")
        return found

    def tasks(self) -> dict[str, object]:
        """A small batch of all regions: it tells what head they need."""
        first = self._places[0][:1]
        return {REGIONS: encode(self.sources[0], first, self.step, self.device)}

    def batch(self, step: int) -> TaskBatch:
        """The batch of joint step ``step``."""
        rng = numpy_generator(self.seed, "joint", self.split, step)
        chosen = rng.integers(len(self.sources), size=self.size)
        parts = [
            encode(task, rng.choice(at, int((chosen == i).sum())), self.step)
            for i, (task, at) in enumerate(zip(self.sources, self._places, strict=True))
            if (chosen == i).any()
        ]
        return TaskBatch(REGIONS, joined(parts).to(self.device))


@dataclass(frozen=True)
class MaseValidation:
    """MASE over fixed episodes of held-out hours, after the inner loop."""

    tasks: tuple[ForecastTask, ...]
    config: ValidationConfig
    step: int  # hours that are read at a time
    seed: int = 0
    split: str = DEVEL
    device: torch.device = CPU

    def __len__(self) -> int:
        return self.config.episodes

    def draw(self, index: int) -> Draw:
        """The windows of held-out episode ``index``; the tasks are visited in turn."""
        config, task = self.config, self.tasks[index % len(self.tasks)]
        rng = numpy_generator(
            self.seed, "task-episode", self.split, task.name, index // len(self.tasks)
        )
        drawn = draw_episode(task, self.split, config.shots, QUERY // DAY, DAY, rng)
        return Draw(task, some(drawn.support, config.support, rng), drawn.query, drawn.unit)

    def score(self, learner: Learner, algorithm: Algorithm, index: int) -> tuple[float, ...]:
        """The sum of scaled errors of episode ``index``, and its hours."""
        if not isinstance(learner, Forecaster):
            raise TypeError("MASE is measured on a forecaster")
        episode = encode_episode(self.draw(index), self.step, str(index), self.device)
        start = learner.initial(episode.support)
        # Without noise: a validation figure should change only when the learner does.
        fast = algorithm.adapt(learner, start, episode.support, None).params
        return learner.errors(fast, episode.query)

    def combine(self, scores: Sequence[tuple[float, ...]]) -> float:
        """The mean MASE of the episodes."""
        return sum(total / hours for total, hours in scores) / len(scores)


def encode_episode(drawn: Draw, step: int, label: str, device: torch.device = CPU) -> Episode:
    """An episode for the core."""
    support, query = (
        encode(drawn.task, at, step, device, np.full(len(at), drawn.unit))
        for at in (drawn.support, drawn.query)
    )
    return Episode(support, query, f"{drawn.task.name}/{label}")


def joined(parts: Sequence[Batch]) -> Batch:
    """Several batches as one."""
    return Batch(*(torch.cat([getattr(part, f.name) for part in parts]) for f in fields(Batch)))
