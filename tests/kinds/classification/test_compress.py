"""A compressed classifier is used as any is."""

from __future__ import annotations

from pathlib import Path

import pytest

from fewshot_metalstm.cli.main import main
from fewshot_metalstm.kinds.classification.model import save_model
from fewshot_metalstm.nn.cell_config import MetaLSTMConfig
from tests.cli.builders import run_json
from tests.kinds.classification.builders import SMALL, classifier, own_table


def test_compressing_a_classifier(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    from dataclasses import replace

    config = replace(SMALL, lstm=MetaLSTMConfig(hidden=9, meta=8, z=8))
    save_model(classifier(("good", "bad"), config), tmp_path / "classifier")
    table = str(own_table(tmp_path / "mine.csv"))
    arguments = ["compress", str(tmp_path / "classifier"), "-o", str(tmp_path / "small"), "--int8",
                 "--sparsity", "0.5", "--columns", "4", "--train", table, "--test", table,
                 "--set", "retrain.min_steps=4", "--passes", "1"]  # fmt: skip
    report = run_json(arguments, capsys)
    assert (report["kind"], report["items"], report["steps"]) == ("classification", 16, 4)
    assert report["packed_columns"] < report["columns"]
    score = run_json(["evaluate", str(tmp_path / "small"), "--target", table], capsys)
    assert score["accuracy"] == pytest.approx(report["after"], abs=0.01)
    assert main(["predict", str(tmp_path / "small"), table]) == 0
