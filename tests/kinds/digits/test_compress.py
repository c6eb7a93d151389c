"""A compressed reader of digits is used as any is."""

from __future__ import annotations

from pathlib import Path

import pytest

from fewshot_metalstm.kinds.digits.model import READER, ReaderModel, new_reader, save_model
from fewshot_metalstm.kinds.digits.settings import ReaderConfig
from fewshot_metalstm.nn.cell_config import MetaLSTMConfig
from tests.cli.builders import refused, run_json
from tests.kinds.digits.builders import scaling


@pytest.mark.usefixtures("world")
def test_compressing_a_reader(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    learner = new_reader(ReaderConfig(MetaLSTMConfig(hidden=9, meta=8, z=8)), 3, 4)
    save_model(ReaderModel(learner, scaling(), tuple("6789"), READER), tmp_path / "reader")
    begin = ["compress", str(tmp_path / "reader"), "-o", str(tmp_path / "small"), "--int8",
             "--sparsity", "0.5", "--columns", "4"]  # fmt: skip
    few = ["--shots", "2", "--set", "retrain.min_steps=4", "--passes", "1"]
    names = ["--train", "digits-6789", "--test", "digits-6789"]
    report = run_json([*begin, *names, *few], capsys)
    assert (report["kind"], report["items"], report["steps"]) == ("digits", 8, 4)
    assert report["trained_on"] == "digits-6789, 2 shots"
    score = run_json(["evaluate", str(tmp_path / "small"), "--target", "digits-6789"], capsys)
    assert score["accuracy"] == pytest.approx(report["after"], abs=0.01)
    begin[3] = str(tmp_path / "other")
    line = refused([*begin, "--train", "digits-789", *few], capsys)
    assert "has the classes 7, 8, 9" in line
    line = refused([*begin, "--vectors", "4"], capsys)
    assert "has no word vectors; leave --vectors out" in line
