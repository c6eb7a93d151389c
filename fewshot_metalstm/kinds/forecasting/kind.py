"""Forecasting as a kind of task: the next day of an hourly series."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from fewshot_metalstm.kinds.folder_kind import FolderKind
from fewshot_metalstm.kinds.forecasting.score import FIGURE, FURTHER, Score
from fewshot_metalstm.kinds.kind import Support

if TYPE_CHECKING:
    from fewshot_metalstm.adapt.work import Loaded
    from fewshot_metalstm.kinds.forecasting.known import KnownRegions
    from fewshot_metalstm.kinds.forecasting.settings import (
        ForecastRunConfig,
        ForecastSweepConfig,
        ForecastTrainConfig,
    )
    from fewshot_metalstm.kinds.forecasting.source import ForecastSource
    from fewshot_metalstm.kinds.forecasting.supervised import (
        ForecastSupervisedConfig,
        ForecastTraining,
    )
    from fewshot_metalstm.kinds.forecasting.tasks import ForecastTask, LoadedSeries
    from fewshot_metalstm.tracking.serving import Serving


class Forecasting(FolderKind):
    """Hourly series, such as the load of a grid."""

    package = "fewshot_metalstm.kinds.forecasting"
    name = "forecasting"
    description = "the next day of an hourly series"
    items = "hours"
    product = "forecaster"
    shots = "days"
    figure = FIGURE
    cell = "forecaster.lstm.kind"

    def training_settings(self) -> type[ForecastTrainConfig]:
        """See :class:`Kind`."""
        from fewshot_metalstm.kinds.forecasting.settings import ForecastTrainConfig

        return ForecastTrainConfig

    def adaptation_settings(self) -> type[ForecastRunConfig]:
        """See :class:`Kind`."""
        from fewshot_metalstm.kinds.forecasting.settings import ForecastRunConfig

        return ForecastRunConfig

    def sweep_settings(self) -> type[ForecastSweepConfig]:
        """See :class:`Kind`."""
        from fewshot_metalstm.kinds.forecasting.settings import ForecastSweepConfig

        return ForecastSweepConfig

    def load_suite(
        self, name: str, *, data_dir: Path | None, exclude: Sequence[str] = ()
    ) -> LoadedSeries:
        """See :class:`Kind`."""
        from fewshot_metalstm.data import suites
        from fewshot_metalstm.kinds.forecasting.regions import load_suite

        return load_suite(suites.load_suite(name, kind=self.name), exclude, data_dir)

    def load_target(
        self, source: str, *, data_dir: Path | None, time_column: str | None = None,
        value_column: str | None = None, notes: Any = None, **options: Any,
    ) -> ForecastTask:  # fmt: skip
        """See :class:`Kind`: a region, or a user's own series.

        Args:
            time_column: of the user's own table, None to find it; so ``value_column``.
            notes: a counter of what reading changed.
        """
        from fewshot_metalstm.data.locate import is_own
        from fewshot_metalstm.kinds.forecasting.own_files import load_own
        from fewshot_metalstm.kinds.forecasting.regions import load_region
        from fewshot_metalstm.kinds.forecasting.tables import Columns

        del options
        if is_own(source):
            task = load_own(source, Columns(time_column, value_column))
        else:
            task = load_region(source, data_dir)
        if notes is not None:
            notes.update(task.notes)
        return task

    def recognises(self, path: Path) -> bool:
        """See :class:`Kind`: a table with a column of times and one of values."""
        from fewshot_metalstm.kinds.forecasting.tables import looks_so

        return looks_so(path)

    def known(self, data_dir: Path | None = None) -> KnownRegions:
        """See :class:`Kind`."""
        from fewshot_metalstm.kinds.forecasting.known import KnownRegions

        return KnownRegions(self.name, data_dir)

    def source(self, config: ForecastTrainConfig, suite: LoadedSeries) -> ForecastSource:
        """See :class:`Kind`."""
        from fewshot_metalstm.kinds.forecasting.source import ForecastSource

        return ForecastSource(config, suite)

    def supervised_settings(self) -> type[ForecastSupervisedConfig]:
        """See :class:`Kind`."""
        from fewshot_metalstm.kinds.forecasting.supervised import ForecastSupervisedConfig

        return ForecastSupervisedConfig

    def supervised_source(
        self, config: ForecastSupervisedConfig, tasks: Sequence[ForecastTask]
    ) -> ForecastTraining:
        """See :class:`Kind`."""
        from fewshot_metalstm.kinds.forecasting.supervised import ForecastTraining

        return ForecastTraining(config, tasks)

    def support(self, target: ForecastTask, shots: int, draw: int, seed: int) -> Support:
        """See :class:`Kind`: K days in a row."""
        from fewshot_metalstm.kinds.forecasting.draws import support

        return Support(support(target, shots, draw, seed=seed))

    def score(self, loaded: Loaded, target: ForecastTask, split: str) -> Score:
        """See :class:`Kind`."""
        from fewshot_metalstm.kinds.forecasting.forecasts import score_model

        return score_model(loaded.model, target, split)

    def serving(self) -> Serving:
        """See :class:`Kind`: hours in, the next ones out."""
        from fewshot_metalstm.kinds.forecasting.serving.pyfunc import serving

        return serving()

    def read_score(self, stored: Mapping[str, Any]) -> Score:
        """See :class:`Kind`."""
        groups = {name: self.read_score(s) for name, s in stored.get("per_series", {}).items()}
        further = {name: float(stored[name]) for name in FURTHER if name in stored}
        return Score(float(stored["mase"]), int(stored["hours"]), further, groups)


FORECASTING = Forecasting()
