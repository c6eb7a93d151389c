"""``fewshot-metalstm view`` with a forecaster: a page of series, their forecasts and what came."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from fewshot_metalstm.cli.viewing import show, view_command
from fewshot_metalstm.kinds.forecasting.cli.options import columns_options

if TYPE_CHECKING:
    from fewshot_metalstm.kinds.forecasting.pages.view import View


@view_command(columns_options)
def view(
    model: Path, file: Path, output: Path | None, time_column: str | None,
    value_column: str | None, device: str, as_json: bool, quiet: bool,
) -> None:  # fmt: skip
    """With a forecaster, the page shows each series of FILE and how it is forecast.

    FILE is a table of hours, as `predict` reads it. Its last days are forecast as well, each from
    the week before it, to be compared with what came.
    """
    show(
        file, output,
        lambda html: run(model=model, file=file, html=html, time_column=time_column,
                         value_column=value_column, device=device),
        _said, as_json=as_json, quiet=quiet,
    )  # fmt: skip


def _said(shown: View) -> tuple[str, dict[str, Any]]:
    series = {
        each.name: {
            "days": each.days,
            "mase": None if each.score is None else round(each.score.value, 4),
        }
        for each in shown.series
    }
    return f"{len(shown.series)} series", {"series": series}


def run(
    *, model: Path, file: Path, html: Path, time_column: str | None, value_column: str | None,
    device: str,
) -> View:  # fmt: skip
    """Read the file, forecast, write the page."""
    from fewshot_metalstm import runs
    from fewshot_metalstm.kinds.forecasting.model import FORECASTER, load_model
    from fewshot_metalstm.kinds.forecasting.pages.view import make_view, write_view
    from fewshot_metalstm.kinds.forecasting.predict import STILL, still
    from fewshot_metalstm.kinds.forecasting.series import said
    from fewshot_metalstm.kinds.forecasting.tables import Columns, read_series
    from fewshot_metalstm.machine import pick_device
    from fewshot_metalstm.pages.render import check_page

    check_page(html, file)
    notes: Counter[str] = Counter()
    series = read_series(file, notes, Columns(time_column, value_column))
    loaded = load_model(runs.model_folder(model, FORECASTER), FORECASTER)
    loaded.learner.to(pick_device(device))
    shown = make_view(str(model), loaded, series, file)
    notes[STILL] += still(series)  # behind the forecast, which refuses those of less than a week
    lines = tuple(f"{number} {name}" for name, number in said(notes).items())
    shown = replace(shown, notes=lines)
    write_view(shown, f"{file.name}, as the forecaster continues it", html)
    return shown
