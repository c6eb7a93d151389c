"""A distribution over episodes: a pure function of (seed, step, index).

The meta-learning core consumes only :class:`Episode` objects, whatever their task is about: it
sees a support and a query, never tags or corpora.
"""

from __future__ import annotations

from collections.abc import Container, Sequence
from dataclasses import dataclass

import numpy as np

from fewshot_metalstm.data.suites import task_name
from fewshot_metalstm.errors import UserError
from fewshot_metalstm.kinds.tagging.corpora.sentence import Sentence
from fewshot_metalstm.kinds.tagging.episodes.sampling import Proportion, TaskIndex
from fewshot_metalstm.kinds.tagging.episodes.task import Task
from fewshot_metalstm.seeds import numpy_generator


@dataclass(frozen=True, slots=True, eq=False)
class Episode:
    """A support and a query set drawn from one task, disjoint in sentences.

    The indices are those of the task's split, in ascending order. ``shots`` is the K of the
    support; ``name`` names task, step and index, for messages.
    """

    task: Task
    support: tuple[Sentence, ...]
    query: tuple[Sentence, ...]
    support_indices: tuple[int, ...]
    query_indices: tuple[int, ...]
    shots: int
    name: str


class TaskDistribution:
    """Draws tasks with probability proportional to size^temperature, and episodes from them.

    With ``nearness``, a positive number for each task, in proportion to that, too.

    Args:
        tasks: what to draw from; every task must have the split ``split``. shots: K of the
        supports, or the lowest and highest K (uniform, both included). query: query sentences an
        episode; fewer only where a task holds fewer. negatives: mention-free sentences for each
        mention-bearing one of the support. temperature: 0 draws every task alike, 1 in proportion
        to its sentences. seed: of the whole distribution; two with equal arguments give equal
        episodes. exclude: keys
        (:func:`~fewshot_metalstm.kinds.tagging.episodes.sampling.sentence_key`) of sentences
            that are never drawn.
        split: the split that episodes come from.
        max_tokens: longer sentences are never drawn (and counted in ``notes``), not truncated.
        single_type_from_multi: probability that a task of several types yields an episode over
            a random choice among them; the episode's task is then that sub-task.
        max_types: a task of more types always yields such a choice, of at most so many: a
            support with K mentions of each of sixteen types is as large as eight small episodes.
        proportion: of mention-bearing sentences in the query; see
            :func:`~fewshot_metalstm.kinds.tagging.episodes.sampling.draw_query`.

    ``notes`` says, one line each, what a task could not give: sentences left out, shots lowered
    so that half of the mention-bearing sentences remain for the query. Raises
    :class:`UserError` for a task from which no episode can be drawn.
    """

    def __init__(
        self,
        tasks: Sequence[Task],
        *,
        shots: int | tuple[int, int],
        query: int,
        negatives: float = 1.0,
        temperature: float = 0.5,
        seed: int = 0,
        exclude: Container[str] = frozenset(),
        split: str = "train",
        max_tokens: int | None = None,
        single_type_from_multi: float = 0.0,
        max_types: int | None = None,
        proportion: Proportion = "support",
        nearness: Sequence[float] = (),
    ) -> None:
        self.tasks = tuple(tasks)
        self.shots = (shots, shots) if isinstance(shots, int) else (int(shots[0]), int(shots[1]))
        _check(self.tasks, self.shots, query, negatives, single_type_from_multi, max_types, split)
        self.query = query
        self.negatives = negatives
        self.seed = seed
        self.split = split
        self.single_type_from_multi = single_type_from_multi
        self.max_types = max_types
        self.proportion: Proportion = proportion
        self._indices = tuple(
            TaskIndex.from_sentences(
                task.corpus.splits[split], task.types, exclude=exclude, max_tokens=max_tokens
            )
            for task in self.tasks
        )
        self.sizes = tuple(index.size for index in self._indices)
        self._most_shots = tuple(index.most_shots(self.shots[1]) for index in self._indices)
        notes: list[str] = []
        for task_number in range(len(self.tasks)):
            notes += self._notes(task_number, max_tokens)
        self.notes = tuple(notes)
        weights = np.array(self.sizes, dtype=np.float64) ** temperature
        if nearness:
            weights *= np.array(nearness, dtype=np.float64)
        self.probabilities = tuple((weights / weights.sum()).tolist())
        self._cumulative = np.cumsum(self.probabilities)

    def episode(self, step: int, index: int) -> Episode:
        """Episode ``index`` of outer step ``step``: the same whatever was drawn before."""
        rng = numpy_generator(self.seed, "episode", self.split, step, index)
        last = len(self.tasks) - 1
        task_number = min(int(np.searchsorted(self._cumulative, rng.random(), side="right")), last)
        return self._draw(task_number, rng, f"{step}/{index}")

    def task_episode(self, task: int, index: int) -> Episode:
        """Episode ``index`` of task number ``task``: to visit tasks in turn, as in validation."""
        name = self.tasks[task].name
        rng = numpy_generator(self.seed, "task-episode", self.split, name, index)
        return self._draw(task, rng, str(index))

    def _draw(self, task_number: int, rng: np.random.Generator, label: str) -> Episode:
        task, index = self.tasks[task_number], self._indices[task_number]
        shots = int(rng.integers(self.shots[0], self.shots[1] + 1))
        most = self._most_shots[task_number]
        too_many = self.max_types is not None and len(task.types) > self.max_types
        if too_many or (len(task.types) > 1 and rng.random() < self.single_type_from_multi):
            task, index = self._choose_types(task, index, rng)
            most = index.most_shots(shots)
        shots = min(shots, most)
        support = index.support(shots, rng, negatives=self.negatives)
        query = index.query(support, self.query, rng, proportion=self.proportion)
        return Episode(
            task=task,
            support=_sentences(task, self.split, support.indices),
            query=_sentences(task, self.split, query),
            support_indices=support.indices,
            query_indices=query,
            shots=shots,
            name=f"{task.name}/{label}",
        )

    def _choose_types(
        self, task: Task, index: TaskIndex, rng: np.random.Generator
    ) -> tuple[Task, TaskIndex]:
        """A random sub-task of at least one type and at most all but one.

        Only types with enough sentences for the lowest K and a query are chosen among; where a
        choice could not give an episode, the whole task does.
        """
        usable = index.bearing
        holders = (index.counts[usable] > 0).sum(axis=0)
        rich = np.flatnonzero(holders >= 2 * self.shots[0])
        if len(rich) == 0:
            return task, index
        most = min(len(rich), len(task.types) - 1, self.max_types or len(task.types))
        number = int(rng.integers(1, max(most, 1) + 1))
        chosen = np.sort(rng.choice(rich, number, replace=False))
        types = tuple(task.types[int(column)] for column in chosen)
        selected = index.select(types)
        if selected.most_shots(1) == 0:
            return task, index
        return Task(task_name(task.corpus.name, types), task.corpus, types), selected

    def _notes(self, task_number: int, max_tokens: int | None) -> list[str]:
        task, index, most = (
            self.tasks[task_number],
            self._indices[task_number],
            self._most_shots[task_number],
        )
        place = f"{task.name} ({self.split})"
        notes = []
        if index.excluded:
            notes.append(f"{place}: {index.excluded} sentences excluded")
        if index.too_long:
            notes.append(f"{place}: {index.too_long} sentences over {max_tokens} tokens left out")
        if most == 0:
            raise UserError(
                f"task {place} has {len(index.bearing)} mention-bearing sentences, too few for a "
                "support and a query; leave it out of the suite"
            )
        if most < self.shots[1]:
            notes.append(f"{place}: shots lowered to at most {most}, to leave a query")
        if index.size < 2 * self.query:
            notes.append(f"{place}: {index.size} sentences, so that queries may be smaller")
        return notes


