"""Series as a forecaster continues them, as a page: history, forecast, interval, what came.

The last days of a file are forecast too, each from the week before it, to be held against what
came; the day behind the end is the forecast proper.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from markupsafe import Markup

from fewshot_metalstm.kinds.forecasting.forecasts import of_model, score
from fewshot_metalstm.kinds.forecasting.model import ForecastModel
from fewshot_metalstm.kinds.forecasting.pages.chart import Lines, draw
from fewshot_metalstm.kinds.forecasting.predict import ahead, whole
from fewshot_metalstm.kinds.forecasting.score import Score
from fewshot_metalstm.kinds.forecasting.series import DAY, WEEK, Series
from fewshot_metalstm.kinds.forecasting.windows import places
from fewshot_metalstm.pages.render import write_page

SHOWN = 21  # days of history, at most
BACK = 7  # days at the end of the file that are forecast too, at most


@dataclass(frozen=True)
class Shown:
    """A series of the page; ``score`` is of the days of the file that were forecast."""

    name: str
    picture: Markup
    rows: tuple[tuple[str, str, float, float, float], ...]
    days: int  # of the file that were forecast
    score: Score | None


@dataclass(frozen=True)
class View:
    """All that the page shows."""

    model: str
    series: tuple[Shown, ...]
    notes: tuple[str, ...]


def make_view(name: str, model: ForecastModel, series: Sequence[Series], path: Path) -> View:
    """The page of some series, without notes.

    Args:
        name: the forecaster, as the page calls it.
        path: of the file, for messages.

    Raises:
        UserError: a series with too little history.
    """
    return View(name, tuple(_shown(model, each, path) for each in series), ())


def write_view(view: View, title: str, path: Path) -> Path:
    """Write the page."""
    return write_page(
        path, "forecast", package=__package__, script="details", title=title, page=view
    )


def _shown(model: ForecastModel, series: Series, path: Path) -> Shown:
    (next_day,) = ahead(model, [series], path)
    task, number = whole([series]), len(series)
    first = number - SHOWN * DAY if number > SHOWN * DAY else 0
    actual = np.full(number - first + DAY, np.nan)
    actual[: number - first] = np.where(series.real, series.values, np.nan)[first:]
    quantiles = np.full((3, len(actual)), np.nan)
    quantiles[:, number - first :] = next_day.quantiles
    # As many whole days as have a week before them, the last ending where the file ends.
    days = min(BACK, (number - WEEK) // DAY)
    span = (number - days * DAY, number)
    back = places(task, [span], DAY, live=False, before=True)
    forecast = of_model(model, task)
    for place, own in zip(back.tolist(), forecast(back), strict=True):
        quantiles[:, place - first : place - first + DAY] = own
    known = model.about.get("units", {}).get(series.name)
    unit = float(known or task.unit((0, number)))
    result = score(forecast, task, [span], {0: unit}) if len(back) and unit > 0 else None
    picture = draw(
        Lines(series.start + first, actual, quantiles, number - first),
        f"{series.name}: {SHOWN} days at most, forecasts of the last {len(back)} and of the next",
    )
    return Shown(series.name, picture, tuple(next_day.rows()), len(back), result)
