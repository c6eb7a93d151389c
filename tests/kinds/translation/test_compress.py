"""A compressed translator is used as any is."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from fewshot_metalstm.cli.main import main
from fewshot_metalstm.kinds.translation.model import (
    PRODUCT,
    TranslationModel,
    new_translator,
    save_model,
)
from fewshot_metalstm.nn.cell_config import MetaLSTMConfig
from tests.cli.builders import run_json
from tests.kinds.translation.builders import SMALL, subwords, write_pairs


def test_compressing_a_translator(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    own = subwords()
    lstm = MetaLSTMConfig(kind="lstm", match=False, hidden=12, meta=3, z=3)
    config = replace(SMALL, lstm=lstm, embedding=10, beam=1)
    model = TranslationModel(new_translator(config, len(own), 0), own, PRODUCT)
    save_model(model, tmp_path / "translator")
    for name, number, seed in (("train", 30, 1), ("test", 5, 2)):
        write_pairs(tmp_path / name, number, seed)
    test = str(tmp_path / "test.tsv")
    arguments = ["compress", str(tmp_path / "translator"), "-o", str(tmp_path / "small"),
                 "--int8", "--sparsity", "0.5", "--columns", "4", "--passes", "1",
                 "--train", str(tmp_path / "train.tsv"), "--test", test,
                 "--set", "retrain.min_steps=6", "--set", "retrain.batch=5"]  # fmt: skip
    report = run_json(arguments, capsys)
    assert (report["kind"], report["figure"]) == ("translation", "chrf")
    assert report["packed_columns"] < report["columns"]
    assert {m["name"].partition(".")[0] for m in report["matrices"]} == {"encoder", "decoder"}
    score = run_json(["evaluate", str(tmp_path / "small"), "--target", test], capsys)
    assert score["mean"] == pytest.approx(report["after"], abs=0.01)
    (tmp_path / "plain.en").write_text("a red dog.\n")
    assert main(["predict", str(tmp_path / "small"), str(tmp_path / "plain.en")]) == 0
