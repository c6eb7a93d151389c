"""Supervised training of translators: fresh or from a checkpoint, on all of train.

After each epoch pairs are translated greedily, which is several times as fast as the beam that
`evaluate` and `predict` follow.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch

from fewshot_metalstm.kinds.folder_training import FolderTraining
from fewshot_metalstm.kinds.translation.encoding import Batch, EncodedPairs, encode_pairs
from fewshot_metalstm.kinds.translation.learner import Translator
from fewshot_metalstm.kinds.translation.model import (
    PRODUCT,
    TranslationModel,
    adapted_translator,
    load_prepared,
    new_translator,
    save_model,
)
from fewshot_metalstm.kinds.translation.packages import sacrebleu_metrics
from fewshot_metalstm.kinds.translation.score import FIGURE, signatures
from fewshot_metalstm.kinds.translation.scoring import score_pairs
from fewshot_metalstm.kinds.translation.settings import (
    SubwordsConfig,
    TranslatorConfig,
    check_sizes,
)
from fewshot_metalstm.kinds.translation.subwords import Subwords, texts_of
from fewshot_metalstm.kinds.translation.tasks import TRAIN, TranslationTask
from fewshot_metalstm.meta.learner import Params
from fewshot_metalstm.train.about import trained_about
from fewshot_metalstm.train.settings import SupervisedConfig, TrainSettings
from fewshot_metalstm.train.source import Evaluation

_AT_ONCE = 64  # pairs whose loss is taken
_GREEDY = 1


def _training() -> SupervisedConfig:
    return SupervisedConfig(epochs=10, batch=64, lr=3e-3, hold_out=0.05, curve_items=50)


@dataclass(frozen=True)
class TranslationSupervisedConfig(TrainSettings):
    """Everything that supervised training of translators depends on, besides data and code."""

    train: SupervisedConfig = field(default_factory=_training)
    translator: TranslatorConfig = field(default_factory=TranslatorConfig)
    subwords: SubwordsConfig = field(default_factory=SubwordsConfig)


class TranslationTraining(FolderTraining[TranslationModel]):
    """Pairs for one run of supervised training; all tasks share one head."""

    figure = FIGURE
    product = PRODUCT
    section = "translator"
    config: TranslationSupervisedConfig
    tasks: Sequence[TranslationTask]
    read = staticmethod(load_prepared)
    write = staticmethod(save_model)

    def __init__(
        self, config: TranslationSupervisedConfig, tasks: Sequence[TranslationTask]
    ) -> None:
        sacrebleu_metrics()  # needed after each epoch: say now that it is missing
        super().__init__(config, tasks)
        check_sizes(self.config.translator)
        self._encoded: dict[tuple[str, str], EncodedPairs] = {}

    def made(self) -> TranslationModel:
        """See :class:`FolderTraining`: subwords are made of all train splits."""
        texts = texts_of(task.splits[TRAIN] for task in self.tasks)
        subwords = Subwords.learned(texts, self.config.subwords.size)
        learner = new_translator(self.config.translator, len(subwords), self.config.seed)
        return TranslationModel(learner, subwords)

    def with_params(self, model: TranslationModel, params: Params) -> Translator:
        """See :class:`FolderTraining`."""
        return adapted_translator(model.learner, params)

    def use(
        self, model: TranslationModel, device: torch.device, learned: Mapping[str, Sequence[int]]
    ) -> None:
        """See :class:`SupervisedSource`."""
        super().use(model, device, learned)
        self._encoded.clear()

    def _pairs(self, task: str, split: str) -> EncodedPairs:
        if (task, split) not in self._encoded:
            pairs = self._by_name[task].splits[split]
            self._encoded[task, split] = encode_pairs(pairs, self._model.subwords)
        return self._encoded[task, split]

    def lengths(self, task: str) -> Sequence[int]:
        """See :class:`SupervisedSource`: in subwords of both sides."""
        pairs = self._pairs(task, TRAIN)
        return [pairs.length(place) for place in range(len(pairs))]

    def batch(self, task: str, split: str, items: Sequence[int]) -> Batch:
        """See :class:`SupervisedSource`."""
        return self._pairs(task, split).batch(items, self._device)

    def evaluate(
        self, task: str, split: str, items: Sequence[int], params: Params,
        tuned: Mapping[str, float] | None = None,
    ) -> Evaluation:  # fmt: skip
        """See :class:`SupervisedSource`: nats a subword, and chrF of greedy translations."""
        del tuned
        learner, nats, subwords = self._model.learner, 0.0, 0
        for first in range(0, len(items), _AT_ONCE):
            batch = self.batch(task, split, items[first : first + _AT_ONCE])
            with torch.no_grad():
                nats += float(learner.loss(params, batch)) * batch.subwords
            subwords += batch.subwords
        pairs = self._by_name[task].splits[split].at(items)
        score = score_pairs(learner, params, self._model.subwords, pairs, _GREEDY, self._device)
        return Evaluation(nats / subwords, score)

    def save_model(
        self, model: TranslationModel, task: str, params: Params, folder: Path,
        about: Mapping[str, Any],
    ) -> None:  # fmt: skip
        """See :class:`SupervisedSource`."""
        own = self._by_name[task]
        whole: dict[str, Any] = {
            "target": own.name, "languages": own.languages, "method": "train", "tune": "all",
            "draw": 0, "seed": self.config.seed, "support_pairs": about.get("items"),
            "sha256": own.digests[TRAIN],
            **trained_about(own, self.tasks, self._start, about, FIGURE.key, 4),
            "beam": _GREEDY, "signatures": signatures(),
        }  # fmt: skip
        made = adapted_translator(model.learner, params)
        save_model(TranslationModel(made, model.subwords, PRODUCT, whole), folder)
