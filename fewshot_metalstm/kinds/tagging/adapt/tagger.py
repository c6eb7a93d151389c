"""A learner and annotated sentences: tuned on them, scored on them, a tagger of its own."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from fewshot_metalstm.adapt.finetune import AdaptConfig, Adapted, finetune
from fewshot_metalstm.errors import UserError
from fewshot_metalstm.figure import Score
from fewshot_metalstm.kinds.tagging.adapt.self_training import beside
from fewshot_metalstm.kinds.tagging.adapt.tuning import tuned_names
from fewshot_metalstm.kinds.tagging.corpora.sentence import Sentence
from fewshot_metalstm.kinds.tagging.episodes.task import Task
from fewshot_metalstm.kinds.tagging.tagger.decode import tag
from fewshot_metalstm.kinds.tagging.tagger.encoding import Batch, WordTable
from fewshot_metalstm.kinds.tagging.tagger.learner import Tagger
from fewshot_metalstm.kinds.tagging.tagger.lexicon import Lexicon
from fewshot_metalstm.kinds.tagging.tagger.scoring import scored
from fewshot_metalstm.meta.learner import Params


def support_batch(
    learner: Tagger, table: WordTable, support: Sequence[Sentence], types: Sequence[str],
    pseudo_labelled: Sequence[Sentence] = (),
) -> tuple[int, Callable[[Sequence[int]], Batch]]:  # fmt: skip
    """How many items a learner passes over to adapt to annotated sentences, and their batches.

    Where there are sentences that a tagger has tagged (``pseudo_labelled``), it is these that are
    passed over, each beside one of the support.
    """
    if not support:
        raise UserError("the support is empty; give at least one annotated sentence")
    encoded = table.encode([*pseudo_labelled, *support], types)
    device = next(learner.parameters()).device

    def batch(chosen: Sequence[int]) -> Batch:
        taken = beside(chosen, len(pseudo_labelled), len(support)) if pseudo_labelled else chosen
        return table.batch(encoded.take(taken)).to(device)

    return len(pseudo_labelled) or len(support), batch


def adapt_to(
    learner: Tagger,
    table: WordTable,
    support: Sequence[Sentence],
    types: Sequence[str],
    tune: str,
    config: AdaptConfig,
    seed: int,
) -> Adapted:
    """Adapt ``learner`` (left as it is) to annotated sentences over ``types``."""
    items, batch = support_batch(learner, table, support, types)
    return finetune(learner, tuned_names(learner, tune), items, batch, config, seed)


def score_split(
    learner: Tagger, params: Params, table: WordTable, target: Task, split: str,
    lexicon: Lexicon | None = None,
) -> Score:  # fmt: skip
    """The scores on a whole split: strict F1, or accuracy where every token has a label."""
    sentences = target.split(split)
    tokens = [s.tokens for s in sentences]
    predicted = tag(learner, params, table, tokens, target.types, lexicon)
    return scored(target.types, [s.tags for s in sentences], predicted)
