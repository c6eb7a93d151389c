"""From sentences to tensors: distinct words with their features, and where they stand."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import accumulate, chain, pairwise

import numpy as np
import torch
from torch import Tensor

from fewshot_metalstm.encoders.features import Features, FeatureSource
from fewshot_metalstm.kinds.tagging.corpora.sentence import Sentence, TokenLabels
from fewshot_metalstm.nn.vectors import WordVectors
from fewshot_metalstm.nn.words import CASE_FEATURES as CASE_FEATURES
from fewshot_metalstm.nn.words import Ints, WordFeatures, in_order_of_use
from fewshot_metalstm.nn.words import case_features as case_features


@dataclass(frozen=True)
class Batch:
    """Sentences as tensors. U distinct words, B sentences, T tokens in the longest.

    ``vectors`` (U, V) float, ``characters`` (U, L) int64 padded with 0, or (U, filters) float where
    they are encoded already, ``case`` (U, 8) float,
    ``index`` (B, T) int64 into the U words, ``lengths`` (B,) int64, ``tags`` (B, T) int64
    into ``O, B-, I-, E-, S-`` of each type; padding holds 0. ``types`` counts entity types.
    ``barred`` are places of a tagger's memory that the task may not start from. ``one_a_token``
    says that every token has a label: its tag is the ``S-`` of a type, and no other can be.
    ``context`` (N, C) float are the features that a frozen encoder gives the N tokens, sentence
    by sentence; None where there is none.
    """

    vectors: Tensor
    characters: Tensor
    case: Tensor
    index: Tensor
    lengths: Tensor
    tags: Tensor
    types: int
    barred: tuple[int, ...] = ()
    one_a_token: bool = False
    context: Tensor | None = None

    def __len__(self) -> int:
        return len(self.lengths)

    def to(self, device: torch.device) -> Batch:
        """The same batch on ``device``."""
        moved = {k: v.to(device) for k, v in vars(self).items() if isinstance(v, Tensor)}
        return replace(self, **moved)  # type: ignore[arg-type]


@dataclass(frozen=True)
class Encoded:
    """Sentences as rows of a :class:`WordTable`: cheap to keep, quick to batch.

    ``context`` are the features of a frozen encoder, (tokens, C) a sentence, where there is one.
    """

    words: tuple[Ints, ...]
    tags: tuple[Ints, ...]
    types: int
    one_a_token: bool = False
    context: tuple[Features, ...] = ()

    def __len__(self) -> int:
        return len(self.words)

    def take(self, indices: Sequence[int]) -> Encoded:
        """The sentences at ``indices``, in that order."""
        return Encoded(
            tuple(self.words[i] for i in indices), tuple(self.tags[i] for i in indices),
            self.types, self.one_a_token,
            tuple(self.context[i] for i in indices) if self.context else (),
        )  # fmt: skip


def labels(types: Sequence[str]) -> tuple[str, ...]:
    """``O`` and ``B-, I-, E-, S-`` of every type, in the order of the head's rows."""
    return ("O", *(f"{kind}-{name}" for name in types for kind in "BIES"))


class WordTable(WordFeatures):
    """Features of every word met so far, and batches of sentences made of them.

    Args:
        context: gives features of words in their sentences, which stand in batches beside these.
    """

    def __init__(
        self, vectors: WordVectors, alphabet: Sequence[str], context: FeatureSource | None = None
    ) -> None:
        super().__init__(vectors, alphabet)
        self.context = context

    def encode(self, sentences: Sequence[Sentence], types: Sequence[str]) -> Encoded:
        """Encode sentences whose tags are IOBES over ``types``; another tag is a ``KeyError``."""
        self._learn_words(sentences)
        tag_of = {tag: i for i, tag in enumerate(labels(types))}
        # All at once, then cut: an array for each sentence would cost more than its words.
        total = sum(map(len, sentences))
        words = self.rows_of(chain.from_iterable(s.tokens for s in sentences), total)
        tags = np.fromiter(
            map(tag_of.__getitem__, chain.from_iterable(s.tags for s in sentences)), np.int64, total
        )
        bounds = list(pairwise(accumulate(map(len, sentences), initial=0)))
        features = (
            [] if self.context is None else self.context.features([s.tokens for s in sentences])
        )
        return Encoded(
            tuple([words[a:b] for a, b in bounds]),
            tuple([tags[a:b] for a, b in bounds]),
            len(types),
            isinstance(types, TokenLabels),
            tuple(features),
        )

    def learn(self, sentences: Sequence[Sentence]) -> None:
        """Look up the features of all words at once, before sentences are encoded one by one."""
        self._learn_words(sentences)
        if self.context is not None:
            self.context.learn([s.tokens for s in sentences])

    def _learn_words(self, sentences: Sequence[Sentence]) -> None:
        self.learn_words(chain.from_iterable(s.tokens for s in sentences))

    def batch(self, encoded: Encoded, letters: Tensor | None = None) -> Batch:
        """Pad encoded sentences to a :class:`Batch`. Raises ``ValueError`` if there are none.

        ``letters`` are encodings of the characters of all words of this table, (words, filters),
        which the batch then holds in place of characters.
        """
        if not encoded.words:
            raise ValueError("a batch needs at least one sentence")
        lengths = np.array([len(w) for w in encoded.words])
        distinct, inverse = in_order_of_use(np.concatenate(encoded.words))
        index = np.zeros((len(lengths), lengths.max()), np.int64)
        tags = np.zeros_like(index)
        inside = np.arange(lengths.max()) < lengths[:, None]
        index[inside] = inverse
        tags[inside] = np.concatenate(encoded.tags)
        if letters is None:
            letters = self.characters(distinct)
        else:
            letters = letters[torch.from_numpy(distinct).to(letters.device)]
        context = None
        if encoded.context:
            context = torch.from_numpy(np.concatenate(encoded.context).astype(np.float32))
        return Batch(
            torch.from_numpy(self.vectors(distinct)), letters,
            torch.from_numpy(self.case(distinct)), torch.from_numpy(index),
            torch.from_numpy(lengths), torch.from_numpy(tags), encoded.types,
            one_a_token=encoded.one_a_token, context=context,
        )  # fmt: skip


def token_batches(encoded: Encoded, tokens: int) -> list[list[int]]:
    """Split sentences into batches of like length with at most ``tokens`` padded tokens.

    A sentence longer than ``tokens`` stands alone; none is cut or left out.
    """
    order = sorted(range(len(encoded)), key=lambda i: len(encoded.words[i]))
    batches: list[list[int]] = []
    for i in order:
        if batches and (len(batches[-1]) + 1) * len(encoded.words[i]) <= tokens:
            batches[-1].append(i)
        else:
            batches.append([i])
    return batches
