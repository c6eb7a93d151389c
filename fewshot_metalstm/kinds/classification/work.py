"""One cell of a table of classifiers: how one starts, is tuned, scored and kept."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

import torch

from fewshot_metalstm.accuracy import Score
from fewshot_metalstm.adapt.cell import SCRATCH, Cell, CellResult
from fewshot_metalstm.adapt.finetune import Adapted
from fewshot_metalstm.adapt.prototypes import PROTOTYPES, PrototypesConfig
from fewshot_metalstm.adapt.tuning import tuned_names
from fewshot_metalstm.adapt.work import Loaded, Start, Work
from fewshot_metalstm.kinds.classification.encoding import Batch, TextTable, by_length
from fewshot_metalstm.kinds.classification.learner import Classifier
from fewshot_metalstm.kinds.classification.model import (
    ClassifierModel,
    adapted_classifier,
    adapted_model,
    new_classifier,
    save_model,
)
from fewshot_metalstm.kinds.classification.scoring import score
from fewshot_metalstm.kinds.classification.tasks import ClassificationTask
from fewshot_metalstm.meta.protonet import START_SCALE, learned_scale
from fewshot_metalstm.seeds import derive


class ClassificationWork(Work[Classifier]):
    """A cell of a checkpoint's classifier, or of a fresh one of its sizes and word vectors."""

    target: ClassificationTask

    def __init__(self, cell: Cell, loaded: Loaded, target: ClassificationTask) -> None:
        super().__init__(cell, target)
        self.model: ClassifierModel = loaded.model
        self.table: TextTable = loaded.table
        split = target.splits["train"]
        texts = [split.texts[i] for i in cell.support]
        self.encoded = self.table.encode(
            texts, split.labels[list(cell.support)], len(target.classes)
        )
        self.device = next(self.model.learner.parameters()).device

    def start(self) -> Start[Classifier]:
        """The checkpoint's classifier, a fresh one for ``scratch``, or one of prototypes."""
        cell, learner = self.cell, self.model.learner
        began = time.perf_counter()
        if cell.method == SCRATCH:
            seed = derive(cell.seed, SCRATCH, cell.draw)
            model = self.model
            learner = new_classifier(learner.config, model.vectors, model.alphabet, seed)
            learner.to(self.device)
        elif isinstance(cell.config, PrototypesConfig):
            learner = self._with_prototypes(learner, cell.config)
        return Start(learner, seconds=time.perf_counter() - began)

    @torch.no_grad()
    def _with_prototypes(self, learner: Classifier, config: PrototypesConfig) -> Classifier:
        """A classifier whose head is the prototypes of the support."""
        scale = torch.tensor(config.scale or learned_scale(learner) or START_SCALE)
        batches = (self.batch(places) for places in by_length(self.encoded))
        first = learner.initial(self.batch(range(len(self.encoded))))
        made = learner.from_support(first, batches, scale.to(self.device))
        return adapted_classifier(self.model, made).to(self.device)

    def names(self, learner: Classifier) -> tuple[str, ...]:
        """See :class:`Work`."""
        return () if self.cell.tune == PROTOTYPES else tuned_names(learner, self.cell.tune)

    def batch(self, chosen: Sequence[int]) -> Batch:
        """Some texts of the support, by index."""
        return self.table.batch(self.encoded.take(chosen)).to(self.device)

    def batches(self, learner: Classifier) -> tuple[int, Callable[[Sequence[int]], Batch]]:
        """See :class:`Work`."""
        return len(self.encoded), self.batch

    def counted(self) -> int:
        """The texts of the support."""
        return len(self.encoded)

    def run(self) -> CellResult:
        """See :class:`Work`; how many texts of the target are too long to be read whole is said."""
        result = super().run()
        cut = self.target.cut(self.table.longest)
        return replace(result, about={"long texts:": cut}) if cut else result

    def score(self, start: Start[Classifier], adapted: Adapted) -> Score:
        """Accuracy on the whole test split."""
        return score(start.learner, adapted.params, self.table, self.target, "test", self.device)

    def save(self, start: Start[Classifier], adapted: Adapted, score: Any) -> None:
        """Write the adapted classifier."""
        cell, target = self.cell, self.target
        assert cell.save is not None
        about: dict[str, Any] = {
            "target": target.name, "method": cell.called, "tune": cell.tune, "draw": cell.draw,
            "seed": cell.seed, "support_texts": len(cell.support),
            "from": dict(self.model.about), "synthetic": target.synthetic,
            "test_accuracy": None if score is None else round(score.value, 2),
        }  # fmt: skip
        save_model(adapted_model(self.model, adapted.params, target.classes, about), cell.save)
