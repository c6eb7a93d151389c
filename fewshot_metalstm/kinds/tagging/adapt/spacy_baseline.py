"""spaCy's NER, trained on the support alone: a blank English pipeline of its default sizes.

A convolutional encoder of hashed word features with a transition-based parser on top, trained as
spaCy's examples train on little data: many passes, high dropout, batches that grow. Documents are
made from tokens, so that nothing is tokenised anew.

Source: Honnibal et al., "spaCy: Industrial-strength Natural Language Processing in Python", 2020;
spaCy's example ``train_ner.py``.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Annotated, Any

from fewshot_metalstm import ranges
from fewshot_metalstm.errors import UserError
from fewshot_metalstm.kinds.tagging.corpora.schemes import Scheme, encode, spans
from fewshot_metalstm.kinds.tagging.corpora.sentence import Sentence, Span
from fewshot_metalstm.ranges import AtLeast0, AtLeast1, Positive, Range, ShareBelow1
from fewshot_metalstm.seeds import derive, global_generators, numpy_generator

_INSTALL = "pip install 'fewshot-metalstm[spacy]'"
_BLANK = "\u2423"  # what spaCy sees of a token of white space: it takes no mention with one


@dataclass(frozen=True)
class SpacyConfig:
    """Training of spaCy's NER."""

    epochs: AtLeast1 = 30  # passes over the support, at least
    min_steps: AtLeast0 = 600  # a small support is passed over more often, up to this many steps
    dropout: ShareBelow1 = 0.5  # share of the units that a step leaves out
    batch_from: Annotated[float, Range(least=1)] = 4.0  # sentences in the first step
    batch_to: Annotated[float, Range(least=1)] = 32.0  # and at most
    batch_growth: Annotated[float, Range(least=1)] = 1.001  # from step to step
    lr: Positive = 0.001  # of spaCy's Adam, whose other settings are its own


@dataclass(frozen=True)
class SpacyTagger:
    """A trained pipeline; ``losses`` are those of the passes, a sentence."""

    pipeline: Any
    losses: tuple[float, ...]
    about: Mapping[str, str | int]

    def tag_all(self, sentences: Sequence[Sequence[str]]) -> list[tuple[str, ...]]:
        """The tags of many sentences given as tokens; none for one without tokens."""
        documents = (_document(self.pipeline, tokens) for tokens in sentences)
        return [
            encode(
                (Span(e.start, e.end, e.label_) for e in document.ents), len(document), Scheme.IOBES
            )
            for document in self.pipeline.pipe(documents)
        ]


def train_spacy(sentences: Sequence[Sentence], config: SpacyConfig, seed: int) -> SpacyTagger:
    """Train on annotated sentences; ``seed`` fixes first weights, order and noise.

    Raises:
        UserError: no sentence, settings that cannot be, spaCy is not installed, or a loss that is
            not finite.
    """
    check_spacy(config)
    filled = [s for s in sentences if s.tokens]
    if not filled:
        raise UserError("the support is empty; give at least one annotated sentence")
    spacy = _spacy()
    # Its layers and their dropout draw from NumPy's global generator.
    with global_generators(seed, "spacy"):
        pipeline = spacy.blank("en")
        pipeline.add_pipe("ner")
        examples = [_example(spacy, pipeline, sentence) for sentence in filled]
        optimiser = pipeline.initialize(lambda: examples)
        optimiser.learn_rate = config.lr
        losses = []
        for chosen in _passes(len(examples), config, seed):
            total: dict[str, float] = {}
            for batch in chosen:
                pipeline.update(
                    [examples[i] for i in batch], sgd=optimiser, drop=config.dropout, losses=total
                )
            losses.append(float(total["ner"]) / len(examples))
            if not math.isfinite(losses[-1]):
                raise UserError(
                    f"the baseline spacy came to nothing: the loss of pass {len(losses)} is not "
                    f"finite at a learning rate of {config.lr:g}; set a lower spacy.lr"
                )
    return SpacyTagger(pipeline, tuple(losses), {"spacy": spacy.__version__})


def check_spacy(config: SpacyConfig) -> None:
    """Refuse settings that mean nothing, and a spaCy that is not there, in one line."""
    ranges.check(config, "spacy")
    if config.batch_from > config.batch_to:
        raise UserError(
            "spacy.batch_from, batch_to and batch_growth: batches grow from 1 or more; use for "
            "example 4, 32 and 1.001"
        )
    _spacy()


def _passes(sentences: int, config: SpacyConfig, seed: int) -> Iterator[list[list[int]]]:
    """Each pass over the support: its batches of indices."""
    step, size, epoch = 0, config.batch_from, 0
    while epoch < config.epochs or step < config.min_steps:
        order = numpy_generator(derive(seed, "order"), epoch).permutation(sentences).tolist()
        batches = []
        while order:
            batches.append(order[: int(size)])
            order = order[int(size) :]
            size = min(size * config.batch_growth, config.batch_to)
        yield batches
        step, epoch = step + len(batches), epoch + 1


def _document(pipeline: Any, tokens: Sequence[str]) -> Any:
    from spacy.tokens import Doc

    return Doc(pipeline.vocab, words=[_BLANK if t.isspace() else t for t in tokens])


def _example(spacy: Any, pipeline: Any, sentence: Sentence) -> Any:
    """A sentence as spaCy trains on it; a token outside every mention is known to be so."""
    gold = _document(pipeline, sentence.tokens)
    mentions = [spacy.tokens.Span(gold, m.start, m.end, label=m.type) for m in spans(sentence.tags)]
    gold.set_ents(mentions, default="outside")
    return spacy.training.Example(_document(pipeline, sentence.tokens), gold)


def _spacy() -> Any:
    try:
        import spacy
        import spacy.tokens
        import spacy.training
    except ImportError:
        raise UserError(
            f"the baseline spacy needs spaCy, which is not installed; {_INSTALL}"
        ) from None
    return spacy
