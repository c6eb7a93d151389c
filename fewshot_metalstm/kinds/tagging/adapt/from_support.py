"""Taggers that are made of a support as a checkpoint reads it, without a gradient step.

``prototypes``: a head of prototypes (:mod:`fewshot_metalstm.kinds.tagging.tagger.prototypes`),
which may be tuned afterwards like any head. ``nnshot`` and ``structshot``: the nearest tokens of
the support (:mod:`fewshot_metalstm.kinds.tagging.tagger.neighbours`), the latter with transitions
that were counted on the source tasks (:mod:`fewshot_metalstm.kinds.tagging.tagger.abstract`).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated, Any

import torch
from torch import nn

from fewshot_metalstm import ranges
from fewshot_metalstm.adapt.finetune import AdaptConfig, Nats
from fewshot_metalstm.adapt.prototypes import PrototypesConfig
from fewshot_metalstm.errors import UserError
from fewshot_metalstm.kinds.tagging.corpora.sentence import Sentence
from fewshot_metalstm.kinds.tagging.tagger.abstract import transition_scores
from fewshot_metalstm.kinds.tagging.tagger.encoding import WordTable, labels
from fewshot_metalstm.kinds.tagging.tagger.heads import support_batches, with_head
from fewshot_metalstm.kinds.tagging.tagger.learner import Tagger
from fewshot_metalstm.kinds.tagging.tagger.neighbours import neighbours_of
from fewshot_metalstm.kinds.tagging.tagger.prototypes import tokens_of
from fewshot_metalstm.meta.protonet import START_SCALE, learned_scale
from fewshot_metalstm.ranges import Range

NNSHOT, STRUCTSHOT = "nnshot", "structshot"


@dataclass(frozen=True)
class NeighboursConfig:
    """Adaptation by remembering the support."""

    # of structshot's transitions; 1 leaves them as counted
    temperature: Annotated[float, Range(above=0, most=1)] = 0.32
    lexicon: Nats = AdaptConfig.lexicon  # nats for what equals a mention of the support; 0: none


def check_neighbours(config: NeighboursConfig) -> None:
    """Refuse settings that mean nothing with a :class:`UserError`."""
    ranges.check(config, "neighbours")


@torch.no_grad()
def prototype_start(
    learner: Tagger, table: WordTable, support: Sequence[Sentence], types: Sequence[str],
    config: PrototypesConfig,
) -> Tagger:  # fmt: skip
    """A copy of ``learner`` with a head of prototypes for ``types``."""
    scale = config.scale or learned_scale(learner) or START_SCALE
    batches = list(support_batches(learner, table, support, types))
    head = learner.from_support(
        learner.initial(batches[0]), batches, learner.head_outside.new_tensor(scale)
    )
    return with_head(learner, head)


@torch.no_grad()
def neighbour_start(
    learner: Tagger, table: WordTable, support: Sequence[Sentence], types: Sequence[str],
    about: Mapping[str, Any], temperature: float | None,
) -> Tagger:  # fmt: skip
    """A copy of ``learner`` that tags by the nearest tokens of the support.

    Args:
        about: of the checkpoint, which has what was counted on its source tasks.
        temperature: of their transitions; None takes no account of them.

    Raises:
        UserError: the checkpoint has no such counts.
    """
    batches = list(support_batches(learner, table, support, types))
    start = with_head(learner, learner.initial(batches[0]))
    pieces = [tokens_of(learner.hidden(batch), batch) for batch in batches]
    start.neighbours = neighbours_of(
        [hidden for hidden, _ in pieces], [tags for _, tags in pieces], len(labels(types))
    )
    scores = torch.zeros_like(start.head_transitions)
    if temperature is not None:
        if "transitions" not in about:
            raise UserError(
                "the checkpoint has no transitions of its source tasks, which structshot needs; "
                "meta-train with --algorithm joint or structshot, or use nnshot"
            )
        scores = transition_scores(about["transitions"], len(types), temperature).to(scores)
    start.head_transitions = nn.Parameter(scores)
    return start
