"""Made-up regions of two hundred days, in memory and as files, and tiny settings."""

from __future__ import annotations

import hashlib
from collections import Counter
from pathlib import Path

import numpy as np
import yaml

from fewshot_metalstm import declarations
from fewshot_metalstm.kinds.forecasting.learner import Forecaster
from fewshot_metalstm.kinds.forecasting.model import new_forecaster
from fewshot_metalstm.kinds.forecasting.series import DAY, WEEK, Floats, Series, hour_text, regular
from fewshot_metalstm.kinds.forecasting.settings import ForecasterConfig
from fewshot_metalstm.kinds.forecasting.tasks import TRAIN, ForecastTask
from fewshot_metalstm.nn.cell_config import MetaLSTMConfig

START = int(np.datetime64("2024-01-01T00", "h").astype(np.int64))  # a Monday
DAYS = 200
REGIONS = ("AEP", "COMED", "DUQ")
TARGET = "load-PJME"
SMALL = ForecasterConfig(MetaLSTMConfig(hidden=5, meta=3, z=3))
TINY = [
    "forecaster.lstm.hidden=5", "forecaster.lstm.meta=3", "forecaster.lstm.z=3", "joint.steps=3",
    "joint.batch=6", "outer.steps=2", "outer.meta_batch=2", "outer.validate_every=2",
    "inner.steps=1", "episodes.shots_high=12", "episodes.support=4", "episodes.query=4",
    "validation.episodes=2", "validation.shots=10", "validation.support=4",
]  # fmt: skip


def load(days: int, seed: int, level: float = 1000.0) -> Floats:
    """Hours that go up and down with the day and the week, and a little by chance."""
    rng = np.random.default_rng(seed)
    hour = np.arange(days * DAY)
    shape = np.sin(2 * np.pi * hour / DAY + seed) + 0.3 * np.sin(2 * np.pi * hour / WEEK)
    found: Floats = level * (1 + 0.2 * shape + 0.02 * rng.standard_normal(len(hour)))
    return found


def rows(values: Floats, start: int = START, head: str = "ds,y") -> str:
    """A table of hours; NaN is an empty cell."""
    cells = ("" if np.isnan(value) else f"{value:.2f}" for value in values)
    lines = (f"{hour_text(start + i)},{cell}" for i, cell in enumerate(cells))
    return "\n".join([head, *lines]) + "\n"


def series(days: int = 30, seed: int = 0, name: str = "one") -> Series:
    """A series without a gap."""
    values = load(days, seed)
    return regular(name, np.arange(START, START + len(values)), values, Counter())


def region(days: int = 60, seed: int = 0, name: str = "load-made-up") -> ForecastTask:
    """A target as the catalogue's are."""
    one = series(days, seed)
    return ForecastTask(name, name, (one,), {TRAIN: ((0, len(one)),)}, name, follows=True)


def forecaster(config: ForecasterConfig = SMALL, seed: int = 0) -> Forecaster:
    """A small forecaster in double precision."""
    return new_forecaster(config, seed).double()


def declare(folder: Path) -> Path:
    """Regions and declarations of theirs: a folder with ``tasks`` and ``data``; none is frozen."""
    tasks, data = folder / "tasks", folder / "data" / "load-forecast" / "pjm"
    (tasks / "suites").mkdir(parents=True)
    data.mkdir(parents=True)
    catalogue = yaml.safe_load((declarations.folder() / "catalogue.yaml").read_text("utf-8"))
    for number, name in enumerate((*REGIONS, TARGET.removeprefix("load-"))):
        content = rows(load(DAYS, number, 100.0 * (number + 1)), head=f"Datetime,{name}_MW")
        (data / f"{name}_hourly.csv").write_text(content, "utf-8")
        digest = hashlib.sha256(content.encode()).hexdigest()
        catalogue["corpora"][f"load-{name}"]["files"]["series"]["sha256"] = digest
    (tasks / "catalogue.yaml").write_text(yaml.safe_dump(catalogue), "utf-8")
    suite = {
        "name": "load", "kind": "forecasting", "exclude": "official",
        "tasks": [f"load-{name}" for name in REGIONS], "validation": ["tasks"],
    }  # fmt: skip
    for suite["name"] in ("load", "load-fold-0"):
        path = tasks / "suites" / f"{suite['name']}.yaml"
        path.write_text(yaml.safe_dump(suite), "utf-8")
    targets = {"official": [], "kinds": {"forecasting": {"official": [TARGET]}}}
    (tasks / "suites" / "targets.yaml").write_text(yaml.safe_dump(targets), "utf-8")
    return folder
