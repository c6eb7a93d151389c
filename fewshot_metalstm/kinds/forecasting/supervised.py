"""Supervised training of forecasters: fresh or from a checkpoint, on all hours of train.

What is learned from are the windows at every hour of the train split; what the epoch is chosen by,
and what is tested, are the days that come after it, each forecast once. Windows overlap, so that
none may be held out by chance: without a devel split the end of the train split is.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

import torch

from fewshot_metalstm.errors import UserError
from fewshot_metalstm.kinds.folder_training import FolderTraining
from fewshot_metalstm.kinds.forecasting.draws import LEAST
from fewshot_metalstm.kinds.forecasting.forecasts import compare_at, of_learner
from fewshot_metalstm.kinds.forecasting.learner import Forecaster
from fewshot_metalstm.kinds.forecasting.model import (
    FORECASTER,
    ForecastModel,
    adapted_forecaster,
    load_prepared,
    new_checkpoint,
    save_model,
)
from fewshot_metalstm.kinds.forecasting.score import FIGURE, check_unit
from fewshot_metalstm.kinds.forecasting.series import DAY
from fewshot_metalstm.kinds.forecasting.settings import (
    ForecasterConfig,
    RidgeConfig,
    check_sizes,
)
from fewshot_metalstm.kinds.forecasting.tasks import DEVEL, TEST, TRAIN, ForecastTask, Span
from fewshot_metalstm.kinds.forecasting.windows import (
    Batch,
    Places,
    encode,
    places,
    support_places,
)
from fewshot_metalstm.kinds.items_of import ItemsOf
from fewshot_metalstm.meta.learner import Params
from fewshot_metalstm.train.about import trained_about
from fewshot_metalstm.train.settings import SupervisedConfig, TrainSettings
from fewshot_metalstm.train.source import Evaluation

_AT_ONCE = 512  # windows whose loss is taken
_TEST = 0.2  # of a region's hours, the last ones


def _training() -> SupervisedConfig:
    return SupervisedConfig(
        epochs=10, batch=64, lr=1e-3, average=0.99, hold_out=0.1, curve_items=500
    )


@dataclass(frozen=True)
class ForecastSupervisedConfig(TrainSettings):
    """Everything that supervised training of forecasters depends on, besides data and code."""

    train: SupervisedConfig = field(default_factory=_training)
    forecaster: ForecasterConfig = field(default_factory=ForecasterConfig)
    ridge: RidgeConfig = field(default_factory=RidgeConfig)  # of the linear path's start


def divided(task: ForecastTask, hold_out: float) -> ForecastTask:
    """A task with what the epoch is chosen by, in the order of time.

    The last fifth of a region of the catalogue is its test split. Where there is no devel split,
    the share ``hold_out`` of the hours before, the last ones of each series, is.

    Raises:
        UserError: what is left to learn from holds no window, or what is held out no day.
    """
    spans = dict(task.spans)
    if task.follows:
        whole = spans[TRAIN]
        spans[TRAIN] = tuple((a, b - round((b - a) * _TEST)) for a, b in whole)
        spans[TEST] = tuple(
            (cut, b) for (_, cut), (_, b) in zip(spans[TRAIN], whole, strict=True)
        )  # fmt: skip
    for start, stop in spans[TRAIN]:
        if stop - start < LEAST * DAY:
            raise UserError(
                f"{task.name}: {named(task, start)} has {(stop - start) / DAY:.1f} days to learn "
                f"from, and a week and the day behind it are {LEAST}; give more, or leave it out"
            )
    if hold_out and DEVEL not in spans:
        whole = spans[TRAIN]
        spans[TRAIN] = tuple((a, b - max(DAY, round((b - a) * hold_out))) for a, b in whole)
        for (start, cut), (_, stop) in zip(spans[TRAIN], whole, strict=True):
            if cut - start < LEAST * DAY:
                raise UserError(
                    f"{task.name}: of the {(stop - start) / DAY:.1f} days of {named(task, start)} "
                    f"train.hold_out={hold_out:g} leaves fewer than {LEAST} to learn from; lower "
                    "it (0 holds out none), or leave the series out"
                )
        spans[DEVEL] = tuple(
            (cut, b) for (_, cut), (_, b) in zip(spans[TRAIN], whole, strict=True)
        )  # fmt: skip
    return ForecastTask(
        task.name, task.family, task.series, spans, task.data, notes=task.notes,
        synthetic=task.synthetic, invented=task.invented,
    )  # fmt: skip


def named(task: ForecastTask, place: int) -> str:
    """The series that a place is of, for messages."""
    return f"the series {task.series[task.number(place)].name}"


class Windows(ItemsOf[ForecastTask]):
    """A task whose items are windows: at every hour of train, a day each of what is scored.

    Args:
        given: as it was read.
        hold_out: see :func:`divided`, which makes its splits.
    """

    def __init__(self, given: ForecastTask, hold_out: float) -> None:
        super().__init__(divided(given, hold_out))
        self.given = given

    @cached_property
    def places(self) -> dict[str, Places]:
        """Where the windows of each split begin their output."""
        return {split: self._places(split) for split in self.task.spans}

    def _places(self, split: str) -> Places:
        spans = self.task.spans[split]
        if split == TRAIN:
            return support_places(self.task, spans)
        found = places(self.task, spans, DAY, live=False, before=True)
        if not len(found):
            raise UserError(
                f"{self.name}: its {split} split has no day with a whole week right before it; "
                "give more hours, and those that come right behind the split before"
            )
        return found

    @property
    def sizes(self) -> Mapping[str, int]:
        """Windows of each split."""
        return {split: len(at) for split, at in self.places.items()}

    @cached_property
    def units(self) -> dict[int, float]:
        """What MASE divides by, by the number of the series.

        Raises:
            UserError: a series that is the same every week.
        """
        found = {}
        for start, stop in self.task.spans[TRAIN]:
            unit = self.task.unit((start, stop))
            if unit == 0:
                raise UserError(
                    f"{self.name}: {named(self.task, start)} is the same every week, so that there "
                    "is nothing to learn; leave it out"
                )
            found[self.task.number(start)] = check_unit(
                unit, f"{self.name}: {named(self.task, start)}"
            )
        return found

    def check(self) -> None:
        """Refuse with a :class:`UserError`, before anything is learned, what cannot be scored."""
        assert self.units
        assert self.places

    @property
    def support(self) -> tuple[Span, ...]:
        """The hours behind which a forecaster is at its best: all that it has been chosen by."""
        devel = self.task.spans.get(DEVEL, ())
        ends = {self.task.number(start): stop for start, stop in devel}
        return tuple(
            (a, ends.get(self.task.number(a), b)) for a, b in self.task.spans[TRAIN]
        )  # fmt: skip


class ForecastTraining(FolderTraining[ForecastModel]):
    """Series for one run of supervised training; all share one head."""

    figure = FIGURE
    product = FORECASTER
    section = "forecaster"
    config: ForecastSupervisedConfig
    tasks: Sequence[Windows]
    read = staticmethod(load_prepared)
    write = staticmethod(save_model)

    def __init__(self, config: ForecastSupervisedConfig, tasks: Sequence[ForecastTask]) -> None:
        super().__init__(config, tasks)
        check_sizes(self.config.forecaster)
        self.tasks = [Windows(task, self.config.train.hold_out) for task in tasks]
        self._by_name = {task.name: task for task in self.tasks}
        for own in self.tasks:
            own.check()

    def made(self) -> ForecastModel:
        """See :class:`FolderTraining`: the linear path begins as ridge regression over train."""
        config, tasks = self.config, [own.task for own in self.tasks]
        return new_checkpoint(config.forecaster, config.ridge, tasks, config.seed)

    def with_params(self, model: ForecastModel, params: Params) -> Forecaster:
        """See :class:`FolderTraining`."""
        return adapted_forecaster(model.learner, params)

    def notes(self) -> Sequence[str]:
        """See :class:`SupervisedSource`: what reading changed, and what chooses the epoch."""
        found = []
        for own in self.tasks:
            found += [f"{own.name}: {number} {what}" for what, number in own.given.notes.items()]
            if DEVEL in own.task.spans and DEVEL not in own.given.spans:
                share = f"{self.config.train.hold_out:.0%}"
                found.append(
                    f"{own.name} has no devel split: the last {share} of the hours that are not "
                    "for testing choose the epoch"
                )
        return found

    def lengths(self, task: str) -> Sequence[int]:
        """See :class:`SupervisedSource`: all windows are as long."""
        return [1] * self._by_name[task].sizes[TRAIN]

    def batch(self, task: str, split: str, items: Sequence[int]) -> Batch:
        """See :class:`SupervisedSource`."""
        own = self._by_name[task]
        step = self._model.learner.config.step
        return encode(own.task, own.places[split][list(items)], step, self._device)

    def evaluate(
        self, task: str, split: str, items: Sequence[int], params: Params,
        tuned: Mapping[str, float] | None = None,
    ) -> Evaluation:  # fmt: skip
        """See :class:`SupervisedSource`: the pinball loss, and MASE in the unit of train."""
        del tuned
        own, learner, total, hours = self._by_name[task], self._model.learner, 0.0, 0.0
        for first in range(0, len(items), _AT_ONCE):
            batch = self.batch(task, split, items[first : first + _AT_ONCE])
            here = float(batch.weight.sum())
            with torch.no_grad():
                total += float(learner.loss(params, batch)) * here
            hours += here
        forecast = of_learner(learner, params, own.task, self._device)
        compared = compare_at(forecast, own.task, own.places[split][list(items)], own.units)
        return Evaluation(total / hours, compared.score())

    def save_model(
        self, model: ForecastModel, task: str, params: Params, folder: Path,
        about: Mapping[str, Any],
    ) -> None:  # fmt: skip
        """See :class:`SupervisedSource`."""
        own = self._by_name[task]
        whole: dict[str, Any] = {
            "target": own.name, "method": "train", "tune": "all", "draw": 0,
            "seed": self.config.seed,
            "support_hours": sum(b - a for a, b in own.task.spans[TRAIN]),
            "support": [list(span) for span in own.support],
            "sha256": own.given.digests[TRAIN],
            "units": {own.task.series[number].name: unit for number, unit in own.units.items()},
            **trained_about(own, self.tasks, self._start, about, FIGURE.key, 4),
        }  # fmt: skip
        made = adapted_forecaster(model.learner, params)
        save_model(ForecastModel(made, None, FORECASTER, whole), folder)
