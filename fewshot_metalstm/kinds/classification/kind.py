"""Classification as a kind of task: texts with one label each."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from fewshot_metalstm.kinds.classification.score import FIGURE
from fewshot_metalstm.kinds.folder_kind import FolderKind
from fewshot_metalstm.kinds.kind import Support

if TYPE_CHECKING:
    from fewshot_metalstm.accuracy import Score
    from fewshot_metalstm.adapt.work import Loaded
    from fewshot_metalstm.kinds.classification.known import KnownReviews
    from fewshot_metalstm.kinds.classification.model import ClassifierModel
    from fewshot_metalstm.kinds.classification.settings import (
        ClassificationRunConfig,
        ClassificationSweepConfig,
        ClassificationTrainConfig,
    )
    from fewshot_metalstm.kinds.classification.source import ClassificationSource
    from fewshot_metalstm.kinds.classification.supervised import (
        ClassificationSupervisedConfig,
        ClassificationTraining,
    )
    from fewshot_metalstm.kinds.classification.tasks import ClassificationTask, LoadedTexts
    from fewshot_metalstm.tracking.serving import Serving


class Classification(FolderKind):
    """Texts of one label each, such as reviews."""

    package = "fewshot_metalstm.kinds.classification"
    name = "classification"
    description = "texts with one label each"
    items = "texts"
    product = "classifier"
    shots = "texts of each class"
    figure = FIGURE
    cell = "classifier.lstm.kind"
    sharing = "classifier.sharing"

    def training_settings(self) -> type[ClassificationTrainConfig]:
        """See :class:`Kind`."""
        from fewshot_metalstm.kinds.classification.settings import ClassificationTrainConfig

        return ClassificationTrainConfig

    def adaptation_settings(self) -> type[ClassificationRunConfig]:
        """See :class:`Kind`."""
        from fewshot_metalstm.kinds.classification.settings import ClassificationRunConfig

        return ClassificationRunConfig

    def sweep_settings(self) -> type[ClassificationSweepConfig]:
        """See :class:`Kind`."""
        from fewshot_metalstm.kinds.classification.settings import ClassificationSweepConfig

        return ClassificationSweepConfig

    def load_suite(
        self, name: str, *, data_dir: Path | None, exclude: Sequence[str] = ()
    ) -> LoadedTexts:
        """See :class:`Kind`."""
        from fewshot_metalstm.data import suites
        from fewshot_metalstm.kinds.classification.reviews import load_suite

        return load_suite(suites.load_suite(name, kind=self.name), exclude, data_dir)

    def load_target(
        self, source: str, *, data_dir: Path | None, text_column: str | None = None,
        label_column: str | None = None, notes: Any = None, **options: Any,
    ) -> ClassificationTask:  # fmt: skip
        """See :class:`Kind`: a domain of reviews, or a user's own files.

        Args:
            text_column: of the user's own table, None to guess it; so ``label_column``.
            notes: a counter of what reading changed.
        """
        from fewshot_metalstm.data.locate import is_own
        from fewshot_metalstm.kinds.classification.own_files import load_own
        from fewshot_metalstm.kinds.classification.reviews import load_reviews

        del options
        if is_own(source):
            task = load_own(source, text_column, label_column)
        else:
            task = load_reviews(source, data_dir)
        if notes is not None:
            notes.update(task.notes)
        return task

    def recognises(self, path: Path) -> bool:
        """See :class:`Kind`: a table or JSON with a text and a label, or a folder a class."""
        from fewshot_metalstm.kinds.classification.own_files import looks_so

        return looks_so(path)

    def known(self, data_dir: Path | None = None) -> KnownReviews:
        """See :class:`Kind`."""
        from fewshot_metalstm.kinds.classification.known import KnownReviews

        return KnownReviews(self.name, data_dir)

    def source(self, config: ClassificationTrainConfig, suite: LoadedTexts) -> ClassificationSource:
        """See :class:`Kind`."""
        from fewshot_metalstm.kinds.classification.source import ClassificationSource

        return ClassificationSource(config, suite)

    def supervised_settings(self) -> type[ClassificationSupervisedConfig]:
        """See :class:`Kind`."""
        from fewshot_metalstm.kinds.classification.supervised import (
            ClassificationSupervisedConfig,
        )

        return ClassificationSupervisedConfig

    def supervised_source(
        self, config: Any, tasks: Sequence[ClassificationTask]
    ) -> ClassificationTraining:
        """See :class:`Kind`."""
        from fewshot_metalstm.kinds.classification.supervised import ClassificationTraining

        return ClassificationTraining(config, tasks)

    def support(self, target: ClassificationTask, shots: int, draw: int, seed: int) -> Support:
        """See :class:`Kind`: K texts of each class."""
        from fewshot_metalstm.kinds.classification.draws import support
        from fewshot_metalstm.kinds.classification.tasks import check_learnable

        check_learnable(target)
        return support(target, shots, draw, seed=seed)

    def loaded(self, model: ClassifierModel) -> Loaded:
        """See :class:`Kind`: with a fresh table of words."""
        from fewshot_metalstm.adapt.work import Loaded

        return Loaded(model, model.table())

    def unread(self, loaded: Loaded, target: ClassificationTask) -> str:
        """See :class:`Kind`: of long texts the middle."""
        return target.cut(loaded.table.longest)

    def score(self, loaded: Loaded, target: ClassificationTask, split: str) -> Score:
        """See :class:`Kind`."""
        from fewshot_metalstm.kinds.classification.scoring import score_model

        return score_model(loaded.model, loaded.table, target, split)

    def practice(
        self, loaded: Loaded, target: ClassificationTask, support: Sequence[int]
    ) -> tuple[int, Callable[[Sequence[int]], object]]:
        """See :class:`Kind`."""
        from fewshot_metalstm.kinds.classification.scoring import practice

        return practice(loaded, target, support)

    def serving(self) -> Serving:
        """See :class:`Kind`: texts in, labels out."""
        from fewshot_metalstm.kinds.classification.serving.pyfunc import serving

        return serving()

    def read_score(self, stored: Mapping[str, Any]) -> Score:
        """See :class:`Kind`."""
        from fewshot_metalstm.accuracy import Score

        groups = {name: self.read_score(s) for name, s in stored.get("per_class", {}).items()}
        return Score(float(stored["accuracy"]), int(stored["texts"]), groups)


CLASSIFICATION = Classification()
