"""What a kind of task is: the one page to read before adding another.

The core of this package (meta-learning, adaptation, sweeps, tracking, pages, the command line)
knows learners, batches and figures. A **kind** says what these are for one sort of data: tagging
text, reading digits. It is a folder beside this file with a subclass of :class:`Kind`, and a line
in :mod:`fewshot_metalstm.kinds.registry`, or an entry point in another package.

The words are the same for all kinds. A **task** has a name, a family (what may not be on both sides
of a transfer), splits and digests; a **suite** is a set of tasks to learn from, a **target** a task
that was held out; ``K`` **shots** of it are its **support**. How good a model is, its **figure**
says.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from fewshot_metalstm.errors import UserError

if TYPE_CHECKING:
    import torch

    from fewshot_metalstm.adapt.cell import Cell, CellResult
    from fewshot_metalstm.adapt.settings import AdaptRunSettings, SweepSettings
    from fewshot_metalstm.adapt.work import Loaded, Method
    from fewshot_metalstm.figure import Figure, Score
    from fewshot_metalstm.meta.config import TrainingConfig
    from fewshot_metalstm.meta.source import TrainingSource
    from fewshot_metalstm.pages.look import Look


class Task(Protocol):
    """A task with its items: what a suite holds, and what a target is."""

    @property
    def name(self) -> str:
        """Such as ``linnaeus`` or ``digits-6789``."""

    @property
    def kind(self) -> str:
        """The name of its kind."""

    @property
    def family(self) -> str:
        """What may not be on both sides of a transfer: tasks made of the same documents."""

    @property
    def types(self) -> tuple[str, ...]:
        """What its items are told apart by: entity types, classes; in order."""

    @property
    def data(self) -> str:
        """The name of the data set that it is made of."""

    @property
    def sizes(self) -> Mapping[str, int]:
        """How many items each split has, by the name of the split."""

    @property
    def digests(self) -> Mapping[str, str]:
        """SHA-256 of the data of each split, as far as it is known."""

    @property
    def synthetic(self) -> bool:
        """Whether its items were generated for this project."""

    @property
    def invented(self) -> bool:
        """Whether its items were invented by hand for this project."""


class Exclusions(Protocol):
    """What the rules of exclusion kept out of a suite."""

    @property
    def targets(self) -> tuple[str, ...]:
        """The targets whose rules were applied."""

    def summary(self) -> Sequence[str]:
        """A few lines for the terminal."""

    def lines(self) -> Sequence[str]:
        """All of it, one fact a line, for the run's folder."""


class Suite(Protocol):
    """A suite with its items, the protocol's rules of exclusion applied."""

    @property
    def name(self) -> str:
        """As ``--tasks`` names it."""

    @property
    def synthetic(self) -> bool:
        """Whether all of it was generated for this project."""

    @property
    def train(self) -> Sequence[Task]:
        """The meta-train tasks."""

    @property
    def validation(self) -> Sequence[Task]:
        """The meta-validation tasks."""

    @property
    def report(self) -> Exclusions:
        """What was kept out."""


@dataclass(frozen=True)
class Support:
    """A support of K shots, as indices into the target's train split.

    ``note`` says what the target could not give, such as fewer shots; empty where nothing is to be
    said.
    """

    indices: tuple[int, ...]
    note: str = ""


@dataclass(frozen=True)
class PredictionRequest:
    """What ``predict`` was asked for.

    ``output`` is where to write, None for standard output; ``note`` takes a line for the user.
    """

    model: Path
    files: tuple[Path, ...]
    output: Path | None
    as_json: bool
    device: torch.device
    note: Callable[[str], object]


