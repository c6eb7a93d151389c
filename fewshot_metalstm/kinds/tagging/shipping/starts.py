"""Making one checkpoint of several that were meta-trained apart, with a start for each."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from fewshot_metalstm.errors import UserError
from fewshot_metalstm.kinds.tagging.tagger.merged import beyond_meta_lstm
from fewshot_metalstm.kinds.tagging.tagger.model import TaggerModel
from fewshot_metalstm.kinds.tagging.tagger.network import TaggerConfig
from fewshot_metalstm.kinds.tagging.tagger.starts import FurtherStart, without_pieces
from fewshot_metalstm.nn.stored_rows import Rows
from fewshot_metalstm.nn.vectors import WordVectors, quantised_vectors


def further_start(model: TaggerModel, other: TaggerModel, place: str) -> FurtherStart:
    """The start of ``other``, for ``model`` to have besides.

    What is adapted from both is to be put together as one tagger, and what holds of the checkpoint
    is to hold of both: sizes, word vectors and what was learned from are the same. One of them may
    read with an encoder, or without the pieces that the other's word vectors have.

    Args:
        place: where ``other`` is, for messages.

    Raises:
        UserError: they do not fit, ``other`` has several starts, or is not of joint training alone.
    """
    if other.further:
        raise UserError(f"{place}: has several starts; give one that meta-train wrote")
    for each, name in ((model, "the checkpoint itself"), (other, place)):
        if not each.heads:
            raise UserError(
                f"{name}: has no source heads; several starts are for checkpoints of "
                "meta-train --algorithm joint"
            )
    said = [each.about.get("targets_excluded") for each in (model, other)]
    known = [each.sentences for each in (model, other) if each.sentences]
    if said[0] != said[1] or len(set(known)) > 1:
        raise UserError(
            f"{place}: has learned from other sentences; give one that was trained on the same "
            "suite with the same --exclude"
        )
    pieces = other.vectors.pieces is not None
    if other.alphabet != model.alphabet or not _same_vectors(model.vectors, other.vectors):
        raise UserError(
            f"{place}: has other word vectors; meta-train it with --set vectors.seed=N, the seed "
            "of the first, and the first with vectors.pieces if one of them has those"
        )
    if _alike(other.learner.config) != _alike(model.learner.config):
        raise UserError(f"{place}: is of other sizes; train it with the same settings of tagger")
    other_parts = beyond_meta_lstm(model.learner.config)
    if other_parts:
        raise UserError(
            f"{place}: several starts are for taggers with a Meta-LSTM alone, not {other_parts}"
        )
    return FurtherStart(other.learner, other.heads, other.encoder, pieces, other.about)


def check_together(model: TaggerModel) -> None:
    """Refuse what cannot be one checkpoint with a :class:`UserError`.

    That is starts that read with different encoders, or in different sizes, and a policy for
    another number of starts than there are.
    """
    every: list[TaggerModel | FurtherStart] = [model, *model.further]
    names = {each.encoder.sha256: each.encoder.name for each in every if each.encoder is not None}
    if len(names) > 1:
        raise UserError(
            f"the starts read with different encoders ({', '.join(sorted(names.values()))}); "
            "give such as have the same, or none"
        )
    sizes = {each.learner.config.context_size for each in every if each.encoder is not None}
    if len(sizes) > 1:
        raise UserError(
            "the starts map the encoder's features to different numbers (tagger.context_size "
            f"{', '.join(map(str, sorted(sizes)))}); give such as have the same"
        )
    if model.policy is not None and model.policy.starts != len(every):
        raise UserError(
            f"the policy has recipes for {model.policy.starts} starts, and there are {len(every)}; "
            "give --policy one for as many, or for one start"
        )


def _alike(config: TaggerConfig) -> TaggerConfig:
    """What of the sizes has to be the same."""
    usual = TaggerConfig()
    return replace(
        config, context=0, context_size=usual.context_size, context_dropout=usual.context_dropout
    )


def _same_vectors(vectors: WordVectors, other: WordVectors) -> bool:
    """Whether they are the same once they are in a byte a number; the other may lack the pieces."""
    if other.pieces is None:
        vectors = without_pieces(vectors)
    if vectors.words != other.words or (vectors.subwords is None) != (other.subwords is None):
        return False
    if (vectors.pieces is None) != (other.pieces is None):
        return False
    return all(
        one.shape == two.shape and np.array_equal(one[:], two[:])
        for one, two in zip(_rows(vectors), _rows(other), strict=True)
    )


def _rows(vectors: WordVectors) -> list[Rows]:
    """Everything that is looked up, in a byte a number."""
    small = quantised_vectors(vectors)
    subwords = [] if small.subwords is None else [small.subwords.buckets]
    pieces = [] if small.pieces is None else [small.pieces.matrix]
    return [small.matrix, *subwords, *pieces]
