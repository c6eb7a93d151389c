"""A learner and annotated sentences: tuned on them, scored on them, a tagger of its own."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from fewshot_metalstm.adapt.finetune import AdaptConfig, Adapted, finetune
from fewshot_metalstm.errors import UserError
from fewshot_metalstm.figure import Score
from fewshot_metalstm.kinds.tagging.adapt.self_training import beside
from fewshot_metalstm.kinds.tagging.adapt.tuning import tuned_names
from fewshot_metalstm.kinds.tagging.corpora.sentence import Sentence, TokenLabels
from fewshot_metalstm.kinds.tagging.episodes.task import Task
from fewshot_metalstm.kinds.tagging.tagger.decode import tag
from fewshot_metalstm.kinds.tagging.tagger.encoding import Batch, WordTable
from fewshot_metalstm.kinds.tagging.tagger.learner import Tagger
from fewshot_metalstm.kinds.tagging.tagger.lexicon import Lexicon
from fewshot_metalstm.kinds.tagging.tagger.model import TaggerModel
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


def practice(
    model: TaggerModel, table: WordTable, target: Task, support: Sequence[int]
) -> tuple[int, Callable[[Sequence[int]], Batch]]:
    """What an adapted tagger is trained on further: sentences of a target's train split.

    Raises:
        UserError: as :func:`known_to` does, or a tagger whose head is not trained.
    """
    if model.learner.neighbours is not None or model.learner.sentinel:
        how = "by nearest neighbours" if model.learner.sentinel == "" else "with sentinels"
        raise UserError(f"a tagger {how} is not trained further; leave --train out")
    known = known_to(model, target)
    train = target.split("train")
    return support_batch(model.learner, table, [train[i] for i in support], known.types)


def known_to(model: TaggerModel, target: Task) -> Task:
    """A target with the types of a tagger, in the tagger's order.

    Raises:
        UserError: the target has a type that the tagger does not know, or labels of another sort.
    """
    if isinstance(model.types, TokenLabels) != isinstance(target.types, TokenLabels):
        has, wants = ("a label for every token", "mentions")
        if not isinstance(model.types, TokenLabels):
            has, wants = wants, has
        raise UserError(
            f"{target.name} is annotated with {wants}, and the tagger gives {has}; read the "
            "text with --scheme token if every token has a label, and without it if not"
        )
    unknown = sorted(set(target.types) - set(model.types))
    if unknown:
        raise UserError(
            f"{target.name} has the type {unknown[0]}, which the tagger does not know "
            f"(its types: {', '.join(model.types)}); evaluate on text with the tagger's types"
        )
    return type(target)(target.name, target.corpus, model.types)


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
