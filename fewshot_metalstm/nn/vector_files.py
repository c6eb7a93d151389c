"""Word vectors as tensors of a model's file, and back."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import torch
from torch import Tensor

from fewshot_metalstm.nn.pieces import WordPieces
from fewshot_metalstm.nn.stored_rows import Quantised, Rows
from fewshot_metalstm.nn.vectors import Subwords, WordVectors

_MATRIX, _BUCKETS, _PIECES = "vectors.matrix", "vectors.buckets", "vectors.pieces"
ROWS = (_MATRIX, _BUCKETS, _PIECES)
"""Tensors that may be rows of numbers, in half precision or in a byte each."""
SCALE = "_scale"
"""Comes after the name of a tensor of rows in a byte a number, for that of their scales."""
_LONGEST_NGRAM = 64


def vector_tensors(vectors: WordVectors) -> dict[str, Tensor]:
    """The tensors of word vectors: half precision, or a byte a number with one scale a row."""
    tensors = _row_tensors(_MATRIX, vectors.matrix)
    if vectors.subwords is not None:
        tensors |= _row_tensors(_BUCKETS, vectors.subwords.buckets)
    if vectors.pieces is not None:
        tensors |= _row_tensors(_PIECES, vectors.pieces.matrix)
    return tensors


def vocabulary_of(vectors: WordVectors) -> dict[str, Any]:
    """The lists of words and pieces, for :func:`take_vectors`."""
    pieces = vectors.pieces
    return {"words": vectors.words} | ({} if pieces is None else {"pieces": pieces.pieces})


def about_vectors(vectors: WordVectors) -> dict[str, Any]:
    """What a model's config has to say of its word vectors for :func:`take_vectors`."""
    subwords, pieces = vectors.subwords, vectors.pieces
    about: dict[str, Any] = {
        "source": vectors.source,
        "subwords": subwords and {"min_n": subwords.min_n, "max_n": subwords.max_n},
    }
    if pieces is not None:
        about["pieces"] = {
            "source": pieces.source, "lower": pieces.lower, "unknown": pieces.unknown,
        }  # fmt: skip
    return about


def take_vectors(
    tensors: dict[str, Tensor], vocabulary: Mapping[str, Sequence[str]], about: Mapping[str, Any]
) -> WordVectors:
    """The word vectors of :func:`vector_tensors`, taken out of ``tensors``.

    Args:
        vocabulary: what :func:`vocabulary_of` gave.

    Raises:
        ValueError: they do not fit each other.
        LookupError: a tensor or a field is missing.
    """
    subwords = None
    if about["subwords"]:
        subwords = Subwords(_take_rows(tensors, _BUCKETS), **about["subwords"])
        if not len(subwords.buckets) or not 1 <= subwords.min_n <= subwords.max_n <= _LONGEST_NGRAM:
            raise ValueError("n-grams that cannot be")
    pieces = None
    if "pieces" in about:
        matrix = _take_rows(tensors, _PIECES)
        pieces = WordPieces(tuple(vocabulary["pieces"]), matrix, **about["pieces"])
    vectors = WordVectors(
        tuple(vocabulary["words"]), _take_rows(tensors, _MATRIX), subwords, about["source"], pieces
    )
    if len(vectors.words) != len(vectors.matrix):
        raise ValueError(f"{len(vectors.matrix)} vectors for {len(vectors.words)} words")
    return vectors


def quantised(vectors: WordVectors) -> bool:
    """Whether some rows are in a byte a number."""
    rows: list[Rows] = [vectors.matrix]
    if vectors.subwords is not None:
        rows.append(vectors.subwords.buckets)
    if vectors.pieces is not None:
        rows.append(vectors.pieces.matrix)
    return any(isinstance(each, Quantised) for each in rows)


def _row_tensors(name: str, rows: Rows) -> dict[str, Tensor]:
    if not isinstance(rows, Quantised):
        return {name: torch.from_numpy(rows)}
    return {name: torch.from_numpy(rows.codes), name + SCALE: torch.from_numpy(rows.scales)}


def _take_rows(tensors: dict[str, Tensor], name: str) -> Rows:
    rows = tensors.pop(name).numpy()
    if name + SCALE not in tensors:
        return rows
    return Quantised(rows, tensors.pop(name + SCALE).numpy())
