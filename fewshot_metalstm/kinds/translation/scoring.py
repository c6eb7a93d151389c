"""Translations of whole texts, a batch of sentences of about the same length at a time."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import torch
from torch import Tensor

from fewshot_metalstm.kinds.translation.encoding import CPU, encode_sources, sentences
from fewshot_metalstm.kinds.translation.learner import Translator
from fewshot_metalstm.kinds.translation.model import TranslationModel
from fewshot_metalstm.kinds.translation.pairs import Pairs
from fewshot_metalstm.kinds.translation.score import Score, score
from fewshot_metalstm.kinds.translation.search import longest
from fewshot_metalstm.kinds.translation.subwords import Subwords

_AT_ONCE = 240  # translations that are followed at a time, of all sentences together
_SUBWORDS = 24_000  # of their sentences, padding among them


def translate(
    learner: Translator, params: Mapping[str, Tensor], subwords: Subwords, texts: Sequence[str],
    beam: int, device: torch.device = CPU,
) -> tuple[list[str], int]:  # fmt: skip
    """The translations of some sentences, in their order.

    Returns:
        beside them how many were ended where they were longest.
    """
    rows = encode_sources(texts, subwords)
    order = sorted(range(len(rows)), key=lambda i: -len(rows[i]))
    found = [""] * len(rows)
    cut, first = 0, 0
    while first < len(order):
        size = max(1, min(_AT_ONCE, _SUBWORDS // len(rows[order[first]])) // beam)
        chosen = order[first : first + size]
        first += size
        batch = sentences([rows[i] for i in chosen], device)
        written = learner.translations(params, batch, beam)
        for place, numbers in zip(chosen, written, strict=True):
            found[place] = subwords.text(numbers)
            cut += len(numbers) >= longest(len(rows[place])) - 1
    return found, cut


def score_pairs(
    learner: Translator, params: Mapping[str, Tensor], subwords: Subwords, pairs: Pairs,
    beam: int, device: torch.device = CPU,
) -> Score:  # fmt: skip
    """The score of the translations of some pairs' sentences."""
    found, _ = translate(learner, params, subwords, pairs.sources, beam, device)
    return score(found, pairs.targets)


def score_model(model: TranslationModel, pairs: Pairs) -> Score:
    """The score of a model on some pairs."""
    learner = model.learner
    params = dict(learner.named_parameters())
    device = next(learner.parameters()).device
    return score_pairs(learner, params, model.subwords, pairs, learner.config.beam, device)