class Kind(ABC):
    """One kind of task. An instance holds no data, and importing its module imports no torch.

    Attributes:
        name: as declarations and ``--kind`` have it, such as ``tagging``.
        description: one line for a list.
        items: what a split consists of, such as ``sentences``.
        product: what an adapted model is called, such as ``tagger``; its folder too.
        shots: what K counts, such as ``mentions of each entity type``.
        figure: how good a model is.
        served: whether an adapted model can be logged to MLflow as a model that answers requests.
    """

    name: str
    description: str
    items: str
    product: str
    shots: str
    figure: Figure
    served: bool = False

    # Settings

    @abstractmethod
    def training_settings(self) -> type[TrainingConfig]:
        """The dataclass of all settings of ``meta-train``: the core's, and sections of its own."""

    @abstractmethod
    def adaptation_settings(self) -> type[AdaptRunSettings]:
        """The dataclass of all settings of ``adapt``."""

    @abstractmethod
    def sweep_settings(self) -> type[SweepSettings]:
        """The dataclass of all settings of ``sweep``."""

    def presets(self, suite: str) -> tuple[str, ...]:
        """Overrides (``section.field=value``) that a suite asks for in place of the defaults."""
        del suite
        return ()

    def check(self, config: Any) -> None:
        """Refuse settings of training that contradict each other with a ``UserError``."""
        del config

    def settled(self, config: Any) -> Any:
        """The settings that a run goes by: joint training alone has no outer steps."""
        from fewshot_metalstm.meta.budget import settled

        return settled(config)

    # Tasks

    @abstractmethod
    def load_suite(self, name: str, *, data_dir: Path | None, exclude: Sequence[str] = ()) -> Any:
        """The tasks of a suite (a :class:`Suite`), without what its targets keep out.

        Args:
            exclude: targets besides those that the suite declares.

        Raises:
            UserError: absent or damaged data, or nothing left to learn from.
        """

    @abstractmethod
    def load_target(self, source: str, *, data_dir: Path | None, **options: Any) -> Any:
        """A target (a :class:`Task`) by its declared name, or from a user's own files.

        Raises:
            UserError: absent, damaged or ill-formed data.
        """

    def seen(self, about: Mapping[str, Any], target: Any) -> bool:
        """Whether a checkpoint has learned from what ``target`` is made of.

        Args:
            about: what the checkpoint says of itself.
        """
        return target.family in about.get("families", ())

    def learned_of(self, target: Any) -> str:
        """What of ``target`` a checkpoint has learned from that has :meth:`seen` it, in words."""
        return f"{target.name}'s family {target.family}"

    def knows(self, name: str) -> bool:
        """Whether ``name`` is one of a target or corpus of this kind."""
        from fewshot_metalstm.data.catalogue import Catalogue
        from fewshot_metalstm.data.suites import load_targets

        return name in load_targets(kind=self.name).all or name in Catalogue.load(kind=self.name)

    def recognises(self, path: Path) -> bool:
        """Whether a user's own file or folder looks like data of this kind."""
        del path
        return False

    def changes(self, notes: Mapping[str, int]) -> dict[str, int]:
        """What reading a user's own files changed or left out, of the counts in ``notes``."""
        return {name: number for name, number in notes.items() if number}

    def change_lines(self, changes: Mapping[str, int]) -> Sequence[str]:
        """A line for the user for each of :meth:`changes`."""
        return [f"{number} {name}" for name, number in changes.items()]

    def synthetic(self, target: str) -> bool:
        """Whether the target of this name was generated for this project."""
        del target
        return False

    # Training

    @abstractmethod
    def source(self, config: Any, suite: Any) -> TrainingSource:
        """What a run of training gets its model, episodes and batches from."""

    # Adaptation

    @abstractmethod
    def support(self, target: Any, shots: int, draw: int, seed: int) -> Support:
        """The support of (target, shots, draw): the frozen one where there is one, else drawn.

        Args:
            shots: in the kind's unit; 0 takes the whole train split.

        Raises:
            UserError: the target has no train split, or nothing to draw.
        """

    @abstractmethod
    def load_model(self, folder: Path, role: str | None = None) -> Any:
        """A checkpoint or an adapted model, with ``learner`` and ``about``.

        Raises:
            UserError: no model of this kind and role there, or a damaged one.
        """

    @abstractmethod
    def read_config(self, folder: Path, role: str | None = None) -> Mapping[str, Any]:
        """A model's ``config.json`` alone, with ``about`` and ``sha256``; errors as above."""

    @abstractmethod
    def loaded(self, model: Any) -> Loaded:
        """A model with what reading its items builds up, such as a table of words met."""

    @abstractmethod
    def methods(self) -> Mapping[str, Method]:
        """The ways to get a model beside a checkpoint that is adapted, by name: its baselines."""

    @abstractmethod
    def check_tune(self, tune: str) -> None:
        """Refuse a value of ``--tune`` that this kind does not know with a ``UserError``."""

    @abstractmethod
    def make_cells(
        self, names: Sequence[str], target: Any, config: Any, supports: Sequence[Support],
        draws: Sequence[int], save: Path | None = None,
    ) -> tuple[Sequence[Cell], Sequence[str]]:  # fmt: skip
        """The cells of some methods on some supports, and notes for the user.

        Args:
            names: algorithms of checkpoints , or names of baselines.
            supports: one for each of ``draws``.
            save: where the first method's model of the first draw is to be written.

        Raises:
            UserError: settings that mean nothing, or a package that is not installed.
        """

    @abstractmethod
    def do_cell(self, cell: Cell, target: Any, loaded: Any) -> CellResult:
        """Adapt, score on the whole test split and save, as the cell says.

        Args:
            loaded: a function that gives the :meth:`loaded` checkpoint, for cells that need one.
        """

    @abstractmethod
    def score(self, loaded: Loaded, target: Any, split: str) -> Score:
        """The score of an adapted model on a whole split.

        Raises:
            UserError: the target has types that the model does not know.
        """

    @abstractmethod
    def read_score(self, stored: Mapping[str, Any]) -> Score:
        """A score from what a file of a sweep has of it."""

    # What a user looks at

    def predict(self, request: PredictionRequest, **options: Any) -> Iterator[str]:
        """What an adapted model makes of a user's own files: pieces of standard output.

        With ``request.output`` they say what was written there.

        Args:
            options: those that only this kind has.

        Raises:
            UserError: no adapted model there, or files that cannot be read.
        """
        del options
        raise UserError(f"{request.model}: {self.name} reads no files of yours; use evaluate")

    def look(self, folder: Path, target: Any, split: str, device: torch.device) -> Look | None:
        """A section of ``report`` on an adapted model and a split that it was not adapted to."""
        del folder, target, split, device
        return None
