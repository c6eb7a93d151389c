"""One cell of a table of readers: how a reader starts, is tuned, scored and kept."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from typing import Any

import torch

from fewshot_metalstm.adapt.cell import SCRATCH, Cell
from fewshot_metalstm.adapt.finetune import Adapted
from fewshot_metalstm.adapt.prototypes import PROTOTYPES, PrototypesConfig
from fewshot_metalstm.adapt.tuning import tuned_names
from fewshot_metalstm.adapt.work import Start, Work
from fewshot_metalstm.figure import Score
from fewshot_metalstm.kinds.digits.encoding import Batch, encode
from fewshot_metalstm.kinds.digits.learner import DigitReader
from fewshot_metalstm.kinds.digits.model import (
    READER,
    ReaderModel,
    adapted_reader,
    new_reader,
    save_model,
)
from fewshot_metalstm.kinds.digits.score import parts
from fewshot_metalstm.kinds.digits.scoring import check_classes, score
from fewshot_metalstm.kinds.digits.tasks import DigitsTask
from fewshot_metalstm.meta.protonet import START_SCALE, learned_scale
from fewshot_metalstm.seeds import derive


def practice(
    model: ReaderModel, target: DigitsTask, support: Sequence[int]
) -> tuple[int, Callable[[Sequence[int]], Batch]]:
    """What an adapted reader is trained on further: images of a target's train split.

    Raises :class:`UserError` where the target has other classes.
    """
    check_classes(model, target)
    positions = target.splits["train"].at(support)
    device = next(model.learner.parameters()).device

    def batch(chosen: Sequence[int]) -> Batch:
        return encode(target, "train", positions[list(chosen)], model.scaling, device)

    return len(positions), batch


class DigitsWork(Work[DigitReader]):
    """A cell of a checkpoint's reader, or of a fresh one of its sizes."""

    target: DigitsTask

    def __init__(self, cell: Cell, model: ReaderModel, target: DigitsTask) -> None:
        super().__init__(cell, target)
        self.model = model
        self.positions = target.splits["train"].at(cell.support)
        self.device = next(model.learner.parameters()).device

    def start(self) -> Start[DigitReader]:
        """The checkpoint's reader, a fresh one for ``scratch``, or one with prototypes as head."""
        cell, learner = self.cell, self.model.learner
        began = time.perf_counter()
        if cell.method == SCRATCH:
            seed = derive(cell.seed, SCRATCH, cell.draw)
            learner = new_reader(learner.config, seed).to(self.device)
        elif isinstance(cell.config, PrototypesConfig):
            learner = self._with_prototypes(learner, cell.config)
        return Start(learner, seconds=time.perf_counter() - began)

    @torch.no_grad()
    def _with_prototypes(self, learner: DigitReader, config: PrototypesConfig) -> DigitReader:
        """A reader whose head is the prototypes of the support."""
        scale = torch.tensor(config.scale or learned_scale(learner) or START_SCALE)
        batches = (self.batch(part.tolist()) for part in parts(len(self.positions)))
        first = learner.initial(self.batch([0]))
        made = learner.from_support(first, batches, scale.to(self.device))
        return adapted_reader(learner, made).to(self.device)

    def names(self, learner: DigitReader) -> tuple[str, ...]:
        """See :class:`Work`."""
        return () if self.cell.tune == PROTOTYPES else tuned_names(learner, self.cell.tune)

    def batch(self, chosen: Sequence[int]) -> Batch:
        """Some images of the support, by index."""
        positions = self.positions[list(chosen)]
        return encode(self.target, "train", positions, self.model.scaling, self.device)

    def batches(self, learner: DigitReader) -> tuple[int, Callable[[Sequence[int]], Batch]]:
        """See :class:`Work`."""
        return len(self.positions), self.batch

    def counted(self) -> int:
        """The images of the support."""
        return len(self.positions)

    def score(self, start: Start[DigitReader], adapted: Adapted) -> Score:
        """Accuracy on the whole test split."""
        return score(
            start.learner, adapted.params, self.target, "test", self.model.scaling, self.device
        )

    def save(self, start: Start[DigitReader], adapted: Adapted, score: Score | None) -> None:
        """Write the adapted reader."""
        cell, target = self.cell, self.target
        assert cell.save is not None
        about: dict[str, Any] = {
            "target": target.name, "turn": target.turn, "method": cell.called, "tune": cell.tune,
            "draw": cell.draw, "seed": cell.seed, "support_images": len(cell.support),
            "from": dict(self.model.about), "synthetic": target.synthetic,
            "test_accuracy": None if score is None else round(score.value, 2),
        }  # fmt: skip
        reader = adapted_reader(start.learner, adapted.params)
        made = ReaderModel(reader, self.model.scaling, target.classes, READER, about)
        save_model(made, cell.save)
