"""One cell of a table of taggers: what it holds beyond other kinds' cells, and how it is done."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from fewshot_metalstm.adapt.cell import SCRATCH, Cell, CellResult
from fewshot_metalstm.adapt.finetune import AdaptConfig, Adapted, average, check
from fewshot_metalstm.adapt.plan import algorithm_of
from fewshot_metalstm.adapt.policy import AUTO, NONE, Recipe, given_by_user
from fewshot_metalstm.adapt.prototypes import PrototypesConfig
from fewshot_metalstm.adapt.work import Start, Work
from fewshot_metalstm.config import as_mapping
from fewshot_metalstm.data.digests import sha256
from fewshot_metalstm.errors import UserError
from fewshot_metalstm.figure import Score
from fewshot_metalstm.kinds.tagging.adapt.from_support import (
    STRUCTSHOT,
    NeighboursConfig,
    neighbour_start,
    prototype_start,
)
from fewshot_metalstm.kinds.tagging.adapt.policy import begun_anew, chosen, decided
from fewshot_metalstm.kinds.tagging.adapt.recurrence import recurring
from fewshot_metalstm.kinds.tagging.adapt.self_training import (
    SelfTrainingConfig,
    second_time,
    tagged,
)
from fewshot_metalstm.kinds.tagging.adapt.tagger import score_split, support_batch
from fewshot_metalstm.kinds.tagging.adapt.teacher import Teacher, tags_as_it_is
from fewshot_metalstm.kinds.tagging.adapt.tuning import tuned_names
from fewshot_metalstm.kinds.tagging.corpora.sentence import Sentence
from fewshot_metalstm.kinds.tagging.episodes.task import Task
from fewshot_metalstm.kinds.tagging.tagger.encoding import WordTable
from fewshot_metalstm.kinds.tagging.tagger.heads import choose_heads, remembered, start_from
from fewshot_metalstm.kinds.tagging.tagger.learner import Tagger
from fewshot_metalstm.kinds.tagging.tagger.lexicon import lexicon_of
from fewshot_metalstm.kinds.tagging.tagger.merged import merged, merged_config, together, widened
from fewshot_metalstm.kinds.tagging.tagger.model import (
    TAGGER,
    TaggerModel,
    adapted_model,
    load_model,
    new_tagger,
    save_model,
)
from fewshot_metalstm.kinds.tagging.tagger.threshold import favouring_mentions
from fewshot_metalstm.seeds import derive


@dataclass(frozen=True)
class TaggingCell(Cell):
    """A cell that may have unlabelled sentences: a learner that is tuned learns from them too.

    ``tune`` is ``basic`` (the basic LSTM and the head), ``head``, ``all``, or one of
    :data:`~fewshot_metalstm.kinds.tagging.adapt.tuning.UNTUNED`; ``again`` are the settings of the
    second adaptation, and ``teacher`` is who tags those sentences (None: the learner itself).
    ``recipe`` is that of the checkpoint's policy to adapt by, ``auto`` or ``none``.
    """

    unlabelled: tuple[tuple[str, ...], ...] = ()
    again: SelfTrainingConfig = field(default_factory=SelfTrainingConfig)
    recipe: str = AUTO
    teacher: Teacher | None = None

    @property
    def called(self) -> str:
        """What its results go by: with unlabelled text, or a teacher, it is another method."""
        if not self.unlabelled:
            return self.method
        return f"{self.method}+teacher" if self.teacher else f"{self.method}+unlabelled"

    def further_settings(self) -> dict[str, Any]:
        """The unlabelled text and its settings, where there is any; a recipe that is named."""
        named = {} if self.recipe == AUTO else {"recipe": self.recipe}
        if not self.unlabelled:
            return named
        text = "\n".join(" ".join(tokens) for tokens in self.unlabelled)
        again = as_mapping(self.again)
        taught = {"teacher": self.teacher.digest} if self.teacher else {}
        return {**named, "unlabelled": sha256(text.encode()), "self_training": again, **taught}

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
    def lexicon(self) -> float:
        """Nats for what equals a mention of the support, of a cell that adapts a learner."""
        if isinstance(self.config, NeighboursConfig):
            return self.config.lexicon
        return self.adaptation.lexicon


class TaggingWork(Work[Tagger]):
    """A cell of a checkpoint's learner, or of a fresh one of its sizes."""

    cell: TaggingCell
    target: Task

    def __init__(
        self, cell: TaggingCell, model: TaggerModel, target: Task, table: WordTable
    ) -> None:
        super().__init__(cell, target)
        self.model = model
        self.table = table
        self.support = cell.sentences(target)
        self.lexicon = lexicon_of(self.support, target.types, cell.lexicon)

    def start(self) -> Start[Tagger]:
        """The checkpoint's learner, or a fresh one for ``scratch``.

        With settings of prototypes or neighbours it is one that was made of the support already.
        Where there are source heads (of joint training alone, or in a memory) each type of the
        target gets the one with the lowest loss on the support.
        """
        cell, model, types = self.cell, self.model, self.target.types
        began = time.perf_counter()
        learner = model.learner
        heads: Mapping[str, str] = {}
        if cell.method == SCRATCH:
            learner = self._fresh()
        elif isinstance(cell.config, PrototypesConfig):
            learner = prototype_start(learner, self.table, self.support, types, cell.config)
        elif isinstance(cell.config, NeighboursConfig):
            temperature = cell.config.temperature if cell.tune == STRUCTSHOT else None
            learner = neighbour_start(
                learner, self.table, self.support, types, model.about, temperature
            )
        elif cell.support and (model.heads or learner.config.memory):
            sources = model.heads or remembered(learner, model.about["memory"])
            found = choose_heads(learner, sources, self.table, self.support, types)
            heads = {name: head.name for name, head in zip(types, found, strict=True)}
            learner = start_from(learner, found)
        start = Start(learner, heads, time.perf_counter() - began)
        return start if cell.method == SCRATCH else self._by_policy(start)

    def _fresh(self, start: int = 0) -> Tagger:
        """A tagger of the same sizes, vectors and alphabet; only the weights know nothing."""
        model = self.model.of_start(start)
        device = next(model.learner.parameters()).device
        further = (start,) if start else ()  # the fresh weights of each start are its own
        seed = derive(self.cell.seed, SCRATCH, self.cell.draw, *further)
        sizes = replace(model.learner.config, memory=0)
        return new_tagger(sizes, model.vectors, model.alphabet, seed).to(device)

    def _by_policy(self, start: Start[Tagger]) -> Start[Tagger]:
        """The start as the recipe that the checkpoint's policy chooses has it, if one does."""
        cell = self.cell
        if not isinstance(cell.config, AdaptConfig) or not cell.support:
            if cell.recipe not in (AUTO, NONE):
                raise UserError(
                    f"recipe {cell.recipe!r} adapts a tagger, and {cell.tune} tunes nothing; leave "
                    "one of them out"
                )
            return start
        policy = decided(cell.recipe, self.model.policy, cell.config, cell.tune)
        if policy is None:
            return start
        began = time.perf_counter()
        learner = start.learner
        choice = chosen(
            cell.recipe, policy, learner, self.table, self.support, self.target.types
        )  # fmt: skip
        recipe = policy.recipes[choice.recipe]
        every = [policy.recipes[name] for name in recipe.mean] or [recipe]
        given = given_by_user(cell.config)
        starts = {0: start}
        for number in {one.start for one in every} - {0}:
            starts[number] = self._further(number)
        # What a mean sets itself is of each of its parts.
        parts = [
            self._by_recipe(
                starts[one.start], replace(recipe.applied(one.applied(cell.config)), **given), one
            ) for one in every
        ]  # fmt: skip
        seconds = start.seconds + time.perf_counter() - began
        if not recipe.mean and not recipe.start:
            return replace(parts[0], seconds=seconds, choice=choice)
        return Start(
            self._together(parts), start.heads, seconds, parts[0].config, choice,
            tuple(parts), recipe.weights,
        )  # fmt: skip

    def _further(self, number: int) -> Start[Tagger]:
        """A start of the checkpoint beside its first, with source heads of its own."""
        model = self.model.of_start(number)
        model.learner.to(next(self.model.learner.parameters()).device)
        table = self.table
        if model.vectors is not self.model.vectors:  # it reads less of a word than the first
            context = table.context if model.encoder else None
            table = WordTable(model.vectors, model.alphabet, context)
        alone = TaggingWork(replace(self.cell, recipe=NONE), model, self.target, table)
        return replace(alone.start(), table=table)

    def _by_recipe(
        self, start: Start[Tagger], config: AdaptConfig, recipe: Recipe
    ) -> Start[Tagger]:
        """The start as a recipe that is no mean has it, with its settings in ``config``."""
        check(config)
        learner = start.learner
        if recipe.anew:
            learner = begun_anew(learner, self._fresh(recipe.start), recipe.anew)
        return replace(start, learner=learner, seconds=0.0, config=config)

    def _together(self, parts: Sequence[Start[Tagger]]) -> Tagger:
        """A tagger in which the parts can be put together once they are adapted."""
        model, first = self.model, parts[0].learner
        config = together([part.learner.config for part in parts])
        sizes = replace(merged_config(config, len(parts)), memory=0)
        types = len(self.target.types)
        made = new_tagger(sizes, model.vectors, model.alphabet, 0, types)
        return made.to(next(first.parameters()).device)

    def names(self, learner: Tagger) -> tuple[str, ...]:
        """See :class:`Work`."""
        return tuned_names(learner, self.cell.tune)

    def batches(
        self, learner: Tagger, pseudo_labelled: Sequence[Sentence] = (),
        table: WordTable | None = None,
    ) -> tuple[int, Callable[[Sequence[int]], object]]:  # fmt: skip
        """See :class:`Work`; ``pseudo_labelled`` have a tagger's tags."""
        table = self.table if table is None else table  # a fresh one is empty, and so false
        return support_batch(learner, table, self.support, self.target.types, pseudo_labelled)

    def counted(self) -> int:
        """The mentions of the support."""
        return mentions_in(self.support)

    def adapt(self, start: Start[Tagger]) -> Adapted:
        """Tune the learner on the support; then once more with unlabelled text, if there is any."""
        cell = self.cell
        if not cell.unlabelled:
            made = self._each(start, (), lambda config: config)
        else:
            found = self._taught(cell.teacher) if cell.teacher else self.tagged(start)
            made = self._each(start, found, lambda config: second_time(config, cell.again))
        return self.favouring(start, made)

    def favouring(self, start: Start[Tagger], adapted: Adapted) -> Adapted:
        """What was adapted, with the nats for any mention that its settings have, if they do."""
        config = start.config or self.cell.config
        if not isinstance(config, AdaptConfig) or not config.mentions:
            return adapted
        nats = config.mentions * (1 - recurring(self.support))
        return replace(adapted, params=favouring_mentions(adapted.params, nats))

    def tagged(self, start: Start[Tagger]) -> list[Sentence]:
        """The unlabelled sentences with the tags of the start, adapted to the support."""
        first = self._each(start, (), lambda config: config)
        return tagged(
            start.learner, first.params, self.table, self.cell.unlabelled, self.target.types,
            self.lexicon,
        )  # fmt: skip

    def _taught(self, teacher: Teacher) -> list[Sentence]:
        """The same with the tags of a teacher."""
        model = load_model(teacher.folder)
        model.learner.to(next(self.model.learner.parameters()).device)
        if model.kind == TAGGER:
            return tags_as_it_is(model, self.target, self.cell.unlabelled)
        # A recipe that is named is one of the pupil's; the teacher's policy has others, or is none.
        recipe = NONE if self.cell.recipe == NONE else AUTO
        own = replace(self.cell, method=algorithm_of(model), teacher=None, recipe=recipe)
        work = TaggingWork(own, model, self.target, model.table())
        return work.tagged(work.start())

    def _each(
        self, start: Start[Tagger], pseudo_labelled: Sequence[Sentence],
        settings: Callable[[AdaptConfig], AdaptConfig],
    ) -> Adapted:  # fmt: skip
        """The start adapted, or each of its parts, put together."""
        parts = start.parts or (start,)
        made = [
            self.tuned(
                part, self.batches(part.learner, pseudo_labelled, part.table),
                settings(part.config or self.cell.config),
            )
            for part in parts
        ]  # fmt: skip
        return self.joined(start, made)

    def joined(self, start: Start[Tagger], made: Sequence[Adapted]) -> Adapted:
        """The parts of a start, each adapted, as one tagger; of a start without parts the one."""
        if not start.parts:
            return made[0]
        configs = [part.learner.config for part in start.parts]
        whole, vectors = together(configs), self.model.vectors.size
        each = [
            widened(one.params, config, vectors, whole)
            for one, config in zip(made, configs, strict=True)
        ]
        params = merged(each, whole, start.weights)
        return replace(average(made, ()), params=params)

    def score(self, start: Start[Tagger], adapted: Adapted) -> Score:
        """Strict scores on the whole test split."""
        return score_split(
            start.learner, adapted.params, self.table, self.target, "test", self.lexicon
        )

    def save(self, start: Start[Tagger], adapted: Adapted, score: Any) -> None:
        """Write the tagger."""
        assert self.cell.save is not None
        save_model(self.tagger(start, adapted, score), self.cell.save)

    def tagger(
        self, start: Start[Tagger], adapted: Adapted, score: Score | None = None
    ) -> TaggerModel:
        """The tagger that the cell made, with what is known of where it came from."""
        cell, target = self.cell, self.target
        about: dict[str, object] = {
            "target": target.name, "method": cell.called, "tune": cell.tune, "draw": cell.draw,
            "seed": cell.seed, "support_sentences": len(cell.support),
            "from": dict(self.model.about),
            **({"unlabelled_sentences": len(cell.unlabelled)} if cell.unlabelled else {}),
            **({"teacher": cell.teacher.name} if cell.teacher else {}),
            "synthetic": target.corpus.synthetic,
            "test_f1": None if score is None else round(score.value, 2),
        }  # fmt: skip
        if start.heads:
            about["start"] = dict(start.heads)
        if start.choice is not None:
            about["recipe"] = start.choice.as_dict()
        reads = self.model.read_with if start.learner.config.context else None
        made = adapted_model(
            replace(self.model, encoder=reads), adapted.params, target.types, about, self.lexicon,
            start.learner.config,
        )  # fmt: skip
        made.learner.neighbours = start.learner.neighbours
        return made


def run_cell(cell: TaggingCell, model: TaggerModel, target: Task, table: WordTable) -> CellResult:
    """Adapt, score on the whole test split and save, as the cell says."""
    return TaggingWork(cell, model, target, table).run()


def start_of(
    cell: TaggingCell, model: TaggerModel, target: Task, table: WordTable
) -> Start[Tagger]:
    """What the cell adapts; see :meth:`TaggingWork.start`."""
    return TaggingWork(cell, model, target, table).start()


def mentions_in(sentences: Sequence[Sentence]) -> int:
    """How many mentions are annotated, of any type."""
    return sum(tag[0] in "BS" for sentence in sentences for tag in sentence.tags)
