"""Baselines that know nothing but the support: train on it, score on the whole test split."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from fewshot_metalstm.adapt.cell import CellResult
from fewshot_metalstm.kinds.tagging.adapt.cell import TaggingCell, mentions_in
from fewshot_metalstm.kinds.tagging.adapt.crf_baseline import CrfConfig, tag_all, train_crf
from fewshot_metalstm.kinds.tagging.adapt.spacy_baseline import SpacyConfig, train_spacy
from fewshot_metalstm.kinds.tagging.adapt.transformer_baseline import (
    TransformerConfig,
    train_transformer,
)
from fewshot_metalstm.kinds.tagging.corpora.sentence import Sentence
from fewshot_metalstm.kinds.tagging.episodes.task import Task
from fewshot_metalstm.kinds.tagging.tagger.scoring import scored
from fewshot_metalstm.seeds import derive


@dataclass(frozen=True)
class Trained:
    """A tagger that a baseline made: how it tags sentences given as tokens, and what to tell."""

    tag: Callable[[Sequence[Sequence[str]]], list[tuple[str, ...]]]
    losses: tuple[float, ...] = ()
    about: Mapping[str, str | int] = field(default_factory=dict)


def run_crf(cell: TaggingCell, target: Task, held: Callable[[], object]) -> CellResult:
    """A linear-chain CRF on hand-made features."""
    del held
    config = cell.config
    if not isinstance(config, CrfConfig):
        raise TypeError("a cell of the CRF holds its settings")

    def train(support: Sequence[Sentence]) -> Trained:
        chain = train_crf(support, config)
        return Trained(lambda sentences: tag_all(chain, sentences))

    return _run_baseline(cell, target, train)


def run_spacy(cell: TaggingCell, target: Task, held: Callable[[], object]) -> CellResult:
    """spaCy's NER."""
    del held
    config = cell.config
    if not isinstance(config, SpacyConfig):
        raise TypeError("a cell of spaCy's NER holds its settings")

    def train(support: Sequence[Sentence]) -> Trained:
        tagger = train_spacy(support, config, derive(cell.seed, "spacy", cell.draw))
        return Trained(tagger.tag_all, tagger.losses, tagger.about)

    return _run_baseline(cell, target, train)


def run_transformer(cell: TaggingCell, target: Task, held: Callable[[], object]) -> CellResult:
    """A pretrained transformer, fine-tuned."""
    del held
    config = cell.config
    if not isinstance(config, TransformerConfig):
        raise TypeError("a cell of the transformer holds its settings")

    def train(support: Sequence[Sentence]) -> Trained:
        seed = derive(cell.seed, "transformer", cell.draw)
        tagger = train_transformer(support, target.types, config, seed)
        return Trained(tagger.tag_all, tagger.losses, tagger.about)

    return _run_baseline(cell, target, train)


def _run_baseline(
    cell: TaggingCell, target: Task, train: Callable[[Sequence[Sentence]], Trained]
) -> CellResult:
    """Train on the support, score on the whole test split."""
    support = cell.sentences(target)
    began = time.perf_counter()
    trained = train(support)
    seconds = time.perf_counter() - began
    score = None
    if cell.score and "test" in target.corpus.splits:
        test = target.split("test")
        found = trained.tag([s.tokens for s in test])
        score = scored(target.types, [s.tags for s in test], found)
    return CellResult(
        cell.method, cell.draw, score, len(support), mentions_in(support), seconds,
        trained.losses, about=trained.about,
    )  # fmt: skip
