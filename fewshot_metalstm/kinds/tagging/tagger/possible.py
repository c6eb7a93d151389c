"""What else a tagger holds for possible: every span that may be a mention, with its probability.

Decoding gives the one tagging that is likeliest as a whole. A person who looks it over wants to see
what it left out, too: spans of up to :data:`LONGEST` tokens whose probability under the CRF
(:func:`fewshot_metalstm.nn.crf.mention_marginals`) is not negligible.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import torch

from fewshot_metalstm.kinds.tagging.corpora.sentence import Span, TokenLabels
from fewshot_metalstm.kinds.tagging.tagger.decode import batches
from fewshot_metalstm.kinds.tagging.tagger.encoding import WordTable
from fewshot_metalstm.kinds.tagging.tagger.model import TaggerModel
from fewshot_metalstm.nn.crf import mention_marginals

LONGEST = 8  # tokens
LEAST = 0.02


class Possible(NamedTuple):
    """A span that may be a mention, and the probability that it is, 0 to 1."""

    span: Span
    chance: float


def gives_spans(model: TaggerModel) -> bool:
    """Whether :func:`possible` finds spans: not where each token has one label, or by sentinels."""
    return not (model.learner.sentinel or isinstance(model.types, TokenLabels))


@torch.no_grad()
def possible(
    model: TaggerModel, sentences: Sequence[Sequence[str]], table: WordTable | None = None,
    *, longest: int = LONGEST, least: float = LEAST,
) -> list[tuple[Possible, ...]]:  # fmt: skip
    """The spans of each sentence with a probability of at least ``least``, the likeliest first.

    Args:
        sentences: as tokens.
        table: one of ``model``'s that is kept between calls.
        longest: tokens of a span.

    Returns:
        A tuple for each sentence; all are empty for a learner that gives each token one label or
        reads sentinels.
    """
    found: list[tuple[Possible, ...]] = [()] * len(sentences)
    if not gives_spans(model):
        return found
    learner, types = model.learner, model.types
    params = {name: value.detach() for name, value in learner.named_parameters()}
    table = model.table() if table is None else table
    for places, batch, prior in batches(learner, params, table, sentences, types, model.lexicon):
        emissions = learner.emissions_with(params, batch, prior)
        rows = _spans(batch.lengths.cpu().numpy(), len(types), longest)
        chances = mention_marginals(
            emissions, params["head_transitions"], batch.lengths,
            torch.from_numpy(rows).to(emissions.device),
        ).cpu().numpy()  # fmt: skip
        kept: dict[int, list[Possible]] = {}
        for i in np.flatnonzero(chances >= least).tolist():
            row, start, end, number = rows[i].tolist()
            chance = min(1.0, float(chances[i]))  # a sum of many rounded terms
            kept.setdefault(row, []).append(Possible(Span(start, end, types[number]), chance))
        for row, every in kept.items():
            found[places[row]] = tuple(sorted(every, key=_order))
    return found


def _order(each: Possible) -> tuple[float, int, int, str]:
    return (-each.chance, each.span.start, each.span.end, each.span.type)


def _spans(lengths: npt.NDArray[np.int64], types: int, longest: int) -> npt.NDArray[np.int64]:
    """Every span of sentences of these lengths: (spans, 4) of sentence, start, end, type."""
    rows = []
    sizes = np.arange(1, longest + 1)
    for row, length in enumerate(lengths.tolist()):
        starts = np.repeat(np.arange(length), longest)
        ends = starts + np.tile(sizes, length)
        inside = ends <= length
        pairs = np.column_stack([np.full(inside.sum(), row), starts[inside], ends[inside]])
        each = np.repeat(pairs, types, axis=0)
        rows.append(np.column_stack([each, np.tile(np.arange(types), len(pairs))]))
    return np.concatenate(rows).astype(np.int64)
