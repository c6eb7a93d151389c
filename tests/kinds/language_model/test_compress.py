"""A compressed language model is used as any is."""

from __future__ import annotations

from pathlib import Path

import pytest

from fewshot_metalstm.cli.main import main
from fewshot_metalstm.kinds.language_model.model import PRODUCT, StoredModel, new_model, save_model
from fewshot_metalstm.kinds.language_model.settings import ModelConfig
from fewshot_metalstm.nn.cell_config import MetaLSTMConfig
from tests.cli.builders import run_json

TEXT = "The mouse sleeps. The cat does not; it waits for the mouse. " * 40


def test_compressing_a_language_model(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    learner = new_model(ModelConfig(lstm=MetaLSTMConfig(hidden=12, meta=8, z=8)), 0)
    save_model(StoredModel(learner, PRODUCT), tmp_path / "language-model")
    for name, text in (("train", TEXT), ("test", TEXT[:500])):
        (tmp_path / f"{name}.txt").write_text(text)
    test = str(tmp_path / "test.txt")
    arguments = ["compress", str(tmp_path / "language-model"), "-o", str(tmp_path / "small"),
                 "--int8", "--sparsity", "0.5", "--columns", "4", "--passes", "1",
                 "--train", str(tmp_path / "train.txt"), "--test", test,
                 "--set", "retrain.min_steps=6", "--set", "retrain.batch=4"]  # fmt: skip
    report = run_json(arguments, capsys)
    assert (report["kind"], report["figure"]) == ("language-model", "bpc")
    assert report["packed_columns"] < report["columns"]
    assert report["after"] < report["before"], "it has learned what it was retrained on"
    score = run_json(["evaluate", str(tmp_path / "small"), "--target", test], capsys)
    assert score["mean"] == pytest.approx(report["after"], abs=0.01)
    assert main(["predict", str(tmp_path / "small"), test]) == 0
