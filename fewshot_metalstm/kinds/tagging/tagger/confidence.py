"""How sure a tagger is: the probability of each mention that it tags, and of a whole sentence.

The probabilities are those of the CRF under the same emissions, with the lexicon's prior, that
decoding uses: of a mention, of all the taggings together that hold exactly this one (first token,
last token and type). They are the model's own opinion and not calibrated; a tagger adapted to a
few sentences is surer than it is right.

Source: Culotta, McCallum, "Confidence Estimation for Information Extraction", HLT-NAACL 2004
(constrained forward-backward); for the uncertainty of a sentence Settles, Craven, "An Analysis of
Active Learning Strategies for Sequence Labeling Tasks", EMNLP 2008, section 3.1 (least confidence).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import chain

import numpy as np
import torch
from torch import Tensor

from fewshot_metalstm.kinds.tagging.corpora.schemes import spans
from fewshot_metalstm.kinds.tagging.corpora.sentence import Span, TokenLabels
from fewshot_metalstm.kinds.tagging.tagger.decode import batches, without_sentinel
from fewshot_metalstm.kinds.tagging.tagger.encoding import WordTable, labels
from fewshot_metalstm.kinds.tagging.tagger.learner import Tagger
from fewshot_metalstm.kinds.tagging.tagger.lexicon import Lexicon
from fewshot_metalstm.kinds.tagging.tagger.model import TaggerModel
from fewshot_metalstm.kinds.tagging.tagger.sentinels import (
    marked,
    unmarked,
    unmarked_mentions,
    with_sentinel,
)
from fewshot_metalstm.meta.learner import Params
from fewshot_metalstm.nn.crf import mention_marginals, negative_log_likelihood, viterbi


@dataclass(frozen=True, slots=True)
class Reading:
    """How a tagger reads a sentence.

    ``tags`` are those of :func:`~fewshot_metalstm.kinds.tagging.tagger.decode.tag`, ``mentions``
    what they mark, from left to right, and ``confidences`` the probability of each, 0 to 1.
    ``uncertainty`` is 1 minus the probability of the tags as a whole, 0 to 1: what else the
    sentence may mean.
    """

    tags: tuple[str, ...] = ()
    mentions: tuple[Span, ...] = ()
    confidences: tuple[float, ...] = ()
    uncertainty: float = 0.0


def read(
    model: TaggerModel, sentences: Sequence[Sequence[str]], table: WordTable | None = None
) -> list[Reading]:
    """Read sentences, given as tokens, with an adapted tagger, in their order.

    ``table`` is one of ``model``'s that is kept between calls; the model stays where it is, on
    CPU or GPU.
    """
    params = {n: p.detach() for n, p in model.learner.named_parameters()}
    table = model.table() if table is None else table  # a fresh one is empty, and so false
    return read_with(model.learner, params, table, sentences, model.types, model.lexicon)


@torch.no_grad()
def read_with(
    learner: Tagger,
    params: Params,
    table: WordTable,
    sentences: Sequence[Sequence[str]],
    types: Sequence[str],
    lexicon: Lexicon | None = None,
) -> list[Reading]:
    """Read sentences under ``params``.

    Arguments are those of :func:`~fewshot_metalstm.kinds.tagging.tagger.decode.tag`. A sentence
    without tokens has no tags and no uncertainty.
    """
    if learner.sentinel:
        corpus, learner = learner.sentinel, without_sentinel(learner)
        ends = [marked(tokens, corpus) for tokens in sentences]
        found = read_with(learner, params, table, ends, with_sentinel(types, corpus), lexicon)
        return [_unmarked(reading, corpus) for reading in found]
    names = labels(types)
    single = isinstance(types, TokenLabels)
    transitions = params["head_transitions"]
    readings = [Reading() for _ in sentences]
    for places, batch, prior in batches(learner, params, table, sentences, types, lexicon):
        emissions = learner.emissions_with(params, batch, prior)
        paths = viterbi(emissions, transitions, batch.lengths, one_a_token=single)
        tags = [tuple(names[i] for i in path) for path in paths]
        mentions = [
            tuple(spans(row)) if any(path) else () for row, path in zip(tags, paths, strict=True)
        ]
        confidences = _confidences(emissions, transitions, batch.lengths, mentions, types)
        best = _log_probabilities(emissions, transitions, batch.lengths, paths, single)
        others = (-best.expm1()).clamp(min=0.0).tolist()
        for place, *reading in zip(places, tags, mentions, confidences, others, strict=True):
            readings[place] = Reading(*reading)
    return readings


def _unmarked(reading: Reading, corpus: str) -> Reading:
    """A reading of a sentence without the sentinels at its ends."""
    mentions = unmarked_mentions(reading.mentions, reading.confidences, corpus)
    return Reading(unmarked(reading.tags, corpus), *mentions, reading.uncertainty)


def _confidences(
    emissions: Tensor, transitions: Tensor, lengths: Tensor,
    mentions: Sequence[Sequence[Span]], types: Sequence[str],
) -> list[tuple[float, ...]]:  # fmt: skip
    """The probability of every mention of every sentence."""
    place = {name: i for i, name in enumerate(types)}
    rows = [
        (row, span.start, span.end, place[span.type])
        for row, found in enumerate(mentions)
        for span in found
    ]
    if not rows:
        return [()] * len(mentions)
    wanted = torch.tensor(rows, device=emissions.device)
    single = isinstance(types, TokenLabels)
    chances = mention_marginals(emissions, transitions, lengths, wanted, one_a_token=single)
    # A sum of many rounded terms may lie a rounding above 1.
    left = iter(chances.clamp(0.0, 1.0).tolist())
    return [tuple(next(left) for _ in found) for found in mentions]


def _log_probabilities(
    emissions: Tensor, transitions: Tensor, lengths: Tensor, paths: Sequence[Sequence[int]],
    single: bool,
) -> Tensor:  # fmt: skip
    """Logarithms of the probabilities of whole paths, (B,) on the CPU."""
    padded = np.zeros(emissions.shape[:2], np.int64)
    inside = np.arange(padded.shape[1]) < lengths.cpu().numpy()[:, None]
    padded[inside] = list(chain.from_iterable(paths))
    tags = torch.from_numpy(padded).to(lengths.device)
    return -negative_log_likelihood(emissions, transitions, tags, lengths, one_a_token=single).cpu()
