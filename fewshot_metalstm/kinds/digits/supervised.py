"""Supervised training of readers of digits: fresh or from a checkpoint, on all of train."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch

from fewshot_metalstm.kinds.digits.encoding import Batch, Scaling, encode
from fewshot_metalstm.kinds.digits.learner import DigitReader
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
from fewshot_metalstm.kinds.folder_training import FolderTraining
from fewshot_metalstm.meta.learner import Params
from fewshot_metalstm.nn.room import check_lstm_room
from fewshot_metalstm.train.about import trained_about
from fewshot_metalstm.train.settings import SupervisedConfig, TrainSettings
from fewshot_metalstm.train.source import Evaluation


def _training() -> SupervisedConfig:
    # A target has no devel split, and images enough to spare some.
    return SupervisedConfig(epochs=5, batch=32, hold_out=0.1)


@dataclass(frozen=True)
class DigitsSupervisedConfig(TrainSettings):
    """Everything that supervised training of readers depends on, besides data and code."""

    train: SupervisedConfig = field(default_factory=_training)
    reader: ReaderConfig = field(default_factory=ReaderConfig)


class DigitsTraining(FolderTraining[ReaderModel]):
    """Tasks of digits, for one run of supervised training."""

    figure = FIGURE
    product = READER
    section = "reader"
    config: DigitsSupervisedConfig
    tasks: Sequence[DigitsTask]
    read = staticmethod(load_prepared)
    write = staticmethod(save_model)

    def __init__(self, config: DigitsSupervisedConfig, tasks: Sequence[DigitsTask]) -> None:
        super().__init__(config, tasks)
        check_lstm_room(SIDE, self.config.reader.lstm, "reader.lstm")

    def made(self) -> ReaderModel:
        """See :class:`FolderTraining`: the scaling of pixels is made of the train images."""
        learner = new_reader(self.config.reader, self.config.seed)
        return ReaderModel(learner, Scaling.of(self.tasks))

    def with_params(self, model: ReaderModel, params: Params) -> DigitReader:
        """See :class:`FolderTraining`."""
        return adapted_reader(model.learner, params)

    def learned(self) -> Mapping[str, Any]:
        """See :class:`FolderTraining`: the classes, and the one corpus."""
        before = {} if self._start is None else self._start.about
        return {
            "learned_classes": sorted(
                {name for task in self.tasks for name in task.classes}
                | set(before.get("learned_classes", ()))
            ),
            "corpora": {CORPUS: {"train": self.tasks[0].digests["train"]}},
        }

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
