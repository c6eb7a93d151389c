"""Sentences between tokens that name their corpus: one model for several corpora.

A sentence of the corpus ``x`` is read as ``<x> ... <x>``, and both ends have the label ``S-<x>``.
So a model on the union of all corpora's labels is told whose guidelines hold. What is added for
reading is taken off again before anything is scored or shown.

The corpora share one head on the union of their labels. To tag text of one of them, only its own
labels compete, beside the sentinel's.

Source: the metaLSTM repository's multi-task training by sentinel tags.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import torch
from torch import Tensor

from fewshot_metalstm.kinds.tagging.corpora.sentence import (
    Sentence,
    Span,
    TokenLabels,
    like,
)
from fewshot_metalstm.meta.learner import Params

UNION = "union"
"""The name of the one head that all corpora share."""


def sentinel(corpus: str) -> str:
    """The token at both ends of a corpus' sentences, which is its entity type too."""
    return f"<{corpus}>"


def marked(tokens: Sequence[str], corpus: str) -> tuple[str, ...]:
    """Tokens between two sentinels; none where there are none."""
    end = sentinel(corpus)
    return (end, *tokens, end) if tokens else ()


def marked_sentence(sentence: Sentence, corpus: str) -> Sentence:
    """A sentence between two sentinels, which have a label of their own."""
    label = f"S-{sentinel(corpus)}"
    return Sentence(marked(sentence.tokens, corpus), (label, *sentence.tags, label))


def unmarked(tags: Sequence[str], corpus: str) -> tuple[str, ...]:
    """The tags between the sentinels; one that a token within got by mistake is ``O``."""
    own = f"S-{sentinel(corpus)}"
    return tuple("O" if tag == own else tag for tag in tags[1:-1])


def unmarked_mentions(
    mentions: Sequence[Span], confidences: Sequence[float], corpus: str
) -> tuple[tuple[Span, ...], tuple[float, ...]]:
    """Mentions of a marked sentence, and their confidences, as they stand in the plain one."""
    kept = [
        (Span(span.start - 1, span.end - 1, span.type), sure)
        for span, sure in zip(mentions, confidences, strict=True) if span.type != sentinel(corpus)
    ]  # fmt: skip
    return tuple(span for span, _ in kept), tuple(sure for _, sure in kept)


def with_sentinel(types: Sequence[str], corpus: str) -> tuple[str, ...]:
    """The types that compete in text of a corpus: its own, and the sentinel as the last."""
    return like(types, (*types, sentinel(corpus)))


def union_of(tasks: Mapping[str, Sequence[str]]) -> tuple[str, ...]:
    """All types of some tasks, each name once, and then the tasks' sentinels.

    Args:
        tasks: the types of each, by name.
    """
    names = sorted({name for types in tasks.values() for name in types})
    every = (*names, *map(sentinel, sorted(tasks)))
    labels = all(isinstance(types, TokenLabels) for types in tasks.values())
    return TokenLabels(every) if labels else every


def narrowed(params: Params, union: Sequence[str], types: Sequence[str]) -> Params:
    """``params`` with those rows of the head that are of ``types``, in their order."""
    rows = torch.tensor([union.index(name) for name in types])

    def chosen(value: Tensor) -> Tensor:
        return value.index_select(0, rows.to(value.device))

    return {n: chosen(v) if n.startswith("head_type") else v for n, v in params.items()}
