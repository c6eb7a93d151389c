"""Tagging sentences: batches of like length in, IOBES tags out, in the order of the input."""

from __future__ import annotations

from collections.abc import Sequence

import torch

from fewshot_metalstm.corpora.sentence import Sentence
from fewshot_metalstm.meta.learner import Params
from fewshot_metalstm.tagging.encoding import WordTable, labels, token_batches
from fewshot_metalstm.tagging.learner import Tagger

TOKENS = 4096  # padded tokens of a batch; a longer sentence stands alone, whole


def tag(
    learner: Tagger,
    params: Params,
    table: WordTable,
    sentences: Sequence[Sequence[str]],
    types: Sequence[str],
) -> list[tuple[str, ...]]:
    """Tag sentences given as tokens, under ``params``. A sentence without tokens gets no tags."""
    filled = [i for i, tokens in enumerate(sentences) if len(tokens) > 0]
    plain = [Sentence(tuple(sentences[i]), ("O",) * len(sentences[i])) for i in filled]
    encoded = table.encode(plain, types)
    names = labels(types)
    device = next(iter(params.values())).device
    tags: list[tuple[str, ...]] = [() for _ in sentences]
    with torch.no_grad():
        for chosen in token_batches(encoded, TOKENS):
            batch = table.batch(encoded.take(chosen)).to(device)
            for place, path in zip(chosen, learner.decode_with(params, batch), strict=True):
                tags[filled[place]] = tuple(names[i] for i in path)
    return tags
