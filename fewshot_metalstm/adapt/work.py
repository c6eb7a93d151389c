"""Doing a cell: start, adapt, score, save. A kind of task says how each of them is done.

Like the meta-learning core this sees a learner and batches, whatever they hold.
"""

from __future__ import annotations

import time
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Generic, TypeVar

from fewshot_metalstm.adapt.cell import Cell, CellResult
from fewshot_metalstm.adapt.finetune import AdaptConfig, Adapted, check, finetune
from fewshot_metalstm.adapt.policy import Choice
from fewshot_metalstm.figure import Score
from fewshot_metalstm.meta.learner import Learner
from fewshot_metalstm.seeds import derive

L = TypeVar("L", bound=Learner)


@dataclass(frozen=True)
class Loaded:
    """A checkpoint that is loaded, and what reading items builds up, such as a word table."""

    model: Any
    table: Any = None


Run = Callable[[Any, Any, Callable[[], Loaded]], CellResult]  # a kind's own cell and task


@dataclass(frozen=True)
class Method:
    """A way to get a model from a support.

    ``tune`` and ``config`` give what its cells hold, from the settings and the name of the method;
    ``config`` refuses settings that mean nothing with a :class:`UserError`. ``run`` does a cell.
    ``checkpoint`` is whether it needs one: for its weights, or for its sizes and word vectors
    alone. ``files`` gives the SHA-256 of each file of a model that its settings
    name.
    """

    tune: Callable[[Any, str], str]
    config: Callable[[Any], Any]
    run: Run
    checkpoint: bool = True
    files: Callable[[Any], Mapping[str, str]] = lambda _: {}
    description: str = ""  # one line for --help


@dataclass(frozen=True)
class Start(Generic[L]):
    """The learner that a cell adapts, and which source heads it has, by type.

    Where a policy chose a recipe (:mod:`fewshot_metalstm.adapt.policy`), ``config`` are its
    settings in place of the cell's, and ``choice`` says why. A recipe that is the mean of others
    has ``parts``, which are adapted each for itself and count as its ``weights`` say; ``learner``
    is then what they are put together in. ``table`` is what it reads items with, where that is not
    the checkpoint's.
    """

    learner: L
    heads: Mapping[str, str] = field(default_factory=dict)
    seconds: float = 0.0  # to get it
    config: AdaptConfig | None = None
    choice: Choice | None = None
    parts: tuple[Start[L], ...] = ()
    weights: tuple[float, ...] = ()
    table: Any = None


class Work(ABC, Generic[L]):
    """One cell on one target. A kind's subclass says how its learner starts, reads and is kept.

    A kind that has policies lets :meth:`start` ask the checkpoint's, and gives what it chose in
    :class:`Start`; the rest happens here.
    """

    def __init__(self, cell: Cell, target: Any) -> None:
        self.cell = cell
        self.target = target

    @abstractmethod
    def start(self) -> Start[L]:
        """The learner before adaptation: the checkpoint's, or a fresh one."""

    @abstractmethod
    def names(self, learner: L) -> tuple[str, ...]:
        """Names of the parameters that the cell tunes; none where nothing is."""

    @abstractmethod
    def batches(self, learner: L) -> tuple[int, Callable[[Sequence[int]], object]]:
        """The size of the support, and a function that gives the batch of some of its items."""

    @abstractmethod
    def counted(self) -> int:
        """The size of the support in what a score counts."""

    @abstractmethod
    def score(self, start: Start[L], adapted: Adapted) -> Score:
        """The score on the target's whole test split."""

    @abstractmethod
    def save(self, start: Start[L], adapted: Adapted, score: Score | None) -> None:
        """Write the adapted model to the cell's place."""

    def adapt(self, start: Start[L]) -> Adapted:
        """Tune the learner on the support."""
        return self.tuned(start, self.batches(start.learner), start.config or self.cell.config)

    def tuned(
        self, start: Start[L], support: tuple[int, Callable[[Sequence[int]], object]],
        config: AdaptConfig,
    ) -> Adapted:  # fmt: skip
        """The start's learner, tuned on a support by ``config``; as it is if nothing is tuned."""
        names = self.names(start.learner)
        if not names:
            made = {name: value.detach() for name, value in start.learner.named_parameters()}
            return Adapted(made, (), 0, False)
        seed = derive(self.cell.seed, "adapt", self.cell.draw)
        return finetune(start.learner, names, *support, config, seed)

    def run(self) -> CellResult:
        """Start, adapt, score and save, as the cell says."""
        if isinstance(self.cell.config, AdaptConfig):
            check(self.cell.config)
        start = self.start()
        began = time.perf_counter()
        adapted = self.adapt(start)
        seconds = start.seconds + time.perf_counter() - began
        score = None
        if self.cell.score and "test" in self.target.sizes:
            score = self.score(start, adapted)
        if self.cell.save is not None:
            self.save(start, adapted, score)
        return CellResult(
            self.cell.called, self.cell.draw, score, len(self.cell.support), self.counted(),
            seconds, adapted.losses, start.heads,
            choice={} if start.choice is None else start.choice.as_dict(),
        )  # fmt: skip


def checked(config: Any, check: Callable[[Any], object]) -> Any:
    """``config``, once ``check`` has found nothing to refuse in it."""
    check(config)
    return config


def choices_of(results: Iterable[CellResult]) -> tuple[str, ...]:
    """A line on every draw that a policy chose a recipe for."""
    return tuple(
        f"draw {result.draw}: recipe {result.choice['recipe']}, {result.choice['why']}"
        for result in results if result.choice
    )  # fmt: skip


def facts_of(results: Iterable[CellResult], label: Callable[[str], str] = str) -> tuple[str, ...]:
    """A line for each thing that baselines are made of, such as a pretrained model.

    ``label`` makes of a method's name the one that tables show.
    """
    lines = []
    for result in results:
        facts = ", ".join(
            f"{name} {value:,}" if isinstance(value, int) else f"{name} {value}"
            for name, value in result.about.items()
        )
        if facts:
            lines.append(f"{label(result.method)}: {facts}")
    return tuple(dict.fromkeys(lines))
