"""One cell of a table of language models: how one starts, is tuned, scored and kept."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from fewshot_metalstm.adapt.cell import SCRATCH, Cell
from fewshot_metalstm.adapt.finetune import Adapted
from fewshot_metalstm.adapt.tuning import tuned_names
from fewshot_metalstm.adapt.work import Start, Work
from fewshot_metalstm.figure import Score
from fewshot_metalstm.kinds.language_model.encoding import Batch, encode, rows_of
from fewshot_metalstm.kinds.language_model.learner import LanguageModel
from fewshot_metalstm.kinds.language_model.model import (
    PRODUCT,
    StoredModel,
    adapted_model,
    new_model,
    save_model,
)
from fewshot_metalstm.kinds.language_model.scoring import score_spans
from fewshot_metalstm.kinds.language_model.settings import UnadaptedConfig
from fewshot_metalstm.kinds.language_model.tasks import TRAIN, TextTask
from fewshot_metalstm.seeds import derive


def practice(
    model: StoredModel, target: TextTask, support: Sequence[int]
) -> tuple[int, Callable[[Sequence[int]], Batch]]:
    """What an adapted language model is trained on further: rows of some segments of a target."""
    config = model.learner.config
    rows = rows_of(target.runs(support), config.row)
    device = next(model.learner.parameters()).device

    def batch(chosen: Sequence[int]) -> Batch:
        return encode(target, [rows[i] for i in chosen], config.context, device)

    return len(rows), batch


class LanguageWork(Work[LanguageModel]):
    """A cell of a checkpoint's language model, or of a fresh one of its sizes."""

    target: TextTask

    def __init__(self, cell: Cell, model: StoredModel, target: TextTask) -> None:
        super().__init__(cell, target)
        self.model = model
        self.support = target.runs(cell.support)
        self.rows = rows_of(self.support, model.learner.config.row)
        self.device = next(model.learner.parameters()).device

    def start(self) -> Start[LanguageModel]:
        """The checkpoint's language model, or a fresh one for ``scratch``."""
        cell, learner = self.cell, self.model.learner
        if cell.method == SCRATCH:
            seed = derive(cell.seed, SCRATCH, cell.draw)
            learner = new_model(learner.config, seed).to(self.device)
        return Start(learner)

    def names(self, learner: LanguageModel) -> tuple[str, ...]:
        """See :class:`Work`; a checkpoint as it is has nothing tuned."""
        if isinstance(self.cell.config, UnadaptedConfig):
            return ()
        return tuned_names(learner, self.cell.tune)

    def batch(self, chosen: Sequence[int]) -> Batch:
        """Some rows of the support, by index."""
        rows = [self.rows[i] for i in chosen]
        return encode(self.target, rows, self.model.learner.config.context, self.device)

    def batches(self, learner: LanguageModel) -> tuple[int, Callable[[Sequence[int]], Batch]]:
        """See :class:`Work`."""
        return len(self.rows), self.batch

    def counted(self) -> int:
        """The characters of the support."""
        return self.target.size(self.support)

    def score(self, start: Start[LanguageModel], adapted: Adapted) -> Score:
        """Bits per character of what follows the support, or of the test split."""
        spans = self.target.query(self.support)
        return score_spans(start.learner, adapted.params, self.target, spans, self.device)

    def save(self, start: Start[LanguageModel], adapted: Adapted, score: Score | None) -> None:
        """Write the adapted language model."""
        cell, target = self.cell, self.target
        assert cell.save is not None
        about: dict[str, Any] = {
            "target": target.name, "method": cell.called, "tune": cell.tune,
            "draw": cell.draw, "seed": cell.seed, "support_segments": len(cell.support),
            "support_characters": self.counted(),
            "support": [list(span) for span in self.support], "sha256": target.digests[TRAIN],
            "from": dict(self.model.about), "synthetic": target.synthetic,
            "test_bpc": None if score is None else round(score.value, 4),
        }  # fmt: skip
        made = adapted_model(start.learner, adapted.params)
        save_model(StoredModel(made, PRODUCT, about), cell.save)
