"""A closer look at an adapted forecaster: how good it is hour by hour ahead, and its interval."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from markupsafe import Markup

from fewshot_metalstm.kinds.forecasting.forecasts import Compared, compare_model
from fewshot_metalstm.kinds.forecasting.model import FORECASTER, load_model
from fewshot_metalstm.kinds.forecasting.series import DAY, Floats
from fewshot_metalstm.kinds.forecasting.tasks import ForecastTask
from fewshot_metalstm.pages.look import Look, LookPart, Picture, relative
from fewshot_metalstm.tracking.pictures import new_figure, save

_HELD = 80  # percent of the hours that the interval should hold
_INTRO = (
    "Each day is forecast at midnight. The error of an hour is in units of that of the forecast as "
    "a week ago within the support, as MASE has it; the interval should hold 80 percent of the "
    "hours."
)


@dataclass(frozen=True)
class Ahead:
    """Errors and intervals by the hour ahead, (24,); NaN for an hour that was never measured."""

    error: Floats
    held: Floats  # percent

    @classmethod
    def of(cls, compared: Compared) -> Ahead:
        """Over all days."""
        low, middle, high = compared.forecast.transpose(1, 0, 2)
        wrong = np.abs(compared.actual - middle) / compared.units[:, None]
        inside = 100.0 * ((low <= compared.actual) & (compared.actual <= high))
        number = compared.real.sum(0)

        def mean(values: Floats) -> Floats:
            total = np.where(compared.real, values, 0).sum(0)
            return np.where(number > 0, total / np.maximum(number, 1), np.nan)

        return cls(mean(wrong), mean(inside))


def report_look(folder: Path, task: ForecastTask, split: str, device: torch.device) -> Look:
    """Errors and intervals of the forecaster in ``folder`` by the hour ahead.

    Raises:
        UserError: there is no such forecaster, or it was adapted to another region.
    """
    model = load_model(folder, FORECASTER)
    model.learner.to(device)
    compared = compare_model(model, task, split)
    score, ahead = compared.score(), Ahead.of(compared)
    follows = task.follows and split == "test"
    text = f"the four weeks behind its support of {task.name}" if follows else (
        f"the {split} split of {task.name}"
    )  # fmt: skip
    name = folder.parent.name
    caption = f"How good the forecasts of {name} are, hour by hour ahead, on {text}."
    picture = Picture(
        f"ahead-{name}".replace("/", "_"), caption,
        lambda path: ahead_picture(ahead, path, title=caption.removesuffix(".")),
    )  # fmt: skip
    worst = int(np.nanargmax(ahead.error))
    words = Markup(
        "<p><code>{}</code> on {}: MASE {:.3f} on {:,} hours; worst is hour {} of the day ahead "
        "({:.3f}). {:.0f}% of the hours are within the interval.</p>"
    ).format(
        relative(folder), text, score.value, score.size, worst + 1, ahead.error[worst],
        score.further["coverage"],
    )  # fmt: skip
    part = LookPart("ahead", "Hour by hour ahead", _INTRO, words, (picture,))
    facts = {
        FORECASTER: str(folder), "split": text, "mase": round(score.value, 4),
        "hours": score.size, "mase_by_hour": _listed(ahead.error, 4),
        "held_by_hour": _listed(ahead.held, 1),
    }  # fmt: skip
    return Look(folder, text, (part,), facts)


def ahead_picture(ahead: Ahead, path: Path, *, title: str) -> Path:
    """Draw both by the hour ahead."""
    hours = np.arange(1, DAY + 1)
    figure = new_figure(width=8.0, height=3.4)
    left, right = figure.subplots(1, 2)
    left.plot(hours, ahead.error, marker="o", markersize=3)
    left.set_ylabel("error (MASE)")
    left.set_ylim(bottom=0)
    right.plot(hours, ahead.held, marker="o", markersize=3)
    right.axhline(_HELD, linestyle="--", color="grey")
    right.set_ylabel("within the interval (%)")
    right.set_ylim(0, 100)
    for axes in (left, right):
        axes.set_xlabel("hour ahead")
        axes.set_xticks((1, 6, 12, 18, 24))
        axes.grid(alpha=0.3)
    return save(figure, title, path)


def _listed(values: Floats, digits: int) -> list[float | None]:
    return [None if np.isnan(value) else round(float(value), digits) for value in values]
