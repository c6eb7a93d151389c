"""Supervised training of forecasters: splits in the order of time, scores, and what is written."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from fewshot_metalstm.errors import UserError
from fewshot_metalstm.kinds.forecasting.kind import FORECASTING
from fewshot_metalstm.kinds.forecasting.model import FORECASTER, load_model
from fewshot_metalstm.kinds.forecasting.own_files import load_own
from fewshot_metalstm.kinds.forecasting.series import DAY, WEEK
from fewshot_metalstm.kinds.forecasting.supervised import (
    ForecastSupervisedConfig,
    ForecastTraining,
    Windows,
)
from fewshot_metalstm.kinds.forecasting.tasks import DEVEL, TEST, TRAIN, ForecastTask
from fewshot_metalstm.kinds.stored import CHECKPOINT
from fewshot_metalstm.train.result import TrainResult
from fewshot_metalstm.train.session import train
from tests.cli.builders import QUICK, run_json, settings
from tests.kinds.forecasting.builders import SMALL, START, load, region, rows, series

CONFIG = ForecastSupervisedConfig(forecaster=SMALL)
CONFIG = replace(CONFIG, train=replace(CONFIG.train, epochs=2, batch=32, curve_items=40))


def run(
    output: Path, *tasks: ForecastTask, config: ForecastSupervisedConfig = CONFIG
) -> TrainResult:
    source = ForecastTraining(config, tasks)
    return train(source, output, kind="forecasting", items="hours", device=torch.device("cpu"))


def test_what_is_scored_comes_after_all_that_is_learned_from() -> None:
    given = region(60)
    items = Windows(given, 0.1)
    train_end = max(items.places[TRAIN]) + DAY
    assert train_end <= min(items.places[DEVEL])
    assert max(items.places[DEVEL]) + DAY <= min(items.places[TEST])
    assert max(items.places[TEST]) + DAY <= len(given.values)
    assert min(items.places[TRAIN]) == WEEK
    assert set(np.diff(items.places[TRAIN])) == {1}, "a window at every hour"
    assert set(np.diff(items.places[TEST])) == {DAY}, "each hour is scored once"
    assert items.sizes == {
        TRAIN: len(items.places[TRAIN]), DEVEL: len(items.places[DEVEL]), TEST: 12,
    }  # fmt: skip
    assert items.support == ((0, 48 * DAY),)
    assert DEVEL not in Windows(given, 0.0).sizes


def test_the_forecaster_scores_as_the_run_said(tmp_path: Path) -> None:
    task = region(120, 3)
    result = run(tmp_path, task)
    (found,) = result.tasks
    assert result.chosen_by == "devel"
    assert result.skipped == 0
    assert found.scores["test"].value < 1, "better than as a week ago"
    assert found.scores["train"].items == 40
    model = load_model(tmp_path / FORECASTER, FORECASTER)
    assert model.about["method"] == "train"
    assert model.about["test_mase"] == round(found.scores["test"].value, 4)
    # `evaluate` scores the four weeks behind all that the forecaster was chosen by: of a region of
    # 120 days the test split is its last 24, and so there are none.
    with pytest.raises(UserError, match="no four weeks behind"):
        FORECASTING.score(FORECASTING.loaded(model), task, TEST)
    longer = region(150, 3)
    run(tmp_path / "longer", longer)
    model = load_model(tmp_path / "longer" / FORECASTER, FORECASTER)
    assert FORECASTING.score(FORECASTING.loaded(model), longer, TEST).size == 28 * DAY


def test_a_users_own_hours_in_three_files(tmp_path: Path) -> None:
    values = load(60, 5)
    source = []
    for split, (first, last) in {"train": (0, 40), "devel": (40, 50), "test": (50, 60)}.items():
        path = tmp_path / f"{split}.csv"
        path.write_text(rows(values[first * DAY : last * DAY], START + first * DAY))
        source.append(f"{split}={path}")
    task = load_own(",".join(source))
    assert task.sizes == {TRAIN: 960, DEVEL: 240, TEST: 240}
    assert not np.isnan(task.values).any()
    items = Windows(task, 0.5)
    assert items.task.spans == task.spans, "nothing is held out where there is a devel split"
    result = run(tmp_path / "run", task)
    model = load_model(result.tasks[0].model, FORECASTER)
    again = FORECASTING.score(FORECASTING.loaded(model), task, TEST)
    assert again.value == pytest.approx(result.tasks[0].scores["test"].value)
    later = ",".join([source[0], source[2]])
    assert load_own(later).sizes == {TRAIN: 960, TEST: 240}
    with pytest.raises(UserError, match="before the end of the devel split"):
        load_own(",".join([source[0], f"devel={tmp_path / 'test.csv'}",
                           f"test={tmp_path / 'devel.csv'}"]))  # fmt: skip


def test_what_cannot_be_learned_from_is_refused_in_a_line() -> None:
    def own(days: int) -> ForecastTask:
        return replace(region(days), follows=False)

    with pytest.raises(UserError, match=r"of the 8\.0 days of the series one train.hold_out=0\.1 "):
        Windows(own(8), 0.1)
    assert Windows(own(8), 0.0).sizes == {TRAIN: 1}
    with pytest.raises(UserError, match=r"has 7\.0 days to learn from, and a week and the day"):
        Windows(own(7), 0.0)
    flat = series(30, name="flat")
    flat = replace(flat, values=np.full(len(flat), 3.0))
    both = (series(30), flat)
    spans = ((0, 720), (720, 1440))
    task = ForecastTask("mine", "mine", both, {TRAIN: spans}, "mine")
    with pytest.raises(UserError, match="mine: the series flat is the same every week"):
        ForecastTraining(CONFIG, [task])


def test_files_of_one_series_are_of_one_series_unless_they_say_otherwise(tmp_path: Path) -> None:
    values = load(40, 5)

    def write(name: str, first: int, last: int, *ids: str) -> str:
        parts = [rows(values[first * DAY : last * DAY], START + first * DAY).splitlines()[1:]
                 for _ in ids or ("",)]  # fmt: skip
        head = "unique_id,ds,y" if ids else "ds,y"
        lines = [
            f"{name},{line}" if ids else line
            for name, part in zip(ids or ("",), parts, strict=True) for line in part
        ]  # fmt: skip
        (tmp_path / f"{name}.csv").write_text("\n".join([head, *lines]) + "\n")
        return str(tmp_path / f"{name}.csv")

    two, one = write("two", 0, 30, "a", "b"), write("one", 0, 30, "a")
    bare, later = write("bare", 0, 30), write("later", 30, 40)
    of_a, of_z = write("of-a", 30, 40, "a"), write("of-z", 30, 40, "z")
    found = load_own(f"train={two},devel={of_a}")
    assert found.types == ("a", "b")
    assert [found.number(a) for a, _ in found.spans[DEVEL]] == [0]
    assert load_own(f"train={one},devel={later}").types == ("a",)
    assert load_own(f"devel={of_z},train={bare}").types == ("bare",)
    assert load_own(f"devel={later},train={bare}").name == "bare", "whatever the order"
    for first in (one, two):
        with pytest.raises(UserError, match=r"of-z\.csv: has the series z, which the train split"):
            load_own(f"train={first},devel={of_z}")


def test_what_reading_changed_is_told(tmp_path: Path) -> None:
    lines = rows(load(30, 5)).splitlines()
    path = tmp_path / "mine.csv"
    path.write_text("\n".join([lines[0], *lines[1:][::-1]]) + "\n")
    notes = run(tmp_path / "run", load_own(str(path))).notes
    assert "719 rows stood out of the order of time and were sorted" in notes[0]
    assert "mine has no devel split: the last 10% of the hours" in notes[1]


def test_a_checkpoint_of_several_series_is_adapted_and_started_from(
    world: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    del world
    monkeypatch.chdir(tmp_path)
    for name in "ab":
        Path(f"{name}.csv").write_text(rows(load(40, ord(name))))
    tiny = ["--no-tracking", "--epochs", "1", "--set", "train.items=60",
            "--set", "forecaster.lstm.hidden=5"]  # fmt: skip
    both = run_json(
        ["train", "--task", "a.csv", "--task", "b.csv", "--output", "both", *tiny], capsys
    )
    assert both["chosen_by"] == "devel", "the last tenth of each"
    joint = load_model(Path("both/checkpoint"), CHECKPOINT)
    assert joint.moments is not None
    assert joint.about["tasks"] == ["a", "b"]
    Path("mine.csv").write_text(rows(load(20, 9)))
    run_json(["adapt", "--checkpoint", "both/checkpoint", "--train", "mine.csv", "--shots", "9",
              "--output", "out", "--no-tracking", *settings(QUICK)], capsys)  # fmt: skip
    run_json(["train", "--task", "mine.csv", "--start", "both/checkpoint", "--output", "on",
              *tiny[:-2]], capsys)  # fmt: skip
    started = load_model(Path("on/forecaster"), FORECASTER)
    assert started.about["from"]["tasks"] == ["a", "b"]
    assert started.learner.config == joint.learner.config
