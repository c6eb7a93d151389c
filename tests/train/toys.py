"""A learner in float64 that has nothing to do with tagging, and tasks for it."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from fewshot_metalstm.figure import Figure, Score
from fewshot_metalstm.meta.learner import Learner, Params
from fewshot_metalstm.meta.outcome import Progress
from fewshot_metalstm.seeds import derive, numpy_generator
from fewshot_metalstm.train.settings import SupervisedConfig, TrainSettings
from fewshot_metalstm.train.source import Evaluation, SupervisedSource

ERROR = Figure("error", "error", "mean squared error", "squares", better="lower")


@dataclass(frozen=True)
class Points:
    """Inputs (N, 2) and targets (N,)."""

    x: Tensor
    y: Tensor


class Plane(Learner):
    """y = x . shared + head, in float64; noise is added to x. One parameter takes no part."""

    def __init__(self) -> None:
        super().__init__()
        self.shared = nn.Parameter(torch.tensor([0.3, -0.2], dtype=torch.float64))
        self.idle = nn.Parameter(torch.ones(1, dtype=torch.float64))
        self.head_bias = nn.Parameter(torch.zeros(1, dtype=torch.float64))

    def adapted(self) -> tuple[str, ...]:
        return ("shared", "head_bias")

    def head(self) -> tuple[str, ...]:
        return ("head_bias",)

    def forward(self, batch: Points, generator: torch.Generator | None = None) -> Tensor:
        x = batch.x
        if generator is not None:
            x = x + 0.1 * torch.randn(x.shape, generator=generator, dtype=x.dtype)
        return (x @ self.shared + self.head_bias - batch.y).square().mean()


@dataclass(frozen=True)
class ToyScore:
    """An error."""

    value: float
    size: int
    further: Mapping[str, float] = field(default_factory=dict)
    groups: Mapping[str, Score] = field(default_factory=dict)


@dataclass(frozen=True)
class ToyTask:
    """Points of a plane of its own; see :class:`fewshot_metalstm.kinds.kind.Task`."""

    name: str
    splits: Mapping[str, Points]
    kind: str = "toy"
    types: tuple[str, ...] = ()
    synthetic: bool = True
    invented: bool = False
    digests: Mapping[str, str] = field(default_factory=dict)

    @property
    def family(self) -> str:
        return self.name

    @property
    def data(self) -> str:
        return self.name

    @property
    def sizes(self) -> dict[str, int]:
        return {name: len(points.y) for name, points in self.splits.items()}


def toy_task(name: str, **sizes: int) -> ToyTask:
    """A task with so many points in each split."""
    bias = derive(0, name) % 7 / 3
    splits = {}
    for split, size in (sizes or {"train": 23, "devel": 8, "test": 9}).items():
        x = torch.from_numpy(numpy_generator(1, name, split).normal(size=(size, 2)))
        splits[split] = Points(x, x @ torch.tensor([1.0, 2.0], dtype=x.dtype) + bias)
    return ToyTask(name, splits)


@dataclass(frozen=True)
class ToyConfig(TrainSettings):
    """No settings of its own."""


@dataclass
class ToyModel:
    """A learner."""

    learner: Plane


class ToySource(SupervisedSource):
    """Toy tasks for a run. ``devel`` replaces the figures of devel, one an epoch, if given."""

    figure = ERROR
    product = "plane"

    def __init__(
        self, tasks: Sequence[ToyTask], train: SupervisedConfig, devel: Sequence[float] = ()
    ) -> None:
        self.tasks = tasks
        self.config = ToyConfig(tuple(task.name for task in tasks), train=train)
        self.by_name = {task.name: task for task in tasks}
        self.devel = list(devel)
        self.scored: list[tuple[str, str, int]] = []

    def fresh(self, progress: Progress) -> ToyModel:
        return ToyModel(Plane())

    def load(self, folder: Path) -> ToyModel:
        assert (folder / "plane").is_file()
        return ToyModel(Plane())

    def save(self, model: ToyModel, folder: Path) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "plane").write_text("")

    def use(
        self, model: ToyModel, device: torch.device, learned: Mapping[str, Sequence[int]]
    ) -> None:
        self.model, self.learned = model, learned

    def lengths(self, task: str) -> list[int]:
        return [1 + i % 5 for i in range(self.by_name[task].sizes["train"])]

    def batch(self, task: str, split: str, items: Sequence[int]) -> Points:
        points = self.by_name[task].splits[split]
        chosen = torch.from_numpy(np.asarray(items, np.int64))
        return Points(points.x[chosen], points.y[chosen])

    @torch.no_grad()
    def evaluate(
        self, task: str, split: str, items: Sequence[int], params: Params,
        tuned: Mapping[str, float] | None = None,
    ) -> Evaluation:  # fmt: skip
        self.scored.append((task, split, len(items)))
        tuned = {"chosen on": float(len(items))} if tuned is None else tuned
        loss = float(self.model.learner.loss(params, self.batch(task, split, items)))
        value = self.devel.pop(0) if split == "devel" and self.devel else loss
        return Evaluation(loss, ToyScore(value, len(items)), tuned)

    def save_model(
        self, model: ToyModel, task: str, params: Params, folder: Path, about: Mapping[str, Any]
    ) -> None:
        folder.mkdir(parents=True, exist_ok=True)
        plain = {name: value.tolist() for name, value in params.items()}
        (folder / "config.json").write_text(json.dumps({"params": plain, "about": about}))
