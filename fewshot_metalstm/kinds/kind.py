"""What a kind of task is: the one page to read before adding another.

The core of this package (meta-learning, adaptation, sweeps, tracking, pages, the command line)
knows learners, batches and figures. A **kind** says what these are for one sort of data: tagging
text, reading digits. It is a folder beside this file with a subclass of :class:`Kind`, and a line
in :mod:`fewshot_metalstm.kinds.registry`, or an entry point in another package.

The words are the same for all kinds. A **task** has a name, a family (what may not be on both sides
of a transfer), splits and digests; a **suite** is a set of tasks to learn from, a **target** a task
that was held out; ``K`` **shots** of it are its **support**. How good a model is, its **figure**
says. Their types are in :mod:`fewshot_metalstm.kinds.task`, and can be had from here.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Container, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from fewshot_metalstm.errors import UserError
from fewshot_metalstm.kinds.task import Exclusions as Exclusions
from fewshot_metalstm.kinds.task import PredictionRequest as PredictionRequest
from fewshot_metalstm.kinds.task import Suite as Suite
from fewshot_metalstm.kinds.task import Support as Support
from fewshot_metalstm.kinds.task import Task as Task

if TYPE_CHECKING:
    import torch

    from fewshot_metalstm.adapt.cell import Cell, CellResult
    from fewshot_metalstm.adapt.settings import AdaptRunSettings, SweepSettings
    from fewshot_metalstm.adapt.work import Loaded, Method
    from fewshot_metalstm.data.overview import KnownCorpora, SplitRow
    from fewshot_metalstm.encoders.features import FrozenEncoder
    from fewshot_metalstm.figure import Figure, Score
    from fewshot_metalstm.meta.config import TrainingConfig
    from fewshot_metalstm.meta.source import TrainingSource
    from fewshot_metalstm.pages.look import Look
    from fewshot_metalstm.tracking.serving import Serving
    from fewshot_metalstm.train.settings import TrainSettings
    from fewshot_metalstm.train.source import SupervisedSource


class Kind(ABC):
    """One kind of task. An instance holds no data, and importing its module imports no torch.

    Attributes:
        name: as declarations and ``--kind`` have it, such as ``tagging``.
        description: one line for a list.
        items: what a split consists of, such as ``sentences``.
        product: what an adapted model is called, such as ``tagger``; its folder too.
        shots: what K counts, such as ``mentions of each entity type``.
        figure: how good a model is.
        cell: the setting that names the recurrent cell, for ``--cell``; empty without one.
        sharing: the setting that says how tasks share it, for ``--sharing``; empty without one.
        encodes_words: whether its models can stand for words (:meth:`word_encoder`).
        packages: what its models need, beside what the package itself does.
        compressed: the format version of a model that `compress` wrote; 0: it reads none.
    """

    name: str
    description: str
    items: str
    product: str
    shots: str
    figure: Figure
    cell: str = ""
    sharing: str = ""
    encodes_words: bool = False
    packages: tuple[str, ...] = ()
    compressed: int = 0

    # Figures

    def figures(self) -> tuple[Figure, ...]:
        """The figures that tasks of this kind may have, the usual one first."""
        return (self.figure,)

    def figure_of(self, task: Any) -> Figure:
        """The figure of one task (a :class:`Task`)."""
        del task
        return self.figure

    def figure_for(self, figures: Iterable[Figure]) -> Figure:
        """The figure at the head of a table whose results have these."""
        del figures
        return self.figure

    def figure_in(self, stored: Container[str], prefix: str = "") -> Figure:
        """The figure whose key, after ``prefix``, is in what a file or a run has of a score."""
        return next((f for f in self.figures() if prefix + f.key in stored), self.figure)

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

    def settings(self) -> dict[str, type[Any]]:
        """The dataclass of all settings of each command that has some, by the command's name."""
        train = self.supervised_settings()
        return {
            "meta-train": self.training_settings(),
            **({} if train is None else {"train": train}),
            "adapt": self.adaptation_settings(),
            "sweep": self.sweep_settings(),
        }

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

        Among the options may be ``notes``, a counter of what reading changed, and ``faults``, a
        list to which a row (file, line, annotation, problem, what was done) is added for each
        annotation that is wrong; a kind that has no use for them passes them over.

        Raises:
            UserError: absent, damaged or ill-formed data.
        """

    def suites(self) -> tuple[str, ...]:
        """Names of suites that no file under ``tasks/suites`` declares."""
        return ()

    def seen(self, about: Mapping[str, Any], target: Any) -> bool:
        """Whether a checkpoint has learned from what ``target`` is made of.

        Args:
            about: what the checkpoint says of itself.
        """
        return target.family in about.get("families", ())

    def learned_of(self, target: Any) -> str:
        """What of ``target`` a checkpoint has learned from that has :meth:`seen` it, in words."""
        return f"{target.name}'s family {target.family}"

    def equal_to_learned(self, model: Any, target: Any) -> int:
        """How many items of the target's test split equal one that a checkpoint learned from.

        0 too where it is not known what the checkpoint learned from.
        """
        del model, target
        return 0

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

    def unread(self, loaded: Loaded, target: Any) -> str:
        """What of a target's items a model leaves unread, in words; empty where that is nothing."""
        del loaded, target
        return ""

    def synthetic(self, target: str) -> bool:
        """Whether the target of this name was generated for this project."""
        del target
        return False

    def known(self, data_dir: Path | None = None) -> KnownCorpora:
        """What is known of corpora and targets without reading them, for `tasks list` and `show`.

        Here: what the catalogue says. A kind whose tasks have other names overrides it.
        """
        from fewshot_metalstm.data.overview import CataloguedCorpora

        return CataloguedCorpora(self.name, data_dir)

    def split_rows(self, target: Any) -> Sequence[SplitRow]:
        """The splits of a target (a :class:`Task`) in numbers, for `tasks show`."""
        from fewshot_metalstm.data.overview import SplitRow

        return [
            SplitRow(
                {"split": split, self.items: size, "sha256": target.digests.get(split, "")},
                {"split": split, self.items: size},
            )
            for split, size in target.sizes.items()
        ]

    def freeze_draws(self, targets: Sequence[Any]) -> Sequence[Path]:
        """Write the frozen draws of some targets again; the files."""
        del targets
        raise UserError(f"draws of {self.name} are not frozen; leave its targets out")

    def check_draws(self, targets: Sequence[Any]) -> Sequence[str]:
        """Draw what is frozen of some targets again; a line for each difference."""
        del targets
        raise UserError(f"draws of {self.name} are not frozen; leave its targets out")

    # Training

    @abstractmethod
    def source(self, config: Any, suite: Any) -> TrainingSource:
        """What a run of training gets its model, episodes and batches from."""

    # Supervised training: a kind may leave it out

    def supervised_settings(self) -> type[TrainSettings] | None:
        """The dataclass of all settings of ``train``: the core's, and sections of its own.

        None, the default, says that there is no supervised training of this kind.
        """
        return None

    def supervised_source(self, config: Any, tasks: Sequence[Any]) -> SupervisedSource:
        """What a run of ``train`` gets its model, batches and figures from.

        Args:
            config: of :meth:`supervised_settings`.
            tasks: as :meth:`load_target` gives them, each of another name.

        Raises:
            UserError: settings that cannot be, or no checkpoint where they name one.
        """
        raise NotImplementedError("a kind with settings of `train` says what it trains on")

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

    def word_encoder(self, folder: Path, sha256: str) -> FrozenEncoder:
        """A model as a frozen encoder: what it makes of words in sentences, for taggers to read.

        It is loaded when it is first needed; a kind with ``encodes_words`` has this.

        Args:
            folder: of a checkpoint or an adapted model.
            sha256: a digest of its files.

        Raises:
            UserError: no model of this kind there, or a damaged one.
        """
        raise NotImplementedError("a kind whose models encode words says how")

    def practice(
        self, loaded: Loaded, target: Any, support: Sequence[int]
    ) -> tuple[int, Callable[[Sequence[int]], object]]:
        """What an adapted model is trained on further, such as when it is compressed.

        Args:
            support: items of the target's train split, by index.

        Returns:
            How many items there are, and a function that gives the batch of some, by index, with
            labels as the model has them.

        Raises:
            UserError: the target has types or classes that the model does not know, or no train
                split.
        """
        del loaded, target, support
        raise UserError(f"adapted models of {self.name} are not trained further; leave --train out")

    # What a user looks at and works with

    def example_files(self) -> Mapping[str, str]:
        """Names and contents of a small example of data that `init` writes, the target first."""
        return {}

    def serving(self) -> Serving | None:
        """How MLflow loads and serves an adapted model; None where that is not offered."""
        return None

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
