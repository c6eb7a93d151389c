"""Tagging sentences: batches of like length in, IOBES tags out, in the order of the input."""

from __future__ import annotations

import copy
from collections.abc import Iterator, Sequence

import numpy as np
import torch
from torch import Tensor
from torch.func import functional_call

from fewshot_metalstm.kinds.tagging.corpora.sentence import Sentence
from fewshot_metalstm.kinds.tagging.tagger.encoding import (
    Batch,
    Encoded,
    WordTable,
    labels,
    token_batches,
)
from fewshot_metalstm.kinds.tagging.tagger.learner import Tagger
from fewshot_metalstm.kinds.tagging.tagger.lexicon import Lexicon
from fewshot_metalstm.kinds.tagging.tagger.sentinels import marked, unmarked, with_sentinel
from fewshot_metalstm.meta.learner import Params

TOKENS = 4096  # padded tokens of a batch; a longer sentence stands alone, whole
WORDS = 512  # words whose characters are encoded at once


def tag(
    learner: Tagger,
    params: Params,
    table: WordTable,
    sentences: Sequence[Sequence[str]],
    types: Sequence[str],
    lexicon: Lexicon | None = None,
) -> list[tuple[str, ...]]:
    """Tag sentences given as tokens, under ``params``. A sentence without tokens gets no tags.

    A ``lexicon`` has a say in what is a mention. A learner with a sentinel reads it at both ends.
    """
    if learner.sentinel:
        corpus, learner = learner.sentinel, without_sentinel(learner)
        ends = [marked(tokens, corpus) for tokens in sentences]
        found = tag(learner, params, table, ends, with_sentinel(types, corpus), lexicon)
        return [unmarked(tags, corpus) for tags in found]
    names = labels(types)
    tags: list[tuple[str, ...]] = [() for _ in sentences]
    for places, batch, prior in batches(learner, params, table, sentences, types, lexicon):
        paths = learner.decode_with(params, batch, prior)
        for place, path in zip(places, paths, strict=True):
            tags[place] = tuple(names[i] for i in path)
    return tags


def without_sentinel(learner: Tagger) -> Tagger:
    """The same learner, to be given sentences that have their sentinels already."""
    plain = copy.copy(learner)
    plain.sentinel = ""
    return plain


def batches(
    learner: Tagger,
    params: Params,
    table: WordTable,
    sentences: Sequence[Sequence[str]],
    types: Sequence[str],
    lexicon: Lexicon | None = None,
) -> Iterator[tuple[list[int], Batch, Tensor | None]]:
    """What :func:`tag` decodes: where a batch's sentences stand, the batch, the lexicon's prior.

    Sentences without tokens are in no batch.
    """
    lexicon = lexicon or Lexicon()
    filled = [i for i, tokens in enumerate(sentences) if len(tokens) > 0]
    plain = [Sentence(tuple(sentences[i]), ("O",) * len(sentences[i])) for i in filled]
    encoded = table.encode(plain, types)
    device = next(iter(params.values())).device
    with torch.no_grad():
        letters = encode_characters(learner, params, table, encoded)
    for chosen in token_batches(encoded, TOKENS):
        batch = table.batch(encoded.take(chosen), letters).to(device)
        prior = lexicon.prior([plain[i].tokens for i in chosen], types)
        yield [filled[i] for i in chosen], batch, prior


def encode_characters(
    learner: Tagger, params: Params, table: WordTable, encoded: Encoded
) -> Tensor:
    """Encodings of the characters of every word in ``encoded`` under ``params``.

    The parameters are fixed in prediction, so a word has one encoding, whatever batches it is in.

    Returns:
        (words of ``table``, filters), in the order of the table; zero where a word is not used.
    """
    prefix = "characters."
    own = {n.removeprefix(prefix): p for n, p in params.items() if n.startswith(prefix)}
    letters = own["bias"].new_zeros(len(table), len(own["bias"]))
    rows = np.unique(np.concatenate([np.zeros(0, np.int64), *encoded.words]))
    rows = rows[np.argsort(table.word_lengths(rows), kind="stable")]  # like lengths: less padding
    for start in range(0, len(rows), WORDS):
        chosen = rows[start : start + WORDS]
        characters = table.characters(chosen).to(letters.device)
        places = torch.from_numpy(chosen).to(letters.device)
        letters[places] = functional_call(learner.characters, own, (characters,))
    return letters
