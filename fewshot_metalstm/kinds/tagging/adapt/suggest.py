"""Which sentences to annotate next: where a tagger expects most mistakes, and that differ.

A user's cost is labels. Sentences are chosen as :mod:`fewshot_metalstm.adapt.picking` says. What
counts is the expected number of mentions that the tagger gets wrong or misses (:func:`mistakes`),
what is compared are the mean hidden states. Where no probabilities of spans are at hand (one label
a token, sentinels) it is 1 minus the probability of the tagging as a whole (least confidence:
Settles, Craven, "An Analysis of Active Learning Strategies for Sequence Labeling Tasks", EMNLP
2008, section 3.1).
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import torch

from fewshot_metalstm.adapt.picking import Matrix, check_diversity, pick
from fewshot_metalstm.errors import UserError
from fewshot_metalstm.kinds.tagging.checking.any_text import documents_of
from fewshot_metalstm.kinds.tagging.formats import Document, Mention, to_sentences
from fewshot_metalstm.kinds.tagging.formats.document import Bounds
from fewshot_metalstm.kinds.tagging.tagger.confidence import Reading, read
from fewshot_metalstm.kinds.tagging.tagger.decode import batches
from fewshot_metalstm.kinds.tagging.tagger.encoding import WordTable
from fewshot_metalstm.kinds.tagging.tagger.model import TaggerModel
from fewshot_metalstm.kinds.tagging.tagger.possible import Possible, gives_spans, possible

SHORTEST = 4  # tokens: less is a heading, and says little
WINDOW = 2048  # sentences that are read at once


@dataclass(frozen=True)
class Candidate:
    """A sentence that could be annotated: its document, and the bounds of its tokens there."""

    document: Document
    offsets: tuple[Bounds, ...]

    @property
    def tokens(self) -> tuple[str, ...]:
        """Its tokens."""
        return tuple(self.document.text[start:end] for start, end in self.offsets)


@dataclass(frozen=True)
class Suggestion:
    """A sentence worth annotating, as the tagger reads it; ``score`` is what it was chosen by.

    ``mistakes`` are those that are expected, see :func:`mistakes`; None where that is not known.
    """

    candidate: Candidate
    reading: Reading
    score: float
    mistakes: float | None = None

    @property
    def id(self) -> str:
        """The document's id and the offset of the sentence in it."""
        return f"{self.candidate.document.id}-{self.candidate.offsets[0][0]}"

    @property
    def text(self) -> str:
        """The sentence as it stands in its document."""
        offsets = self.candidate.offsets
        return self.candidate.document.text[offsets[0][0] : offsets[-1][1]]

    def as_document(self) -> Document:
        """A document of this sentence alone, annotated as the tagger reads it."""
        first = self.candidate.offsets[0][0]
        tokens = tuple((start - first, end - first) for start, end in self.candidate.offsets)
        mentions = tuple(
            Mention(
                tokens[span.start][0], tokens[span.end - 1][1], span.type, f"T{number}",
                attributes=(("confidence", f"{confidence:.3f}"),),
            )
            for number, (span, confidence) in enumerate(
                zip(self.reading.mentions, self.reading.confidences, strict=True), 1
            )
        )  # fmt: skip
        bounds = ((0, len(self.text)),)
        return Document(self.id, self.text, mentions, sentences=bounds, tokens=tokens)


def candidates(
    documents: Iterable[Document], known: Collection[tuple[str, ...]] = ()
) -> list[Candidate]:
    """The distinct sentences of documents, without short ones and those whose tokens are ``known``.

    What the documents say of mentions is not looked at.
    """
    seen = set(known)
    found = []
    for document in documents:
        bare = replace(document, mentions=())
        for placed in to_sentences(bare):
            tokens = placed.sentence.tokens
            if len(tokens) >= SHORTEST and tokens not in seen:
                seen.add(tokens)
                found.append(Candidate(bare, placed.offsets))
    return found


def sentences_of(path: Path, format: str | None = None) -> Iterator[tuple[str, ...]]:
    """The tokens of every sentence of a file, annotated or not."""
    for document in documents_of(path, format):
        for placed in to_sentences(replace(document, mentions=())):
            yield placed.sentence.tokens


def suggest(
    model: TaggerModel, pool: Sequence[Candidate], number: int, diversity: float = 0.5
) -> list[Suggestion]:
    """The ``number`` sentences of ``pool`` to annotate next, the most useful first.

    Args:
        diversity: 0 looks at expected mistakes alone, 1 (after the first) at difference alone.

    Raises:
        UserError: a diversity outside 0 to 1, or an empty pool.
    """
    check_diversity(diversity)
    if not pool:
        raise UserError(
            f"no sentence is left to suggest: none has {SHORTEST} tokens or more and is not "
            "excluded; give another file"
        )
    readings: list[Reading] = []
    doubts: list[float] = []
    states: list[Matrix] = []
    table = model.table()
    known = gives_spans(model)
    for start in range(0, len(pool), WINDOW):
        tokens = [candidate.tokens for candidate in pool[start : start + WINDOW]]
        found = read(model, tokens, table)
        readings += found
        if known:
            doubts += map(mistakes, found, possible(model, tokens, table, least=0.01))
        else:
            doubts += (reading.uncertainty for reading in found)
        # Without a say they are not needed.
        states.append(
            mean_states(model, tokens, table)
            if diversity
            else np.ones((len(tokens), 1), np.float32)
        )
    chosen = pick(np.array(doubts, np.float32), np.concatenate(states), number, diversity)
    return [
        Suggestion(pool[i], readings[i], score, doubts[i] if known else None) for i, score in chosen
    ]


def mistakes(reading: Reading, every: Sequence[Possible]) -> float:
    """The expected number of mentions that are wrong in a reading, and of those that it lacks.

    Args:
        every: spans that may be mentions, with their probabilities.
    """
    wrong = sum(1 - sure for sure in reading.confidences)
    return wrong + sum(chance for span, chance in every if span not in reading.mentions)


@torch.no_grad()
def mean_states(
    model: TaggerModel, sentences: Sequence[Sequence[str]], table: WordTable | None = None
) -> Matrix:
    """The mean of the LSTM's outputs over the tokens of each sentence.

    Args:
        table: one of ``model``'s that is kept between calls.

    Returns:
        (sentences, outputs).
    """
    learner = model.learner
    params = {name: value.detach() for name, value in learner.named_parameters()}
    table = model.table() if table is None else table  # a fresh one is empty, and so false
    states: dict[int, Matrix] = {}
    for places, batch, _ in batches(learner, params, table, sentences, model.types):
        hidden = learner.hidden(batch)  # (B, T, outputs), 0 at padding
        mean = hidden.sum(1) / batch.lengths[:, None]
        states |= zip(places, mean.float().cpu().numpy(), strict=True)
    return np.stack([states[i] for i in range(len(sentences))])
