"""One cell of a few-shot table: a method, a draw, an adapted tagger and its score."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from fewshot_metalstm.adapt.finetune import AdaptConfig, Adapted, average, check
from fewshot_metalstm.kinds.tagging.adapt.crf_baseline import CrfConfig
from fewshot_metalstm.kinds.tagging.adapt.from_support import (
    STRUCTSHOT,
    NeighboursConfig,
    PrototypesConfig,
    neighbour_start,
    prototype_start,
)
from fewshot_metalstm.kinds.tagging.adapt.self_training import (
    SelfTrainingConfig,
    second_time,
    tagged,
)
from fewshot_metalstm.kinds.tagging.adapt.spacy_baseline import SpacyConfig
from fewshot_metalstm.kinds.tagging.adapt.tagger import adapt_to, adapted_model, score_split
from fewshot_metalstm.kinds.tagging.adapt.transformer_baseline import TransformerConfig
from fewshot_metalstm.kinds.tagging.adapt.tuning import UNTUNED, tuned_names
from fewshot_metalstm.kinds.tagging.corpora.sentence import Sentence
from fewshot_metalstm.kinds.tagging.episodes.task import Task
from fewshot_metalstm.kinds.tagging.tagger.encoding import WordTable
from fewshot_metalstm.kinds.tagging.tagger.heads import choose_heads, remembered, start_from
from fewshot_metalstm.kinds.tagging.tagger.learner import Tagger
from fewshot_metalstm.kinds.tagging.tagger.lexicon import Lexicon, lexicon_of
from fewshot_metalstm.kinds.tagging.tagger.model import TaggerModel, new_tagger, save_model
from fewshot_metalstm.kinds.tagging.tagger.scoring import Score
from fewshot_metalstm.seeds import derive

SCRATCH = "scratch"
CellConfig = AdaptConfig | NeighboursConfig | CrfConfig | SpacyConfig | TransformerConfig


@dataclass(frozen=True)
class Cell:
    """What to do: adapt by ``method`` on the support of ``draw``.

    ``support`` are indices into the target's train split; ``tune`` is ``basic`` (the basic LSTM
    and the head), ``head`` or ``all``, or one of :data:`UNTUNED`. ``save`` is where to write the
    tagger, or None; ``score`` is whether to score it on the test split. With ``unlabelled``
    sentences a learner that is tuned is adapted once more, by ``again``.
    """

    method: str
    draw: int
    seed: int
    support: tuple[int, ...]
    tune: str
    config: CellConfig
    save: Path | None = None
    score: bool = True
    unlabelled: tuple[tuple[str, ...], ...] = ()
    again: SelfTrainingConfig = field(default_factory=SelfTrainingConfig)

    @property
    def called(self) -> str:
        """What its results go by: with unlabelled text it is another method."""
        return f"{self.method}+unlabelled" if self.unlabelled else self.method

    @property
    def adaptation(self) -> AdaptConfig:
        """The settings of a cell that adapts a learner; ``TypeError`` for another."""
        if not isinstance(self.config, AdaptConfig):
            raise TypeError(f"{self.method} adapts no learner")
        return self.config

    def sentences(self, target: Task) -> list[Sentence]:
        """The annotated sentences of the support."""
        train = target.split("train")
        return [train[i] for i in self.support]

    @property
    def parts(self) -> int:
        """Adaptations that it averages, which can be done apart (:func:`run_part`)."""
        tunes = isinstance(self.config, AdaptConfig) and self.tune not in UNTUNED
        return self.adaptation.averages if tunes else 1

    @property
    def lexicon(self) -> float:
        """Nats for what equals a mention of the support, of a cell that adapts a learner."""
        if isinstance(self.config, NeighboursConfig):
            return self.config.lexicon
        return self.adaptation.lexicon


@dataclass(frozen=True)
class CellResult:
    """The outcome of a cell; ``score`` is None where nothing was scored.

    ``start`` names the source head that each entity type started from, where there are any;
    ``about`` is what a baseline is made of, which no checkpoint says.
    """

    method: str
    draw: int
    score: Score | None
    support_sentences: int
    support_mentions: int
    seconds: float  # of adaptation, without scoring
    losses: tuple[float, ...] = field(default=())
    start: Mapping[str, str] = field(default_factory=dict)
    about: Mapping[str, str | int] = field(default_factory=dict)


@dataclass(frozen=True)
class Part:
    """One of the adaptations that a cell averages, and the seconds that it took."""

    adapted: Adapted
    seconds: float


@dataclass(frozen=True)
class Start:
    """The learner that a cell adapts, and which source heads it has, by entity type."""

    learner: Tagger
    heads: Mapping[str, str]
    seconds: float  # to get it


def run_cell(cell: Cell, model: TaggerModel, target: Task, table: WordTable) -> CellResult:
    """Adapt, score on the whole test split and save, if the cell says so."""
    if not isinstance(cell.config, NeighboursConfig):
        check(cell.adaptation)
    start = start_of(cell, model, target, table)
    parts = run_parts(cell, model, target, table, start)
    return finish_cell(cell, parts, model, target, table, start)


def run_parts(
    cell: Cell, model: TaggerModel, target: Task, table: WordTable, start: Start
) -> list[Part]:
    """All adaptations that a cell averages; with unlabelled text, those of the second time."""
    parts = [run_part(cell, number, model, target, table, start) for number in range(cell.parts)]
    if not cell.unlabelled:
        return parts
    began = time.perf_counter()
    first = mean_of(cell, parts, start)
    lexicon = lexicon_of(cell.sentences(target), target.types, cell.lexicon)
    found = tagged(start.learner, first.params, table, cell.unlabelled, target.types, lexicon)
    spent = sum(part.seconds for part in parts) + time.perf_counter() - began
    again = [
        run_part(cell, number, model, target, table, start, found) for number in range(cell.parts)
    ]
    return [replace(again[0], seconds=again[0].seconds + spent), *again[1:]]


def adapted_by(
    cell: Cell, model: TaggerModel, target: Task, table: WordTable, start: Start
) -> Adapted:
    """The parameters that a cell ends with, when they are all that is wanted."""
    return mean_of(cell, run_parts(cell, model, target, table, start), start)


def mean_of(cell: Cell, parts: Sequence[Part], start: Start) -> Adapted:
    """The mean of the adaptations that a cell averages, given in order."""
    return average([part.adapted for part in parts], tuned_names(start.learner, cell.tune))


def run_part(
    cell: Cell, number: int, model: TaggerModel, target: Task, table: WordTable,
    start: Start | None = None, found: Sequence[Sentence] = (),
) -> Part:  # fmt: skip
    """The adaptation ``number``, from 0, of those that the cell averages.

    ``start`` is that of :func:`start_of`, where it is known already; ``found`` are the unlabelled
    sentences with a tagger's tags, in the second time.
    """
    start = start or start_of(cell, model, target, table)
    if cell.tune in UNTUNED:
        made = {name: value.detach() for name, value in start.learner.named_parameters()}
        return Part(Adapted(made, (), 0, False), 0.0)
    began = time.perf_counter()
    config, support = cell.adaptation, cell.sentences(target)
    if found:
        config = second_time(config, cell.again)
    adapted = adapt_to(
        start.learner, table, support, target.types, cell.tune, config,
        derive(cell.seed, "adapt", cell.draw), number, found,
    )  # fmt: skip
    return Part(adapted, time.perf_counter() - began)


def finish_cell(
    cell: Cell, parts: Sequence[Part], model: TaggerModel, target: Task, table: WordTable,
    start: Start | None = None,
) -> CellResult:  # fmt: skip
    """What :func:`run_cell` does when all parts are there, in order."""
    support = cell.sentences(target)
    start = start or start_of(cell, model, target, table)
    learner = start.learner
    adapted = mean_of(cell, parts, start)
    seconds = start.seconds + sum(part.seconds for part in parts)
    lexicon = lexicon_of(support, target.types, cell.lexicon)
    score = None
    if cell.score and "test" in target.corpus.splits:
        score = score_split(learner, adapted.params, table, target, "test", lexicon)
    if cell.save is not None:
        save_model(tagger_of(cell, adapted, model, target, start, lexicon, score), cell.save)
    return CellResult(
        cell.called, cell.draw, score, len(support), mentions_in(support), seconds,
        adapted.losses, start.heads,
    )  # fmt: skip


def tagger_of(
    cell: Cell, adapted: Adapted, model: TaggerModel, target: Task, start: Start,
    lexicon: Lexicon, score: Score | None = None,
) -> TaggerModel:  # fmt: skip
    """The tagger that a cell made, with what is known of where it came from."""
    about: dict[str, object] = {
        "target": target.name, "method": cell.called, "tune": cell.tune, "draw": cell.draw,
        "seed": cell.seed, "support_sentences": len(cell.support), "from": dict(model.about),
        **({"unlabelled_sentences": len(cell.unlabelled)} if cell.unlabelled else {}),
        "synthetic": target.corpus.synthetic,
        "test_f1": None if score is None else round(score.f1, 2),
    }  # fmt: skip
    if start.heads:
        about["start"] = dict(start.heads)
    made = adapted_model(model, adapted.params, target.types, about, lexicon)
    made.learner.neighbours = start.learner.neighbours
    return made


def mentions_in(sentences: Sequence[Sentence]) -> int:
    """How many mentions are annotated, of any type."""
    return sum(tag[0] in "BS" for sentence in sentences for tag in sentence.tags)


def start_of(cell: Cell, model: TaggerModel, target: Task, table: WordTable) -> Start:
    """What a cell adapts: the checkpoint's learner, or a fresh one for ``scratch``.

    With settings of prototypes or neighbours it is one that was made of the support already.
    Where there are source heads (of joint training alone, or in a memory) each type of the target
    gets the one with the lowest loss on the support.
    """
    began = time.perf_counter()
    learner = model.learner
    heads: Mapping[str, str] = {}
    if cell.method == SCRATCH:
        # The same sizes, vectors and alphabet; only the weights know nothing.
        device = next(learner.parameters()).device
        seed = derive(cell.seed, SCRATCH, cell.draw)
        sizes = replace(learner.config, memory=0)
        learner = new_tagger(sizes, model.vectors, model.alphabet, seed).to(device)
    elif isinstance(cell.config, PrototypesConfig):
        learner = prototype_start(learner, table, cell.sentences(target), target.types, cell.config)
    elif isinstance(cell.config, NeighboursConfig):
        temperature = cell.config.temperature if cell.tune == STRUCTSHOT else None
        learner = neighbour_start(
            learner, table, cell.sentences(target), target.types, model.about, temperature
        )
    elif cell.support and (model.heads or learner.config.memory):
        sources = model.heads or remembered(learner, model.about["memory"])
        chosen = choose_heads(learner, sources, table, cell.sentences(target), target.types)
        heads = {name: head.name for name, head in zip(target.types, chosen, strict=True)}
        learner = start_from(learner, chosen)
    return Start(learner, heads, time.perf_counter() - began)
