"""What the child process does: choose sentences, adapt to those annotated, propose, judge."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple, TypeAlias

import numpy as np
import torch

from fewshot_metalstm.adapt.picking import pick
from fewshot_metalstm.config import resolve
from fewshot_metalstm.kinds.tagging.adapt.card import tagger_card
from fewshot_metalstm.kinds.tagging.adapt.examples import adapt_model, task_of
from fewshot_metalstm.kinds.tagging.adapt.promising import promise, source_heads_of
from fewshot_metalstm.kinds.tagging.adapt.settings import AdaptRunConfig
from fewshot_metalstm.kinds.tagging.adapt.suggest import (
    SHORTEST,
    Candidate,
    mean_states,
    suggest,
)
from fewshot_metalstm.kinds.tagging.annotate.text import Text
from fewshot_metalstm.kinds.tagging.corpora.sentence import Sentence, Span
from fewshot_metalstm.kinds.tagging.formats import Document, Mention, to_sentences
from fewshot_metalstm.kinds.tagging.formats.overlaps import LONGEST
from fewshot_metalstm.kinds.tagging.tagger.confidence import Reading, read
from fewshot_metalstm.kinds.tagging.tagger.model import (
    CHECKPOINT,
    TAGGER,
    TaggerModel,
    load_model,
    save_model,
)
from fewshot_metalstm.kinds.tagging.tagger.possible import possible
from fewshot_metalstm.kinds.tagging.tagger.scoring import strict_scores
from fewshot_metalstm.pretrained import CARD
from fewshot_metalstm.seeds import numpy_generator
from fewshot_metalstm.writing import write_text

POOL = 2000  # open sentences that are read to choose from
FOLDS = 5
MOST_LIKELY = 30  # spans of a sentence beside those that are marked
DIVERSITY = 0.5
Spans: TypeAlias = dict[int, list[list[Any]]]
"""Of a sentence, by its number: [type, [[start, end]], probability] of each span."""


class Proposals(NamedTuple):
    """What a tagger marks in sentences, and what else may be a mention, the likeliest first."""

    of: Spans
    likely: Spans


class Learning:
    """A checkpoint and the tagger that was adapted last, for the sentences of a project."""

    def __init__(
        self, text: Text, checkpoint: Path, overrides: Sequence[str], seed: int, tagger: Path
    ) -> None:
        """Load the checkpoint, and the tagger if one was written at ``tagger`` before."""
        self.text, self.folder = text, tagger
        self.config = resolve(AdaptRunConfig, None, tuple(overrides), {"seed": seed})
        self.seed = seed
        self.checkpoint = load_model(checkpoint, CHECKPOINT)
        there = (tagger / "config.json").is_file()
        self.tagger = load_model(tagger, TAGGER) if there else None

    def adapt(self, examples: Sequence[Mapping[str, Any]]) -> TaggerModel:
        """A tagger of annotated sentences, which is written, and proposes from now on.

        Raises:
            UserError: no mention is annotated, or the tagger cannot be written.
        """
        made = self._adapted([self._sentence(each) for each in examples])
        save_model(made, self.folder)
        write_text(tagger_card(made, self.folder.absolute().name), self.folder / CARD)
        self.tagger = made
        return made

    def _adapted(self, sentences: Sequence[Sentence]) -> TaggerModel:
        return adapt_model(self.checkpoint, task_of(sentences), self.config, torch.device("cpu"))

    def folds(
        self, examples: Sequence[Mapping[str, Any]], goes_on: Callable[[], bool]
    ) -> list[float] | None:
        """F1 (0-100) on each fold of the annotated sentences, by a tagger of all the others.

        Folds that hold no mention, or all of them, say nothing and are left out.

        Args:
            goes_on: asked between folds; None is returned where it says no.
        """
        sentences = [self._sentence(each) for each in examples]
        order = numpy_generator(self.seed, "folds").permutation(len(sentences))
        found = []
        for fold in range(min(FOLDS, len(sentences))):
            if not goes_on():
                return None
            held = {int(i) for i in order[fold::FOLDS]}
            test = [sentences[i] for i in sorted(held)]
            train = [each for i, each in enumerate(sentences) if i not in held]
            if not _mentions(test) or not _mentions(train):
                continue
            made = self._adapted(train)
            readings = read(made, [each.tokens for each in test])
            gold = [each.tags for each in test]
            found.append(strict_scores(gold, [each.tags for each in readings]).f1)
        return found

    def first(self, number: int, closed: Sequence[int]) -> list[int]:
        """Sentences to begin with: they promise mentions of whatever type, and differ.

        Where the checkpoint keeps no source heads, sentences that are typical of the text, near the
        mean of all states: of a text with headings and lists, those that differ most from all
        others are these.
        """
        numbers, pool = self._pool(closed, ())
        if not pool:
            return []
        tokens = [each.tokens for each in pool]
        states = mean_states(self.checkpoint, tokens)
        if source_heads_of(self.checkpoint):
            value = promise(self.checkpoint, tokens)
        else:
            value = -np.linalg.norm(states - states.mean(0), axis=1).astype(np.float32)
        return [numbers[i] for i, _ in pick(value, states, number, DIVERSITY)]

    def next(
        self, number: int, closed: Sequence[int], examples: Sequence[Mapping[str, Any]]
    ) -> tuple[list[int], Proposals]:
        """Where the tagger expects most mistakes of its own, these first; and its proposals."""
        if self.tagger is None:
            return [], Proposals({}, {})
        known = [int(each["sentence"]) for each in examples]
        numbers, pool = self._pool(closed, known)
        if not pool:
            return [], Proposals({}, {})
        place = {id(each): i for i, each in zip(numbers, pool, strict=True)}
        found = suggest(self.tagger, pool, number, diversity=0.0)
        order = [place[id(each.candidate)] for each in found]
        readings = [each.reading for each in found]
        return order, self._proposals(order, [each.candidate for each in found], readings)

    def read(self, sentences: Sequence[int]) -> Proposals:
        """What the tagger proposes for sentences; nothing before there is one."""
        if self.tagger is None or not sentences:
            return Proposals({}, {})
        candidates = [self._candidate(i) for i in sentences]
        readings = read(self.tagger, [each.tokens for each in candidates])
        return self._proposals(sentences, candidates, readings)

    def _pool(
        self, closed: Sequence[int], known: Sequence[int]
    ) -> tuple[list[int], list[Candidate]]:
        """Open sentences that differ, drawn evenly where there are many."""
        left = np.setdiff1d(np.arange(len(self.text)), np.array(closed, np.int64))
        if len(left) > POOL:
            drawn = numpy_generator(self.seed, "pool", len(closed)).choice(left, POOL, False)
            left = np.sort(drawn)
        seen = {self._candidate(i).tokens for i in known}
        numbers, pool = [], []
        for i in left.tolist():
            candidate = self._candidate(i)
            tokens = candidate.tokens
            if len(tokens) >= SHORTEST and tokens not in seen:
                seen.add(tokens)
                numbers.append(i)
                pool.append(candidate)
        return numbers, pool

    def _candidate(self, number: int) -> Candidate:
        document = Document(str(number), self.text.sentence(number))
        return Candidate(document, tuple(self.text.tokens(number)))

    def _sentence(self, example: Mapping[str, Any]) -> Sentence:
        number = int(example["sentence"])
        text = self.text.sentence(number)
        mentions = tuple(_mention(name, pieces) for name, pieces in example["spans"])
        document = Document(
            str(number), text, mentions, sentences=((0, len(text)),),
            tokens=tuple(self.text.tokens(number)),
        )  # fmt: skip
        return next(iter(to_sentences(document, overlaps=LONGEST))).sentence

    def _proposals(
        self, numbers: Sequence[int], given: Sequence[Candidate], readings: Sequence[Reading]
    ) -> Proposals:
        assert self.tagger is not None
        others = possible(self.tagger, [each.tokens for each in given])
        made = Proposals({}, {})
        for number, candidate, reading, every in zip(numbers, given, readings, others, strict=True):
            read = [*zip(reading.mentions, reading.confidences, strict=True)]
            left = [each for each in every if each.span not in reading.mentions][:MOST_LIKELY]
            made.of[number] = list(_spans(candidate, read))
            made.likely[number] = list(_spans(candidate, left))
        return made


def _spans(candidate: Candidate, found: Iterable[tuple[Span, float]]) -> Iterator[list[Any]]:
    offsets = candidate.offsets
    for span, sure in found:
        yield [span.type, [[offsets[span.start][0], offsets[span.end - 1][1]]], round(sure, 3)]


def _mention(name: str, pieces: Sequence[Sequence[int]]) -> Mention:
    bounds = tuple((start, end) for start, end in pieces)
    return Mention(bounds[0][0], bounds[-1][1], name, fragments=bounds if len(bounds) > 1 else ())


def _mentions(sentences: Sequence[Sentence]) -> bool:
    return any(tag != "O" for each in sentences for tag in each.tags)
