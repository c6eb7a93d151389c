"""Which source task helps which target: the loss of every source head on supports of targets.

A checkpoint of joint training keeps a head for each entity type of its source tasks, and a target
starts from the one with the lowest loss on its support
(:mod:`fewshot_metalstm.kinds.tagging.tagger.heads`). Here all of these losses are laid beside each
other: a row for each entity type of a target, a column for each head.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from fewshot_metalstm.data.catalogue import Catalogue
from fewshot_metalstm.errors import UserError
from fewshot_metalstm.kinds.tagging.adapt.promising import source_heads_of
from fewshot_metalstm.kinds.tagging.corpora.sentence import Sentence
from fewshot_metalstm.kinds.tagging.episodes.draws import load_draw
from fewshot_metalstm.kinds.tagging.episodes.load import load_target
from fewshot_metalstm.kinds.tagging.episodes.sampling import TaskIndex, count_mentions
from fewshot_metalstm.kinds.tagging.episodes.source import demo_families
from fewshot_metalstm.kinds.tagging.episodes.task import Task
from fewshot_metalstm.kinds.tagging.tagger.heads import (
    SourceHead,
    support_batches,
    support_losses,
)
from fewshot_metalstm.kinds.tagging.tagger.learned_sentences import not_learned
from fewshot_metalstm.kinds.tagging.tagger.model import TaggerModel
from fewshot_metalstm.seeds import numpy_generator

Matrix = npt.NDArray[np.float64]
_LEAST = 1e-3  # nats a mention; a loss below counts as this much where logarithms are taken


@dataclass(frozen=True)
class Supported:
    """A target and the sentences that the heads are tried on, of its split ``split``."""

    name: str
    family: str
    types: tuple[str, ...]
    split: str
    sentences: tuple[Sentence, ...]


@dataclass(frozen=True)
class Source:
    """A source head: the task and the entity type that it was trained on, and the task's family."""

    task: str
    type: str
    family: str

    @property
    def name(self) -> str:
        """Such as ``BC2GM/GENE``."""
        return f"{self.task}/{self.type}" if self.type else self.task


@dataclass(frozen=True)
class Row:
    """One entity type of a target.

    ``losses`` are those of the source heads, in nats a mention of the type: that of all sentences
    of the support, divided by its mentions. ``own`` is the place of the head that was trained on
    this very type, if there is one.
    """

    target: str
    type: str
    family: str
    split: str
    sentences: int
    mentions: int
    losses: tuple[float, ...]
    own: int | None

    @property
    def name(self) -> str:
        """Such as ``linnaeus/Species``."""
        return f"{self.target}/{self.type}"

    def ranked(self) -> list[int]:
        """Places of the heads, the lowest loss first."""
        return sorted(range(len(self.losses)), key=self.losses.__getitem__)


@dataclass(frozen=True)
class TaskMap:
    """The losses of source heads on targets; rows and sources stand in the order to be shown."""

    checkpoint: str
    sources: tuple[Source, ...]
    rows: tuple[Row, ...]
    shots: int
    draw: int
    seed: int
    notes: tuple[str, ...] = ()

    def best(self, row: Row, number: int, *, foreign: bool = False) -> list[tuple[str, float]]:
        """Name and loss of the best heads of a row; ``foreign``: of other families alone."""
        places = [i for i in row.ranked() if not foreign or self.sources[i].family != row.family]
        return [(self.sources[i].name, row.losses[i]) for i in places[:number]]

    def as_dict(self) -> dict[str, Any]:
        """The map as JSON has it."""
        names = [source.name for source in self.sources]
        return {
            "checkpoint": self.checkpoint, "shots": self.shots, "draw": self.draw,
            "seed": self.seed, "unit": "nats a mention", "sources": names,
            "rows": [
                {
                    "target": row.target, "type": row.type, "split": row.split,
                    "sentences": row.sentences, "mentions": row.mentions,
                    "losses": dict(zip(names, (round(v, 4) for v in row.losses), strict=True)),
                }
                for row in self.rows
            ],
            "notes": list(self.notes),
        }  # fmt: skip


def make_map(
    model: TaggerModel, name: str, targets: Iterable[Supported], *, shots: int, draw: int,
    seed: int, notes: Sequence[str] = (), on_target: Callable[[int], object] = lambda _: None,
) -> TaskMap:  # fmt: skip
    """The loss of each of a checkpoint's source heads on every target.

    Args:
        name: what the checkpoint is called.
        targets: read one after the other; equal names stay apart by their types.
        shots: of the supports, 0 for whole splits; with ``draw`` and ``seed`` only kept.
        notes: on the targets; those that reading them adds count.
        on_target: is told how many targets are done.

    Raises:
        UserError: the checkpoint keeps no source heads, or no target holds a mention.
    """
    heads = heads_kept(model, name)
    sources = tuple(Source(h.task, h.type, family_of(h.task)) for h in heads)
    table = model.table()
    rows, without = [], []
    for number, target in enumerate(targets, start=1):
        losses = support_losses(
            model.learner, heads, support_batches(model.learner, table, target.sentences,
                                                  target.types)
        ).tolist()  # fmt: skip
        counts = count_mentions(target.sentences, target.types).sum(axis=0).tolist()
        for each, mentions, own in zip(target.types, counts, losses, strict=True):
            if mentions == 0:
                without.append(f"{target.name}/{each}: no mention in the support; left out")
                continue
            same = [i for i, s in enumerate(sources) if (s.task, s.type) == (target.name, each)]
            rows.append(Row(
                target.name, each, target.family, target.split, len(target.sentences), mentions,
                tuple(loss / mentions for loss in own), same[0] if same else None,
            ))  # fmt: skip
        on_target(number)
    if not rows:
        raise UserError(f"no target holds a mention to try the heads of {name} on")
    return _ordered(TaskMap(name, sources, tuple(rows), shots, draw, seed, (*notes, *without)))


