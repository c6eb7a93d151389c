"""Supervised training of language models: fresh or from a checkpoint, on all of train."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import Any

import torch

from fewshot_metalstm import ranges
from fewshot_metalstm.errors import UserError
from fewshot_metalstm.kinds.items_of import ItemsOf
from fewshot_metalstm.kinds.language_model.encoding import CPU, Batch, encode, rows_of
from fewshot_metalstm.kinds.language_model.model import (
    PRODUCT,
    StoredModel,
    adapted_model,
    load_prepared,
    new_model,
    save_model,
)
from fewshot_metalstm.kinds.language_model.score import FIGURE, Cost, score
from fewshot_metalstm.kinds.language_model.settings import ModelConfig, check_sizes
from fewshot_metalstm.kinds.language_model.tasks import TRAIN, Span, TextTask
from fewshot_metalstm.kinds.stored import CHECKPOINT
from fewshot_metalstm.meta.learner import Params
from fewshot_metalstm.meta.outcome import Progress
from fewshot_metalstm.train.about import joint_about, trained_about
from fewshot_metalstm.train.settings import SupervisedConfig, TrainSettings
from fewshot_metalstm.train.source import Evaluation, SupervisedSource

_AT_ONCE = 32  # rows that are scored


def _training() -> SupervisedConfig:
    return SupervisedConfig(epochs=10, batch=16, lr=4e-3, hold_out=0.1, curve_items=100)


@dataclass(frozen=True)
class LanguageSupervisedConfig(TrainSettings):
    """Everything that supervised training of language models depends on, besides data and code."""

    train: SupervisedConfig = field(default_factory=_training)
    model: ModelConfig = field(default_factory=ModelConfig)


class Rows(ItemsOf[TextTask]):
    """A task whose items are rows of ``row`` segments, of which batches are made."""

    def __init__(self, task: TextTask, row: int) -> None:
        super().__init__(task)
        self.row = row

    @cached_property
    def spans(self) -> dict[str, list[Span]]:
        """The rows of each split."""
        return {
            split: rows_of(self.task.spans(split), self.row) for split in self.task.splits
        }  # fmt: skip

    @property
    def sizes(self) -> Mapping[str, int]:
        """Rows of each split."""
        return {split: len(rows) for split, rows in self.spans.items()}


class LanguageTraining(SupervisedSource):
    """Texts for one run of supervised training; all share one head."""

    figure = FIGURE
    product = PRODUCT
    config: LanguageSupervisedConfig
    tasks: Sequence[Rows]

    def __init__(self, config: LanguageSupervisedConfig, tasks: Sequence[TextTask]) -> None:
        ranges.check(config)
        for task in tasks:
            if task.follows:
                raise UserError(
                    f"{task.name} has no splits of its own to train on; give ptb, or files as "
                    "train=FILE,devel=FILE,test=FILE"
                )
        self._start: StoredModel | None = None
        if config.start:
            self._start = load_prepared(Path(config.start), CHECKPOINT)
            own = self._start.learner.config
            if config.model not in (own, ModelConfig()):
                raise UserError(
                    f"{config.start} has other settings of the section model; give the same, or "
                    "leave --start out"
                )
            config = replace(config, model=own)
        check_sizes(config.model)
        self.config = config
        self.tasks = [Rows(task, config.model.row) for task in tasks]
        self._by_name = {task.name: task for task in self.tasks}
        self._device = CPU

    def fresh(self, progress: Progress) -> StoredModel:
        """See :class:`SupervisedSource`."""
        del progress
        if self._start is None:
            return StoredModel(new_model(self.config.model, self.config.seed))
        params: Params = dict(self._start.learner.named_parameters())
        return replace(self._start, learner=adapted_model(self._start.learner, params))

    def load(self, folder: Path) -> StoredModel:
        """See :class:`SupervisedSource`."""
        return load_prepared(folder)

    def save(self, model: StoredModel, folder: Path) -> None:
        """See :class:`SupervisedSource`."""
        save_model(model, folder)

    def use(
        self, model: StoredModel, device: torch.device, learned: Mapping[str, Sequence[int]]
    ) -> None:
        """See :class:`SupervisedSource`."""
        del learned
        self._model, self._device = model, device

    def lengths(self, task: str) -> Sequence[int]:
        """See :class:`SupervisedSource`: in segments."""
        return [stop - start for start, stop in self._by_name[task].spans[TRAIN]]

    def batch(self, task: str, split: str, items: Sequence[int]) -> Batch:
        """See :class:`SupervisedSource`."""
        own = self._by_name[task]
        rows = [own.spans[split][i] for i in items]
        return encode(own.task, rows, self._model.learner.config.context, self._device)

    def evaluate(
        self, task: str, split: str, items: Sequence[int], params: Params,
        tuned: Mapping[str, float] | None = None,
    ) -> Evaluation:  # fmt: skip
        """See :class:`SupervisedSource`: nats a byte, and bits per character."""
        del tuned
        learner, total = self._model.learner, Cost(0.0, 0, 0)
        for first in range(0, len(items), _AT_ONCE):
            total += learner.cost(params, self.batch(task, split, items[first : first + _AT_ONCE]))
        return Evaluation(total.nats / total.bytes, score([total]))

    def save_model(
        self, model: StoredModel, task: str, params: Params, folder: Path,
        about: Mapping[str, Any],
    ) -> None:  # fmt: skip
        """See :class:`SupervisedSource`."""
        own = self._by_name[task]
        whole: dict[str, Any] = {
            "target": own.name, "method": "train", "tune": "all", "draw": 0,
            "seed": self.config.seed, "support_rows": about.get("items"),
            "sha256": own.digests[TRAIN],
            **trained_about(own, self.tasks, self._start, about, FIGURE.key, 4),
        }  # fmt: skip
        save_model(StoredModel(adapted_model(model.learner, params), PRODUCT, whole), folder)

    def save_joint(
        self, model: StoredModel, shared: Params, heads: Mapping[str, Params], folder: Path,
        about: Mapping[str, Any],
    ) -> bool:  # fmt: skip
        """See :class:`SupervisedSource`: as ``meta-train --algorithm joint`` writes it."""
        merged = model.learner.merge_heads(list(heads.values()))
        learner = adapted_model(model.learner, {**shared, **merged})
        whole = {**joint_about(self.tasks, self._start, self.config.seed), **about}
        save_model(StoredModel(learner, about=whole), folder)
        return True
