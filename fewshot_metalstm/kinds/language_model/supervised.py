"""Supervised training of language models: fresh or from a checkpoint, on all of train."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import Any

from fewshot_metalstm.errors import UserError
from fewshot_metalstm.kinds.folder_training import FolderTraining
from fewshot_metalstm.kinds.items_of import ItemsOf
from fewshot_metalstm.kinds.language_model.encoding import Batch, encode, rows_of
from fewshot_metalstm.kinds.language_model.learner import LanguageModel
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
from fewshot_metalstm.meta.learner import Params
from fewshot_metalstm.train.about import trained_about
from fewshot_metalstm.train.settings import SupervisedConfig, TrainSettings
from fewshot_metalstm.train.source import Evaluation

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


class LanguageTraining(FolderTraining[StoredModel]):
    """Texts for one run of supervised training; all share one head."""

    figure = FIGURE
    product = PRODUCT
    section = "model"
    config: LanguageSupervisedConfig
    tasks: Sequence[Rows]
    read = staticmethod(load_prepared)
    write = staticmethod(save_model)

    def __init__(self, config: LanguageSupervisedConfig, tasks: Sequence[TextTask]) -> None:
        for task in tasks:
            if task.follows and task.data:
                raise UserError(
                    f"{task.name} has no splits of its own to train on; give ptb, or files as "
                    "train=FILE,devel=FILE,test=FILE"
                )
        # A text of a user's own that is given alone is learned from as a whole.
        tasks = [replace(task, follows=False) for task in tasks]
        super().__init__(config, tasks)
        check_sizes(self.config.model)
        self.tasks = [Rows(task, self.config.model.row) for task in tasks]
        self._by_name = {task.name: task for task in self.tasks}

    def made(self) -> StoredModel:
        """See :class:`FolderTraining`."""
        return StoredModel(new_model(self.config.model, self.config.seed))

    def with_params(self, model: StoredModel, params: Params) -> LanguageModel:
        """See :class:`FolderTraining`."""
        return adapted_model(model.learner, params)

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