def _sentences(task: Task, split: str, indices: Sequence[int]) -> tuple[Sentence, ...]:
    """The task's view of some sentences; the rest of the corpus is not touched."""
    raw = task.corpus.splits[split]
    return tuple(task.view(raw[at]) for at in indices)


def _check(
    tasks: Sequence[Task],
    shots: tuple[int, int],
    query: int,
    negatives: float,
    single_type_from_multi: float,
    max_types: int | None,
    split: str,
) -> None:
    if not tasks:
        raise UserError("there is no task to draw episodes from; give at least one")
    for task in tasks:
        if not task.corpus.splits.get(split):
            raise UserError(f"task {task.name} has no {split} split; add one or leave it out")
    if not 1 <= shots[0] <= shots[1]:
        raise UserError(f"shots {shots[0]} to {shots[1]} is no range; use 1 <= low <= high")
    if query < 1:
        raise UserError(f"query is {query} sentences; use at least 1")
    if negatives < 0:
        raise UserError(f"negatives is {negatives}; use 0 or more")
    if max_types is not None and max_types < 1:
        raise UserError(f"max_types is {max_types}; use at least 1")
    if not 0 <= single_type_from_multi <= 1:
        raise UserError(f"single_type_from_multi is {single_type_from_multi}; use 0 to 1")
