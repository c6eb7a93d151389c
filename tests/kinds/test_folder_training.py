"""What supervised training of several kinds has in common, by the forecasters'."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
import torch

from fewshot_metalstm.errors import UserError
from fewshot_metalstm.kinds.forecasting.model import FORECASTER, load_model, save_model
from fewshot_metalstm.kinds.forecasting.supervised import ForecastSupervisedConfig, ForecastTraining
from fewshot_metalstm.kinds.stored import CHECKPOINT
from fewshot_metalstm.meta.learner import Params
from fewshot_metalstm.meta.outcome import Progress
from tests.kinds.forecasting.builders import SMALL, region

CONFIG = ForecastSupervisedConfig(forecaster=SMALL)


@pytest.fixture
def checkpoint(tmp_path: Path) -> Path:
    folder = tmp_path / "checkpoint"
    model = ForecastTraining(CONFIG, [region(40)]).made()
    save_model(replace(model, about={"tasks": ["before"], "families": ["before"]}), folder)
    return folder


def test_a_start_is_copied_and_its_sizes_hold(checkpoint: Path) -> None:
    start = load_model(checkpoint, CHECKPOINT)
    usual = ForecastSupervisedConfig(start=str(checkpoint))
    source = ForecastTraining(usual, [region(40)])
    assert source.config.forecaster == SMALL, "the checkpoint's, where none are asked for"
    fresh = source.fresh(Progress())
    given = dict(start.learner.named_parameters())
    for name, value in fresh.learner.named_parameters():
        assert torch.equal(value, given[name])
    assert ForecastTraining(replace(CONFIG, start=str(checkpoint)), [region(40)]).config.start


def test_other_sizes_than_the_starts_are_refused(checkpoint: Path, tmp_path: Path) -> None:
    other = replace(SMALL, lstm=replace(SMALL.lstm, hidden=6))
    config = ForecastSupervisedConfig(start=str(checkpoint), forecaster=other)
    with pytest.raises(UserError, match="other settings of the section forecaster"):
        ForecastTraining(config, [region(40)])
    with pytest.raises(UserError):
        ForecastTraining(replace(CONFIG, start=str(tmp_path / "absent")), [region(40)])


def test_a_checkpoint_of_all_tasks_says_what_it_has_learned_from(
    checkpoint: Path, tmp_path: Path
) -> None:
    tasks = [region(40, 1, "load-one"), region(40, 2, "load-two")]
    source = ForecastTraining(replace(CONFIG, start=str(checkpoint)), tasks)
    model = source.fresh(Progress())
    source.use(model, torch.device("cpu"), {})
    heads = source.heads(model)
    shared: Params = dict(model.learner.named_parameters())
    moved = {
        task: {name: value + number for name, value in head.items()}
        for number, (task, head) in enumerate(heads.items())
    }
    assert source.save_joint(model, shared, moved, tmp_path / "joint", {"epoch": 3})
    joint = load_model(tmp_path / "joint", CHECKPOINT)
    assert joint.about["tasks"] == ["load-one", "load-two"]
    assert joint.about["families"] == ["before", "load-one", "load-two"]
    assert joint.about["epoch"] == 3
    merged = model.learner.merge_heads(list(moved.values()))
    for name, value in joint.learner.named_parameters():
        assert torch.equal(value, {**shared, **merged}[name])
    source.save_model(model, "load-one", shared, tmp_path / FORECASTER, {"epoch": 3, "scores": {}})
    alone = load_model(tmp_path / FORECASTER, FORECASTER)
    assert alone.about["jointly_with"] == ["load-two"]
    assert alone.about["from"]["tasks"] == ["before"]