def heads_kept(model: TaggerModel, name: str) -> tuple[SourceHead, ...]:
    """The source heads of the checkpoint called ``name``; :class:`UserError` if it has none."""
    heads = source_heads_of(model)
    if not heads:
        raise UserError(
            f"{name}: keeps no heads of its source tasks; name a checkpoint of joint training, "
            "or one with a memory of heads"
        )
    return heads


def of_target(target: Task, shots: int, draw: int, seed: int) -> tuple[Supported, str]:
    """A target with a support of its train split, and a note on what it lacks (or nothing).

    Raises:
        UserError: the target has no train split, or no mention in it.
    """
    drawn = load_draw(target, shots, draw, seed=seed) if shots else None
    train = target.split("train")
    chosen = train if drawn is None else tuple(train[i] for i in drawn.indices)
    lacks = drawn.shortfall if drawn is not None else None
    note = f"{target.name}: {lacks}" if lacks else ""
    return Supported(target.name, target.family, target.types, "train", chosen), note


def of_source(
    model: TaggerModel, name: str, types: Sequence[str], data_dir: Path | None, shots: int,
    draw: int, seed: int,
) -> tuple[Supported, str]:  # fmt: skip
    """A source task of a checkpoint with a support of its devel split, and what that lacks.

    Sentences that the checkpoint learned from, in whatever corpus, are left out first.

    Raises:
        UserError: the corpus is absent, or nothing is left of its devel split.
    """
    corpus, _, _ = name.partition(":")
    task = load_target(corpus, data_dir=data_dir, types=types)
    devel = not_learned(task.split("devel") if "devel" in task.sizes else (), model.sentences)
    if not devel:
        raise UserError(
            f"{name}: has no devel sentence that the checkpoint did not learn from; name targets "
            "with --target"
        )
    note = ""
    if shots:
        rng = numpy_generator(seed, "task map", name, shots, draw)
        drawn = TaskIndex.from_sentences(devel, task.types).support(shots, rng)
        devel = tuple(devel[i] for i in drawn.indices)
        note = f"{name}: {drawn.shortfall}" if drawn.shortfall else ""
    return Supported(name, task.family, tuple(types), "devel", devel), note


def source_tasks(heads: Sequence[SourceHead]) -> dict[str, list[str]]:
    """The types of each source task that has heads; not the head for any type."""
    found: dict[str, list[str]] = {}
    for head in heads:
        if head.type:
            found.setdefault(head.task, []).append(head.type)
    return found


def family_of(task: str) -> str:
    """The family of a task by its name; of one that is not in the catalogue, its own name."""
    corpus, _, _ = task.partition(":")
    catalogue = Catalogue.load()
    known = demo_families().get(corpus)
    return known or (catalogue[corpus].family if corpus in catalogue else corpus)


def relative(losses: Matrix) -> Matrix:
    """How many times the lowest loss of its row each loss is, (rows, sources)."""
    lifted = np.maximum(losses, _LEAST)
    found: Matrix = lifted / lifted.min(axis=1, keepdims=True)
    return found


def _ordered(given: TaskMap) -> TaskMap:
    """The map with like rows and like sources beside each other.

    Average linkage on the logarithms of :func:`relative` losses, leaves in the optimal order
    (Bar-Joseph et al. 2001). Where the rows are the sources' own types, they stand in the
    sources' order.
    """
    logs = np.log(relative(np.array([row.losses for row in given.rows])))
    columns = _leaves(logs.T)
    rows = _leaves(logs)
    place = {old: new for new, old in enumerate(columns)}
    owned = [row.own for row in given.rows]
    if all(own is not None for own in owned):
        rows = sorted(range(len(owned)), key=lambda i: place[owned[i] or 0])
    return TaskMap(
        given.checkpoint, tuple(given.sources[i] for i in columns),
        tuple(_row(given.rows[i], columns, place) for i in rows),
        given.shots, given.draw, given.seed, given.notes,
    )  # fmt: skip


def _row(row: Row, columns: Sequence[int], place: dict[int, int]) -> Row:
    own = None if row.own is None else place[row.own]
    losses = tuple(row.losses[i] for i in columns)
    return Row(
        row.target, row.type, row.family, row.split, row.sentences, row.mentions, losses, own
    )


def _leaves(points: Matrix) -> list[int]:
    """An order of points, (points, dimensions), in which near ones stand together."""
    if len(points) < 3:
        return list(range(len(points)))
    from scipy.cluster.hierarchy import leaves_list, linkage
    from scipy.spatial.distance import pdist

    tree = linkage(pdist(points), method="average", optimal_ordering=True)
    found: list[int] = leaves_list(tree).tolist()
    return found
