"""A compressed forecaster is used as any is."""

from __future__ import annotations

from pathlib import Path

import pytest

from fewshot_metalstm.cli.main import main
from fewshot_metalstm.kinds.forecasting.model import (
    FORECASTER,
    ForecastModel,
    new_forecaster,
    save_model,
)
from fewshot_metalstm.kinds.forecasting.settings import ForecasterConfig
from fewshot_metalstm.nn.cell_config import MetaLSTMConfig
from tests.cli.builders import run_json
from tests.kinds.forecasting.builders import load, rows


def test_compressing_a_forecaster(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    learner = new_forecaster(ForecasterConfig(MetaLSTMConfig(hidden=9, meta=8, z=8)), 0)
    save_model(ForecastModel(learner, None, FORECASTER, {}), tmp_path / "forecaster")
    (tmp_path / "mine.csv").write_text(rows(load(20, 1)))
    table = str(tmp_path / "mine.csv")
    arguments = ["compress", str(tmp_path / "forecaster"), "-o", str(tmp_path / "small"), "--int8",
                 "--sparsity", "0.5", "--columns", "4", "--train", table, "--test", table,
                 "--set", "retrain.min_steps=4", "--passes", "1", "--set",
                 "retrain.batch=100"]  # fmt: skip
    report = run_json(arguments, capsys)
    assert (report["kind"], report["figure"]) == ("forecasting", "mase")
    assert report["packed_columns"] < report["columns"]
    score = run_json(["evaluate", str(tmp_path / "small"), "--target", table], capsys)
    assert score["mase"] == pytest.approx(report["after"], abs=0.01)
    assert main(["predict", str(tmp_path / "small"), table]) == 0
