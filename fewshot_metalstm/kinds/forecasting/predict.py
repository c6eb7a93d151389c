"""What ``fewshot-metalstm predict`` does with a forecaster: history in, the next hours out."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np

from fewshot_metalstm.errors import UserError, at
from fewshot_metalstm.kinds.forecasting.forecasts import of_model
from fewshot_metalstm.kinds.forecasting.model import FORECASTER, ForecastModel, load_model
from fewshot_metalstm.kinds.forecasting.series import DAY, WEEK, Floats, Series, hour_text, said
from fewshot_metalstm.kinds.forecasting.tables import Columns, read_series
from fewshot_metalstm.kinds.forecasting.tasks import TRAIN, ForecastTask
from fewshot_metalstm.kinds.forecasting.windows import windows
from fewshot_metalstm.kinds.kind import PredictionRequest
from fewshot_metalstm.printable import as_json, in_field
from fewshot_metalstm.writing import delimiter_of, table_text, write_text

STILL = "series never vary in their last week: their value is forecast, without an interval"
COLUMNS = ("unique_id", "ds", "q10", "q50", "q90")


@dataclass(frozen=True)
class Ahead:
    """The hours behind the end of a series: the three quantiles of each, (3, hours)."""

    series: Series
    quantiles: Floats

    def rows(self) -> list[tuple[str, str, float, float, float]]:
        """A row an hour, by :data:`COLUMNS`."""
        first, name = self.series.start + len(self.series), self.series.name
        found = []
        for i, column in enumerate(self.quantiles.T.tolist()):
            low, middle, high = (round(value, 4) for value in column)
            found.append((name, hour_text(first + i), low, middle, high))
        return found


def predict(
    request: PredictionRequest, horizon: int | None = None, time_column: str | None = None,
    value_column: str | None = None,
) -> Iterator[str]:  # fmt: skip
    """Forecast what comes behind each series; see :meth:`fewshot_metalstm.kinds.kind.Kind.predict`.

    Raises:
        UserError: no forecaster there, files that cannot be read, too little history, an output of
            another form, or a horizon that there is not.
    """
    output, hours = request.output, DAY if horizon is None else horizon
    delimiter = "" if output is None else delimiter_of(output, "the forecast")
    if not 1 <= hours <= DAY:
        raise UserError(f"--horizon is {hours}; a forecast is of the next day, so use 1 to {DAY}")
    model = load_model(request.model, FORECASTER)
    model.learner.to(request.device)
    notes: Counter[str] = Counter()
    found: list[Ahead] = []
    for path in request.files:
        series = read_series(path, notes, Columns(time_column, value_column))
        found += ahead(model, series, path, hours)
        notes[STILL] += still(series)
    lines = [f"{number} {name}" for name, number in said(notes).items()]
    for line in lines:
        request.note(f"note: {line}")
    rows = [row for each in found for row in each.rows()]
    about: dict[str, Any] = {"model": str(request.model), "horizon": hours, "notes": lines}
    if output is not None:
        write_text(table(rows, delimiter), output)
        summary = {**about, "output": str(output), "series": len(found), "hours": len(rows)}
        text = f"{output}: {hours} hours of {len(found)} series"
        yield (as_json(summary) if request.as_json else text) + "\n"
    elif request.as_json:
        forecast = [dict(zip(COLUMNS, row, strict=True)) for row in rows]
        yield as_json({**about, "forecast": forecast}) + "\n"
    else:
        for row in rows:
            yield "\t".join((in_field(row[0]), row[1], *(f"{q:.4f}" for q in row[2:]))) + "\n"


def ahead(
    model: ForecastModel, series: Sequence[Series], path: Path, hours: int = DAY
) -> list[Ahead]:
    """The next hours of each series.

    Raises:
        UserError: a series has less than a week, or a long gap in its last week.
    """
    for each in series:
        if len(each) < WEEK:
            raise at(
                path, None, f"{each.name} has {len(each)} hours",
                f"give at least the last {WEEK}",
            )  # fmt: skip
        if np.isnan(each.values[-WEEK:]).any():
            problem = f"{each.name} has a long gap in its last {WEEK} hours"
            raise at(path, None, problem, "fill it, or give hours up to before it")
    task = whole(series)
    quantiles = of_model(model, task)(task.begins[1:])[:, :, :hours]
    return [Ahead(each, own) for each, own in zip(series, quantiles, strict=True)]


def still(series: Sequence[Series]) -> int:
    """How many series never vary in their last week."""
    task = whole(series)
    return int(windows(task, task.begins[1:]).still.sum())


def whole(series: Sequence[Series], name: str = "history") -> ForecastTask:
    """Some series as a task, whose train split is all of them."""
    begins = np.cumsum([0, *(len(each) for each in series)]).tolist()
    spans = tuple(pairwise(begins))
    return ForecastTask(name, name, tuple(series), {TRAIN: spans})


def table(rows: Sequence[Sequence[object]], delimiter: str) -> str:
    """A forecast as a table with a line at its head."""
    return table_text([COLUMNS, *rows], delimiter)
