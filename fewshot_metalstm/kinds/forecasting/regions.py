"""The regions of the catalogue: hourly load of parts of a grid, and of two transformers far off.

Sources: PJM Interconnection, hourly load in MW; ETT, Zhou et al., "Informer: Beyond Efficient
Transformer for Long Sequence Time-Series Forecasting", AAAI 2021.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from pathlib import Path

from fewshot_metalstm.data import locate
from fewshot_metalstm.data.catalogue import Catalogue
from fewshot_metalstm.data.digests import sha256
from fewshot_metalstm.data.suites import Suite, kept_out
from fewshot_metalstm.errors import UserError, at
from fewshot_metalstm.kinds.forecasting.series import said
from fewshot_metalstm.kinds.forecasting.tables import Columns, read_bytes, read_series
from fewshot_metalstm.kinds.forecasting.tasks import (
    DEVEL,
    KIND,
    TRAIN,
    Exclusions,
    ForecastTask,
    LoadedSeries,
)

FILE = "series"  # the one file of a region, as the catalogue calls it
HELD_OUT = 5  # the last fifth of a region of a suite is its devel split


def load_region(name: str, data_dir: Path | None = None) -> ForecastTask:
    """A region as a target: supports come from anywhere in it, the query stands behind them.

    Raises:
        UserError: there is no such region, or its file is absent, damaged or not the catalogue's.
    """
    entry = Catalogue.load(kind=KIND)[name]
    path = locate.locate(entry, data_dir)[FILE]
    data = read_bytes(path)
    if sha256(data) != entry.files[FILE].sha256:
        cure = f"copy it again, or type `fewshot-metalstm data fetch {name}`"
        raise at(path, None, "is not the file of the catalogue (its SHA-256 differs)", cure)
    notes: Counter[str] = Counter()
    series = read_series(path, notes, Columns(value=entry.types[0]), data)
    whole = (0, len(series[0]))
    return ForecastTask(
        name, entry.family, series, {TRAIN: (whole,)}, name, follows=True, notes=said(notes)
    )


def divided(task: ForecastTask) -> ForecastTask:
    """A region as a task to learn from: its last fifth is held out as the split devel."""
    number = len(task.values)
    cut = number - number // HELD_OUT
    spans = {TRAIN: ((0, cut),), DEVEL: ((cut, number),)}
    return ForecastTask(task.name, task.family, task.series, spans, task.data, notes=task.notes)


def load_suite(suite: Suite, exclude: Sequence[str], data_dir: Path | None = None) -> LoadedSeries:
    """The tasks of a declared suite; nothing of a target's family is in them.

    Raises:
        UserError: absent or damaged data, or nothing left to learn from.
    """
    targets = kept_out(suite, exclude, KIND)
    known = Catalogue.load(kind=KIND)
    # A target of the user's own is no region of the catalogue: nothing of it can be here.
    families = {known[name].family for name in targets if name in known}
    loaded: dict[str, ForecastTask] = {}
    dropped: list[str] = []

    def of(names: Iterable[str]) -> tuple[ForecastTask, ...]:
        found = []
        for name in dict.fromkeys(names):
            if known[name].family in families:
                dropped.append(name)
                continue
            if name not in loaded:
                loaded[name] = divided(load_region(name, data_dir))
            found.append(loaded[name])
        return tuple(found)

    train = of(spec.corpus for spec in suite.tasks)
    validation = of(spec.corpus for spec in suite.validation)
    if not train:
        raise UserError(
            f"suite {suite.name} has no task left beside {', '.join(targets)}; exclude fewer"
        )
    report = Exclusions(targets, tuple(dict.fromkeys(dropped)))
    return LoadedSeries(suite.name, train, validation, report)
