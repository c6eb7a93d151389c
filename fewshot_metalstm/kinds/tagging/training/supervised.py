"""Supervised training of taggers: fresh or from a checkpoint, one task or several jointly."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Annotated, Any

import torch

from fewshot_metalstm import ranges
from fewshot_metalstm.adapt.finetune import MOST_NATS
from fewshot_metalstm.encoders.training import (
    EncodedVectorsConfig,
    encoder_of,
    keep_features,
    same_encoder,
    with_encoder,
    word_vectors,
)
from fewshot_metalstm.errors import UserError
from fewshot_metalstm.kinds.tagging.corpora.sentence import Sentence
from fewshot_metalstm.kinds.tagging.episodes.task import Task
from fewshot_metalstm.kinds.tagging.tagger.abstract import count_transitions
from fewshot_metalstm.kinds.tagging.tagger.decode import TOKENS, encode_characters
from fewshot_metalstm.kinds.tagging.tagger.encoding import Batch, Encoded, labels, token_batches
from fewshot_metalstm.kinds.tagging.tagger.heads import (
    SourceHead,
    choose_heads,
    remembered,
    source_heads,
    start_from,
)
from fewshot_metalstm.kinds.tagging.tagger.learned_sentences import digests_of
from fewshot_metalstm.kinds.tagging.tagger.lexicon import Lexicon, lexicon_of
from fewshot_metalstm.kinds.tagging.tagger.model import (
    CHECKPOINT,
    TAGGER,
    TaggerModel,
    adapted_model,
    load_model,
    new_tagger,
    save_model,
)
from fewshot_metalstm.kinds.tagging.tagger.network import TaggerConfig
from fewshot_metalstm.kinds.tagging.tagger.scoring import f1, figure_of, mention_counts, scored
from fewshot_metalstm.kinds.tagging.tagger.sentinels import (
    UNION,
    marked_sentence,
    narrowed,
    union_of,
    with_sentinel,
)
from fewshot_metalstm.kinds.tagging.training.recipe import check_sizes
from fewshot_metalstm.meta.config import TrainingConfig
from fewshot_metalstm.meta.learner import Params
from fewshot_metalstm.meta.make import recorded
from fewshot_metalstm.meta.outcome import Progress
from fewshot_metalstm.nn.crf import viterbi
from fewshot_metalstm.nn.sharing import SENTINEL
from fewshot_metalstm.ranges import Range
from fewshot_metalstm.seeds import numpy_generator
from fewshot_metalstm.train.about import trained_about
from fewshot_metalstm.train.settings import TrainSettings
from fewshot_metalstm.train.source import Evaluation, SupervisedSource

HEADS_BY = 1000  # train sentences that a source head is chosen by
LEXICON = "lexicon"  # what is tuned on devel
_NOISE = ("word_dropout", "input_dropout", "output_dropout", "context_dropout")


@dataclass(frozen=True)
class TaggerTrainConfig(TrainSettings):
    """Everything that supervised training of taggers depends on, besides data and code."""

    # nats for what equals a mention of the train split, when tagging: of several those that are
    # best on devel, the first where there is no devel split
    lexicon: Annotated[tuple[float, ...], Range(least=0, most=MOST_NATS)] = (2.0, 0.0, 4.0, 8.0)
    vectors: EncodedVectorsConfig = field(default_factory=EncodedVectorsConfig)
    tagger: TaggerConfig = field(default_factory=TaggerConfig)


class TaggingTraining(SupervisedSource):
    """Tagging tasks, for one run of supervised training."""

    product = TAGGER
    config: TaggerTrainConfig
    tasks: Sequence[Task]

    def __init__(self, config: TaggerTrainConfig, tasks: Sequence[Task]) -> None:
        ranges.check(config)
        check_sizes(config.tagger, config.vectors, config.start)
        if not config.lexicon:
            raise UserError("lexicon is empty; give nats, such as [2, 0]")
        self.tasks = tasks
        self.figure = figure_of(task.types for task in tasks)
        self._union: tuple[str, ...] = ()  # of all labels, where the tasks share one head
        self._by_name = {task.name: task for task in tasks}
        self._start: TaggerModel | None = None
        self._encoder = encoder_of(config.vectors)
        if config.start:
            self._start = load_model(Path(config.start), CHECKPOINT)
            same_encoder(self._encoder, self._start, config.start)
            self._encoder = self._start.encoder
            config = replace(config, tagger=_tagger_of(self._start, config.tagger, config.start))
        self.config = config
        if config.tagger.sharing == SENTINEL:
            self._union = union_of({task.name: task.types for task in tasks})
        self._lexicons: dict[str, Lexicon] = {}

    def fresh(self, progress: Progress) -> TaggerModel:
        """See :class:`SupervisedSource`; word vectors are trained on the text of train alone."""
        config = self.config
        if self._encoder is not None:
            every = [
                s.tokens for task in self.tasks for split in task.sizes for s in task.split(split)
            ]
            keep_features(self._encoder, every, progress)
        if self._start is not None:
            return _with_noise(self._start, config.tagger)
        text = [s for task in self.tasks for s in self._read(task, "train")]
        vocabulary = {word for sentence in text for word in sentence.tokens}
        vectors = word_vectors(
            [s.tokens for s in text], config.vectors, config.seed, progress, vocabulary
        )
        letters = tuple(sorted({letter for word in vocabulary for letter in word}))
        learner = new_tagger(
            with_encoder(config.tagger, self._encoder), vectors, letters, config.seed
        )
        return TaggerModel(learner, vectors, letters, encoder=self._encoder)

    def load(self, folder: Path) -> TaggerModel:
        """See :class:`SupervisedSource`."""
        return load_model(folder)

    def save(self, model: TaggerModel, folder: Path) -> None:
        """See :class:`SupervisedSource`."""
        save_model(replace(model, heads=()), folder)

    def use(
        self, model: TaggerModel, device: torch.device, learned: Mapping[str, Sequence[int]]
    ) -> None:
        """See :class:`SupervisedSource`: the lexicon is of what is learned from alone."""
        self._model, self._device = model, device
        self._table = model.table(keep=True)
        self._encoded: dict[tuple[str, str], Encoded] = {}
        self._to_learn: dict[str, Encoded] = {}  # of train, as it is learned from
        for task in self.tasks:
            for split in task.sizes:
                sentences = self._read(task, split)
                self._table.learn(sentences)
                encoded = self._table.encode(sentences, self._types(task))
                self._encoded[task.name, split] = encoded
            self._to_learn[task.name] = self._encoded[task.name, "train"]
            if self._union:
                marks = self._read(task, "train")
                self._to_learn[task.name] = self._table.encode(marks, self._union)
            train = [task.split("train")[i] for i in learned[task.name]]
            self._lexicons[task.name] = lexicon_of(train, task.types, 1.0)

    def _read(self, task: Task, split: str) -> Sequence[Sentence]:
        """The sentences of a split as they are read: between sentinels, if there are any."""
        sentences = task.split(split)
        return [marked_sentence(s, task.name) for s in sentences] if self._union else sentences

    def _types(self, task: Task) -> tuple[str, ...]:
        """The types that compete when a task is tagged."""
        return with_sentinel(task.types, task.name) if self._union else task.types

    def head_of(self, task: str) -> str:
        """See :class:`SupervisedSource`: with sentinels there is one head, for all."""
        return UNION if self._union else task

    def heads(self, model: TaggerModel) -> Mapping[str, Params]:
        """See :class:`SupervisedSource`.

        From a checkpoint with source heads each type takes the one with the lowest loss on some of
        the train split, as in adaptation.
        """
        if self._union:
            first = model.learner.initial(self.batch(self.tasks[0].name, "train", [0]))
            return {UNION: {name: first[name] for name in model.learner.private()}}
        sources = self._sources()
        if not sources:
            return super().heads(model)
        found: dict[str, Params] = {}
        for task in self.tasks:
            chosen = choose_heads(
                model.learner, sources, self._table, self._sample(task), task.types
            )
            started = dict(start_from(model.learner, chosen).named_parameters())
            found[task.name] = {name: started[name] for name in model.learner.private()}
        return found

    def _sources(self) -> Sequence[SourceHead]:
        start = self._start
        if start is None:
            return ()
        if start.learner.config.memory and not start.heads:
            return remembered(start.learner, start.about["memory"])
        return start.heads

    def _sample(self, task: Task) -> list[Sentence]:
        """Some of the train split, at most :data:`HEADS_BY`, those with mentions first."""
        train = task.split("train")
        order = numpy_generator(self.config.seed, "heads", task.name).permutation(len(train))
        shuffled = [train[i] for i in order]
        return sorted(shuffled, key=lambda sentence: set(sentence.tags) <= {"O"})[:HEADS_BY]

    def lengths(self, task: str) -> Sequence[int]:
        """See :class:`SupervisedSource`: tokens."""
        return [len(words) for words in self._encoded[task, "train"].words]

    def batch(self, task: str, split: str, items: Sequence[int]) -> Batch:
        """See :class:`SupervisedSource`."""
        encoded = self._to_learn[task] if split == "train" else self._encoded[task, split]
        return self._table.batch(encoded.take(items)).to(self._device)

    @torch.no_grad()
    def evaluate(
        self, task: str, split: str, items: Sequence[int], params: Params,
        tuned: Mapping[str, float] | None = None,
    ) -> Evaluation:  # fmt: skip
        """See :class:`SupervisedSource`: nats a sentence, and strict scores with the lexicon.

        What is chosen on devel is the lexicon's bonus.
        """
        own, learner, table = self._by_name[task], self._model.learner, self._table
        params = self._narrowed(params, own)
        encoded = self._encoded[task, split].take(items)
        read, types = self._read(own, split), self._types(own)
        sentences = [read[i] for i in items]
        letters = encode_characters(learner, params, table, encoded)
        transitions = params["head_transitions"]
        if tuned is None:
            bonuses = self.config.lexicon
        else:
            bonuses = (tuned.get(LEXICON, self.config.lexicon[0]),)
        paths: list[list[Sequence[int]]] = [[()] * len(sentences) for _ in bonuses]
        total = 0.0
        for chosen in token_batches(encoded, TOKENS):
            batch = table.batch(encoded.take(chosen), letters).to(self._device)
            scores = learner.emissions_with(params, batch)
            total += float(learner.losses_with(params, scores, batch).sum())
            prior = self._lexicon(task, 1.0).prior([sentences[i].tokens for i in chosen], types)
            for found, bonus in zip(paths, bonuses, strict=True):
                final = scores if prior is None else scores + bonus * prior.to(scores)
                decoded = viterbi(final, transitions, batch.lengths, one_a_token=batch.one_a_token)
                for place, path in zip(chosen, decoded, strict=True):
                    found[place] = path
        inner = slice(1, -1) if self._union else slice(None)
        gold = [tags.tolist()[inner] for tags in encoded.tags]
        paths = [[path[inner] for path in found] for found in paths]
        best = max(range(len(bonuses)), key=lambda i: f1(*mention_counts(gold, paths[i])))
        names = labels(own.types)
        # A label beyond the task's own is a sentinel's, which within a sentence is none.
        predicted = [tuple(names[i] if i < len(names) else "O" for i in path)
                     for path in paths[best]]  # fmt: skip
        score = scored(own.types, [s.tags[inner] for s in sentences], predicted)
        return Evaluation(total / len(sentences), score, {LEXICON: bonuses[best]})

    def _narrowed(self, params: Params, task: Task) -> Params:
        """``params`` with the rows of the head that compete when a task is tagged."""
        return narrowed(params, self._union, self._types(task)) if self._union else params

    def _lexicon(self, task: str, bonus: float) -> Lexicon:
        """The mentions that a task learns from, with so many nats."""
        return replace(self._lexicons[task], bonus=bonus)

    def save_model(
        self, model: TaggerModel, task: str, params: Params, folder: Path, about: Mapping[str, Any]
    ) -> None:
        """See :class:`SupervisedSource`."""
        own = self._by_name[task]
        tagger = adapted_model(model, self._narrowed(params, own), own.types, {
            "target": own.name, "method": "train", "tune": "all", "seed": self.config.seed,
            "draw": 0, "support_sentences": about.get("items", len(own.split("train"))),
            **trained_about(own, self.tasks, self._start, about, "f1"),
        }, self._lexicon(task, about["tuned"][LEXICON]),
            sentinel=own.name if self._union else "")  # fmt: skip
        save_model(tagger, folder)

    def save_joint(
        self, model: TaggerModel, shared: Params, heads: Mapping[str, Params], folder: Path,
        about: Mapping[str, Any],
    ) -> bool:  # fmt: skip
        """See :class:`SupervisedSource`: as ``meta-train --algorithm joint`` writes it."""
        learner = new_tagger(replace(model.learner.config, memory=0), model.vectors,
                             model.alphabet, 0)  # fmt: skip
        merged = learner.merge_private(list(heads.values()))
        with torch.no_grad():
            for name, value in learner.named_parameters():
                value.copy_({**shared, **merged}[name])
        before = {} if self._start is None else self._start.about
        families = {task.family for task in self.tasks} | set(before.get("families", ()))
        corpora = {task.corpus.name: dict(task.corpus.digests) for task in self.tasks}
        whole = {
            "suite": "+".join(task.name for task in self.tasks),
            "synthetic": any(task.synthetic for task in self.tasks),
            "targets_excluded": [],  # no sentences were left out for any target's sake
            "families": sorted(families),
            "algorithm": "joint",
            "recipe": recorded(TrainingConfig(algorithm="joint", seed=self.config.seed)),
            "seed": self.config.seed,
            "corpora": {**before.get("corpora", {}), **corpora},
            "transitions": count_transitions(self.tasks),
            **about,
        }
        types = {task.name: task.types for task in self.tasks}
        if self._union:
            types = {UNION: self._union[: -len(self.tasks)]}
        save_model(
            TaggerModel(learner, model.vectors, model.alphabet, about=whole,
                        heads=source_heads(heads, types),
                        sentences=self._learned(before), encoder=model.encoder),
            folder,
        )  # fmt: skip
        return True

    def _learned(self, before: Mapping[str, Any]) -> bytes:
        """Digests of what was learned from; none where those of the start are not known."""
        known = b"" if self._start is None else self._start.sentences
        if before and not known:
            return b""
        return digests_of((s for task in self.tasks for s in task.split("train")), known)


def _tagger_of(start: TaggerModel, wanted: TaggerConfig, name: str) -> TaggerConfig:
    """The checkpoint's sizes with the noise that is wanted; no other sizes may be asked for."""
    own = replace(start.learner.config, memory=0)
    given: dict[str, Any] = {key: getattr(own, key) for key in (*_NOISE, "context")}
    if replace(wanted, **given) not in (own, replace(TaggerConfig(), **given)):
        raise UserError(
            f"{name} has other sizes than the section tagger asks for; leave --cell, --sharing "
            "and the sizes out, or leave --start out"
        )
    return replace(own, **{key: getattr(wanted, key) for key in _NOISE})


def _with_noise(start: TaggerModel, config: TaggerConfig) -> TaggerModel:
    """The checkpoint with that noise; of it remains what any tagger has."""
    learner = new_tagger(config, start.vectors, start.alphabet, 0)
    given = dict(start.learner.named_parameters())
    with torch.no_grad():
        for name, value in learner.named_parameters():
            value.copy_(given[name])
    return TaggerModel(
        learner, start.vectors, start.alphabet, about=start.about, encoder=start.encoder
    )
