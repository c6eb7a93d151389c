"""A checkpoint's adaptation policy at work on taggers: signals of a support, and recipes.

Signals are measured on the support alone, under the start that the source heads give:

- ``shots``: mentions of the rarest type;
- ``types``: entity types;
- ``known``: F1 of the start on the support before anything is tuned, 0 to 1. Where a source task
  knew the type, most of its mentions are found already; where none did, nearly none are;
- ``loss``: of the start on the support, in nats a mention;
- ``recurring``: the share of mentions that the support's other mentions would find by a word or a
  shape (:mod:`~fewshot_metalstm.kinds.tagging.adapt.recurrence`), 0 to 1;
- ``probe``: the share that a head finds which was tuned on other sentences of the support, on the
  start's states (:mod:`~fewshot_metalstm.kinds.tagging.adapt.probe`): F1, 0 to 1;
- ``own``: ``recurring`` less ``probe``. Where the support knows its own mentions better than what
  the sources taught can find them, this is in the way.

A recipe may begin some groups of parameters anew (:func:`group_of`), as a whole or in part.
"""

from __future__ import annotations

import copy
from collections.abc import Mapping, Sequence

import torch

from fewshot_metalstm.adapt.finetune import AdaptConfig
from fewshot_metalstm.adapt.policy import AUTO, NONE, Choice, Policy
from fewshot_metalstm.errors import UserError
from fewshot_metalstm.kinds.tagging.adapt.probe import probed
from fewshot_metalstm.kinds.tagging.adapt.recurrence import recurring
from fewshot_metalstm.kinds.tagging.corpora.schemes import spans
from fewshot_metalstm.kinds.tagging.corpora.sentence import Sentence
from fewshot_metalstm.kinds.tagging.tagger.decode import tag
from fewshot_metalstm.kinds.tagging.tagger.encoding import WordTable
from fewshot_metalstm.kinds.tagging.tagger.heads import support_batches
from fewshot_metalstm.kinds.tagging.tagger.learner import Tagger
from fewshot_metalstm.kinds.tagging.tagger.scoring import strict_scores

GROUPS = {
    "characters": "characters.", "basic": "lstm.basic_", "meta": "lstm.meta_",
    "context": "context_",
}  # fmt: skip
HEAD = "head"
SIGNALS = ("shots", "types", "known", "loss", "recurring", "probe", "own")


def group_of(name: str) -> str:
    """The group of a parameter, one of :data:`GROUPS` or ``head``.

    ``basic`` and ``meta`` are the LSTMs; ``context`` maps the features of a frozen encoder.
    """
    return next((group for group, start in GROUPS.items() if name.startswith(start)), HEAD)


def decided(recipe: str, policy: Policy | None, config: AdaptConfig, tune: str) -> Policy | None:
    """The policy that a cell follows, if it follows one.

    With ``auto`` that is the checkpoint's, unless a setting of how to adapt is not the default, or
    not all is tuned: what the user says goes.

    Raises:
        UserError: a recipe is named, and the checkpoint has no policy, or not all is tuned.
    """
    if recipe == NONE:
        return None
    if recipe == AUTO:
        # The lexicon is about decoding, which no recipe changes.
        usual = AdaptConfig(lexicon=config.lexicon)
        return policy if tune == "all" and config == usual else None
    if policy is None:
        raise UserError(
            f"recipe {recipe!r}: the checkpoint has no policy, which names recipes; use {AUTO} or "
            f"{NONE}, or give it one with pack --policy"
        )
    if tune != "all":
        raise UserError(f"recipe {recipe!r} tunes all, not {tune}; leave one of them out")
    return policy


def check_policy(policy: Policy, place: str) -> None:
    """Refuse a policy that is none for taggers with a :class:`UserError`.

    Args:
        place: the file, for messages.
    """
    signals = {condition.signal for rule in policy.rules for condition in rule.when}
    groups = {group for recipe in policy.recipes.values() for group in recipe.anew}
    for what, found, known in (
        ("signal", signals, SIGNALS), ("group", groups, (*GROUPS, HEAD))
    ):  # fmt: skip
        unknown = sorted(found - set(known))
        if unknown:
            raise UserError(
                f"{place}: has the {what} {unknown[0]!r}, which a tagger has not; use "
                f"{', '.join(known)}"
            )


def chosen(
    recipe: str, policy: Policy, learner: Tagger, table: WordTable, support: Sequence[Sentence],
    types: Sequence[str],
) -> Choice:  # fmt: skip
    """What the policy chooses for a support, or the recipe that is named."""
    if recipe != AUTO:
        return policy.named(recipe)
    return policy.choose(signals_of(learner, table, support, types))


def signals_of(
    learner: Tagger, table: WordTable, support: Sequence[Sentence], types: Sequence[str]
) -> dict[str, float]:
    """The signals of a support under ``learner``, as it starts on these types."""
    batches = list(support_batches(learner, table, support, types))
    params = {name: value.detach() for name, value in learner.initial(batches[0]).items()}
    found = tag(learner, params, table, [s.tokens for s in support], types)
    score = strict_scores([s.tags for s in support], found)
    each = dict.fromkeys(types, 0)
    for sentence in support:
        for span in spans(sentence.tags):
            each[span.type] += 1
    with torch.no_grad():
        total = sum(float(learner.loss(params, batch)) * len(batch) for batch in batches)
    again, found_by_head = recurring(support), probed(learner, table, support, types)
    return {
        "shots": float(min(each.values())),
        "types": float(len(types)),
        "known": score.f1 / 100,
        "loss": total / max(1, sum(each.values())),
        "recurring": again,
        "probe": found_by_head,
        "own": again - found_by_head,
    }


@torch.no_grad()
def begun_anew(learner: Tagger, fresh: Tagger, anew: Mapping[str, float]) -> Tagger:
    """A copy of ``learner`` with so much of ``fresh`` in each group of parameters.

    Args:
        fresh: a tagger of the same sizes, with a head of one type or of as many.
        anew: the share of fresh weights by group, 0 to 1.

    Raises:
        UserError: a group that is none.
    """
    unknown = next((group for group in anew if group not in (*GROUPS, HEAD)), None)
    if unknown is not None:
        raise UserError(
            f"the policy has the group {unknown!r}; a tagger has {', '.join((*GROUPS, HEAD))}"
        )
    made = copy.deepcopy(learner)
    weights = dict(fresh.named_parameters())
    for name, value in made.named_parameters():
        share = anew.get(group_of(name), 0.0)
        if share and name in weights:  # what a meta-learner learned beside is in no fresh one
            value.lerp_(weights[name].to(value).expand_as(value), share)
    return made
