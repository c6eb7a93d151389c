"""Forecasting as a kind of task: the next day of an hourly series."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from fewshot_metalstm.kinds.forecasting.score import FIGURE, FURTHER, Score
from fewshot_metalstm.kinds.kind import Kind, PredictionRequest, Support

if TYPE_CHECKING:
    import torch

    from fewshot_metalstm.adapt.cell import Cell, CellResult
    from fewshot_metalstm.adapt.work import Loaded, Method
    from fewshot_metalstm.kinds.forecasting.known import KnownRegions
    from fewshot_metalstm.kinds.forecasting.model import ForecastModel
    from fewshot_metalstm.kinds.forecasting.settings import (
        ForecastRunConfig,
        ForecastSweepConfig,
        ForecastTrainConfig,
    )
    from fewshot_metalstm.kinds.forecasting.source import ForecastSource
    from fewshot_metalstm.kinds.forecasting.tasks import ForecastTask, LoadedSeries
    from fewshot_metalstm.pages.look import Look
    from fewshot_metalstm.tracking.serving import Serving


class Forecasting(Kind):
    """Hourly series, such as the load of a grid."""

    name = "forecasting"
    description = "the next day of an hourly series"
    items = "hours"
    product = "forecaster"
    shots = "days"
    figure = FIGURE
    cell = "forecaster.lstm.kind"
    compressed = 2

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

    def check(self, config: ForecastTrainConfig) -> None:
        """See :class:`Kind`."""
        from fewshot_metalstm.kinds.forecasting.settings import check

        check(config)

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

    def freeze_draws(self, targets: Sequence[ForecastTask]) -> Sequence[Path]:
        """See :class:`Kind`."""
        from fewshot_metalstm.kinds.forecasting.draws import FROZEN

        return FROZEN.freeze(targets)

    def check_draws(self, targets: Sequence[ForecastTask]) -> Sequence[str]:
        """See :class:`Kind`."""
        from fewshot_metalstm.kinds.forecasting.draws import FROZEN

        return FROZEN.check(targets)

    def source(self, config: ForecastTrainConfig, suite: LoadedSeries) -> ForecastSource:
        """See :class:`Kind`."""
        from fewshot_metalstm.kinds.forecasting.source import ForecastSource

        return ForecastSource(config, suite)

    def support(self, target: ForecastTask, shots: int, draw: int, seed: int) -> Support:
        """See :class:`Kind`: K days in a row."""
        from fewshot_metalstm.kinds.forecasting.draws import support

        return Support(support(target, shots, draw, seed=seed))

    def load_model(self, folder: Path, role: str | None = None) -> ForecastModel:
        """See :class:`Kind`."""
        from fewshot_metalstm.kinds.forecasting.model import load_prepared

        return load_prepared(folder, role)

    def read_config(self, folder: Path, role: str | None = None) -> Mapping[str, Any]:
        """See :class:`Kind`."""
        from fewshot_metalstm.kinds.forecasting.model import read_config

        return read_config(folder, role)

    def loaded(self, model: ForecastModel) -> Loaded:
        """See :class:`Kind`: reading hours builds nothing up."""
        from fewshot_metalstm.adapt.work import Loaded

        return Loaded(model)

    def methods(self) -> Mapping[str, Method]:
        """See :class:`Kind`."""
        from fewshot_metalstm.kinds.forecasting.methods import METHODS

        return METHODS.baselines

    def check_tune(self, tune: str) -> None:
        """See :class:`Kind`."""
        from fewshot_metalstm.kinds.forecasting.methods import METHODS

        METHODS.check_tune(tune)

    def make_cells(
        self, names: Sequence[str], target: ForecastTask, config: Any, supports: Sequence[Support],
        draws: Sequence[int], save: Path | None = None,
    ) -> tuple[list[Cell], Sequence[str]]:  # fmt: skip
        """See :class:`Kind`; what reading the target changed is said."""
        from fewshot_metalstm.kinds.forecasting.methods import METHODS

        cells = METHODS.cells(names, config, supports, draws, save)
        return cells, [f"{target.name}: {line}" for line in self.change_lines(target.notes)]

    def do_cell(self, cell: Cell, target: ForecastTask, loaded: Callable[[], Loaded]) -> CellResult:
        """See :class:`Kind`."""
        from fewshot_metalstm.kinds.forecasting.methods import METHODS

        return METHODS.do(cell, target, loaded)

    def score(self, loaded: Loaded, target: ForecastTask, split: str) -> Score:
        """See :class:`Kind`."""
        from fewshot_metalstm.kinds.forecasting.forecasts import score_model

        return score_model(loaded.model, target, split)

    def practice(
        self, loaded: Loaded, target: ForecastTask, support: Sequence[int]
    ) -> tuple[int, Callable[[Sequence[int]], object]]:
        """See :class:`Kind`."""
        from fewshot_metalstm.kinds.forecasting.work import practice

        return practice(loaded.model, target, support)

    def serving(self) -> Serving:
        """See :class:`Kind`: hours in, the next ones out."""
        from fewshot_metalstm.kinds.forecasting.serving.pyfunc import serving

        return serving()

    def predict(self, request: PredictionRequest, **options: Any) -> Iterator[str]:
        """See :class:`Kind`.

        Args:
            options: those of :mod:`fewshot_metalstm.kinds.forecasting.cli.options`.
        """
        from fewshot_metalstm.kinds.forecasting.predict import predict

        return predict(request, **options)

    def look(self, folder: Path, target: ForecastTask, split: str, device: torch.device) -> Look:
        """See :class:`Kind`: errors and intervals by the hour ahead."""
        from fewshot_metalstm.kinds.forecasting.look import report_look

        return report_look(folder, target, split, device)

    def read_score(self, stored: Mapping[str, Any]) -> Score:
        """See :class:`Kind`."""
        groups = {name: self.read_score(s) for name, s in stored.get("per_series", {}).items()}
        further = {name: float(stored[name]) for name in FURTHER if name in stored}
        return Score(float(stored["mase"]), int(stored["hours"]), further, groups)


FORECASTING = Forecasting()
