"""Supervised training of readers of digits: fresh or from a checkpoint, on all of train."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import torch

from fewshot_metalstm import ranges
from fewshot_metalstm.errors import UserError
from fewshot_metalstm.kinds.digits.encoding import Batch, Scaling, encode
from fewshot_metalstm.kinds.digits.model import (
    READER,
    ReaderModel,
    adapted_reader,
    load_prepared,
    new_reader,
    save_model,
)
from fewshot_metalstm.kinds.digits.reader import CORPUS, SIDE
from fewshot_metalstm.kinds.digits.score import FIGURE, compare, parts
from fewshot_metalstm.kinds.digits.settings import ReaderConfig
from fewshot_metalstm.kinds.digits.tasks import DigitsTask
from fewshot_metalstm.kinds.stored import CHECKPOINT
from fewshot_metalstm.meta.learner import Params
from fewshot_metalstm.meta.outcome import Progress
from fewshot_metalstm.nn.room import check_lstm_room
from fewshot_metalstm.train.about import joint_about, trained_about
from fewshot_metalstm.train.settings import SupervisedConfig, TrainSettings
from fewshot_metalstm.train.source import Evaluation, SupervisedSource


def _training() -> SupervisedConfig:
    # A target has no devel split, and images enough to spare some.
    return SupervisedConfig(epochs=5, batch=32, hold_out=0.1)


@dataclass(frozen=True)
class DigitsSupervisedConfig(TrainSettings):
    """Everything that supervised training of readers depends on, besides data and code."""

    train: SupervisedConfig = field(default_factory=_training)
    reader: ReaderConfig = field(default_factory=ReaderConfig)


class DigitsTraining(SupervisedSource):
    """Tasks of digits, for one run of supervised training."""

    figure = FIGURE
    product = READER
    config: DigitsSupervisedConfig
    tasks: Sequence[DigitsTask]

    def __init__(self, config: DigitsSupervisedConfig, tasks: Sequence[DigitsTask]) -> None:
        ranges.check(config)
        check_lstm_room(SIDE, config.reader.lstm, "reader.lstm")
        self.tasks = tasks
        self._by_name = {task.name: task for task in tasks}
        self._start: ReaderModel | None = None
        if config.start:
            self._start = load_prepared(Path(config.start), CHECKPOINT)
            own = self._start.learner.config
            if config.reader not in (own, ReaderConfig()):
                raise UserError(
                    f"{config.start} has other settings of the section reader; give the same, or "
                    "leave --start out"
                )
            config = replace(config, reader=own)
        self.config = config

    def fresh(self, progress: Progress) -> ReaderModel:
        """See :class:`SupervisedSource`: the scaling of pixels is made of the train images."""
        del progress
        if self._start is None:
            learner = new_reader(self.config.reader, self.config.seed)
            return ReaderModel(learner, Scaling.of(self.tasks))
        params: Params = dict(self._start.learner.named_parameters())
        return replace(self._start, learner=adapted_reader(self._start.learner, params))

    def load(self, folder: Path) -> ReaderModel:
        """See :class:`SupervisedSource`."""
        return load_prepared(folder)

    def save(self, model: ReaderModel, folder: Path) -> None:
        """See :class:`SupervisedSource`."""
        save_model(model, folder)

    def use(
        self, model: ReaderModel, device: torch.device, learned: Mapping[str, Sequence[int]]
    ) -> None:
        """See :class:`SupervisedSource`."""
        del learned
        self._model, self._device = model, device

    def lengths(self, task: str) -> Sequence[int]:
        """See :class:`SupervisedSource`: all images have as many rows."""
        return [1] * self._by_name[task].sizes["train"]

    def batch(self, task: str, split: str, items: Sequence[int]) -> Batch:
        """See :class:`SupervisedSource`."""
        return encode(self._by_name[task], split, list(items), self._model.scaling, self._device)

    @torch.no_grad()
    def evaluate(
        self, task: str, split: str, items: Sequence[int], params: Params,
        tuned: Mapping[str, float] | None = None,
    ) -> Evaluation:  # fmt: skip
        """See :class:`SupervisedSource`: nats an image, and accuracy."""
        del tuned
        own, learner = self._by_name[task], self._model.learner
        predicted, total = [], 0.0
        for part in parts(len(items)):
            batch = self.batch(task, split, [items[i] for i in part])
            scores = learner.scores_with(params, batch)
            total += float(torch.nn.functional.cross_entropy(scores, batch.labels, reduction="sum"))
            predicted.append(scores.argmax(dim=1))
        labels = own.splits[split].labels[list(items)]
        found = torch.cat(predicted).cpu().numpy()
        return Evaluation(total / len(items), compare(labels, found, own.classes))

    def save_model(
        self, model: ReaderModel, task: str, params: Params, folder: Path, about: Mapping[str, Any]
    ) -> None:
        """See :class:`SupervisedSource`."""
        own = self._by_name[task]
        whole: dict[str, Any] = {
            "target": own.name, "turn": own.turn, "method": "train", "tune": "all", "draw": 0,
            "seed": self.config.seed, "support_images": about.get("items"),
            **trained_about(own, self.tasks, self._start, about, FIGURE.key),
        }  # fmt: skip
        reader = adapted_reader(model.learner, params)
        save_model(ReaderModel(reader, model.scaling, own.classes, READER, whole), folder)

    def save_joint(
        self, model: ReaderModel, shared: Params, heads: Mapping[str, Params], folder: Path,
        about: Mapping[str, Any],
    ) -> bool:  # fmt: skip
        """See :class:`SupervisedSource`: as ``meta-train --algorithm joint`` writes it."""
        merged = model.learner.merge_heads(list(heads.values()))
        learner = adapted_reader(model.learner, {**shared, **merged})
        before = {} if self._start is None else self._start.about
        whole = {
            **joint_about(self.tasks, self._start, self.config.seed),
            "learned_classes": sorted(
                {name for task in self.tasks for name in task.classes}
                | set(before.get("learned_classes", ()))
            ),
            "corpora": {CORPUS: {"train": self.tasks[0].digests["train"]}},
            **about,
        }
        save_model(ReaderModel(learner, model.scaling, about=whole), folder)
        return True
