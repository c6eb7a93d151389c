"""One cell of a table of translators: how one starts, is tuned, scored and kept."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

from fewshot_metalstm.adapt.cell import SCRATCH, Cell, CellResult
from fewshot_metalstm.adapt.finetune import Adapted
from fewshot_metalstm.adapt.tuning import tuned_names
from fewshot_metalstm.adapt.work import Loaded, Start, Work
from fewshot_metalstm.figure import Score
from fewshot_metalstm.kinds.translation.encoding import Batch, encode_pairs
from fewshot_metalstm.kinds.translation.learner import Translator
from fewshot_metalstm.kinds.translation.model import (
    PRODUCT,
    TranslationModel,
    adapted_translator,
    fresh_like,
    save_model,
)
from fewshot_metalstm.kinds.translation.score import FIGURE, FURTHER, signatures
from fewshot_metalstm.kinds.translation.scoring import score_pairs
from fewshot_metalstm.kinds.translation.settings import UnadaptedConfig
from fewshot_metalstm.kinds.translation.tasks import TEST, TRAIN, TranslationTask
from fewshot_metalstm.seeds import derive


def practice(
    model: TranslationModel, target: TranslationTask, support: Sequence[int]
) -> tuple[int, Callable[[Sequence[int]], Batch]]:
    """What an adapted translator is trained on further: some pairs of a target."""
    pairs = encode_pairs(target.splits[TRAIN].at(support), model.subwords)
    device = next(model.learner.parameters()).device
    return len(pairs), lambda chosen: pairs.batch(chosen, device)


class TranslationWork(Work[Translator]):
    """A cell of a checkpoint's translator, or of a fresh one of its sizes."""

    target: TranslationTask

    def __init__(self, cell: Cell, loaded: Loaded, target: TranslationTask) -> None:
        super().__init__(cell, target)
        self.model: TranslationModel = loaded.model
        self._unadapted: dict[str, Score] = loaded.table
        model = self.model
        self.support = encode_pairs(target.splits[TRAIN].at(cell.support), model.subwords)
        self.device = next(model.learner.parameters()).device

    def run(self) -> CellResult:
        """See :class:`Work`; a score comes with what sacrebleu says of how it was computed."""
        result = super().run()
        return result if result.score is None else replace(result, about=signatures())

    def start(self) -> Start[Translator]:
        """The checkpoint's translator, or a fresh one for ``scratch``; subwords are the same."""
        cell, learner = self.cell, self.model.learner
        if cell.method == SCRATCH:
            seed = derive(cell.seed, SCRATCH, cell.draw)
            learner = fresh_like(learner, seed).to(self.device)
        return Start(learner)

    def names(self, learner: Translator) -> tuple[str, ...]:
        """See :class:`Work`; a checkpoint as it is has nothing tuned."""
        if isinstance(self.cell.config, UnadaptedConfig):
            return ()
        return tuned_names(learner, self.cell.tune)

    def batch(self, chosen: Sequence[int]) -> Batch:
        """Some pairs of the support, by index."""
        return self.support.batch(chosen, self.device)

    def batches(self, learner: Translator) -> tuple[int, Callable[[Sequence[int]], Batch]]:
        """See :class:`Work`."""
        return len(self.support), self.batch

    def counted(self) -> int:
        """The pairs of the support."""
        return len(self.support)

    def score(self, start: Start[Translator], adapted: Adapted) -> Score:
        """chrF and BLEU of the whole test split; what is as it was is the same for all draws."""
        split = self.target.digests[TEST]
        tuned = not isinstance(self.cell.config, UnadaptedConfig)
        if not tuned and split in self._unadapted:
            return self._unadapted[split]
        pairs, beam = self.target.splits[TEST], start.learner.config.beam
        found = score_pairs(
            start.learner, adapted.params, self.model.subwords, pairs, beam, self.device
        )
        if not tuned:
            self._unadapted[split] = found
        return found

    def save(self, start: Start[Translator], adapted: Adapted, score: Score | None) -> None:
        """Write the adapted translator."""
        cell, target = self.cell, self.target
        assert cell.save is not None
        about: dict[str, Any] = {
            "target": target.name, "languages": target.languages, "method": cell.called,
            "tune": cell.tune, "draw": cell.draw, "seed": cell.seed,
            "support_pairs": len(cell.support), "sha256": target.digests[TRAIN],
            "from": dict(self.model.about), "synthetic": target.synthetic,
            f"test_{FIGURE.key}": None if score is None else round(score.value, 4),
            f"test_{FURTHER[0]}": None if score is None else round(score.further[FURTHER[0]], 4),
            "signatures": {} if score is None else signatures(),
        }  # fmt: skip
        made = adapted_translator(start.learner, adapted.params)
        save_model(TranslationModel(made, self.model.subwords, PRODUCT, about), cell.save)
