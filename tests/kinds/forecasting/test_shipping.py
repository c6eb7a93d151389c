"""Packing a checkpoint of forecasting, and the one that ships."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from fewshot_metalstm import pretrained
from fewshot_metalstm.cli.main import main
from fewshot_metalstm.kinds.forecasting.model import (
    ForecastModel,
    load_model,
    new_forecaster,
    read_config,
    save_model,
)
from fewshot_metalstm.kinds.forecasting.ridge import Moments
from fewshot_metalstm.kinds.forecasting.windows import places, windows
from fewshot_metalstm.kinds.stored import CHECKPOINT
from tests.kinds.forecasting.builders import SMALL, region

MEGABYTES = 2
ABOUT = {
    "suite": "load-fold-0", "algorithm": "joint", "seed": 3, "validation_mase": 0.5796,
    "targets_excluded": ["load-AEP"], "families": ["load-DUQ"], "tasks": ["load-DUQ"],
    "corpora": {"load-DUQ": {"train": "0123456789abcdef0123"}},
}  # fmt: skip


def test_a_copy_has_a_card_that_tells_of_it(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    task = region(12)
    moments = Moments.of(windows(task, places(task, [(0, 288)])))
    save_model(
        ForecastModel(new_forecaster(SMALL, 0), moments, about=ABOUT), tmp_path / "checkpoint"
    )
    row = {
        "target": "load-AEP", "shots": 14, "method": "joint",
        "mase": {"mean": 0.4752, "ci95": 0.183},
    }  # fmt: skip
    none = {**row, "method": "failed", "mase": None}
    (tmp_path / "report.json").write_text(json.dumps({"rows": [row, none]}))
    command = ["pack", str(tmp_path / "checkpoint"), "--results", str(tmp_path / "report.json")]
    assert main([*command, "--output", str(tmp_path / "tiny")]) == 0
    assert "MB" in capsys.readouterr().out
    card = (tmp_path / "tiny" / pretrained.CARD).read_text("utf-8")
    assert "# fewshot-metalstm: tiny" in card
    assert "| load-DUQ |" in card
    assert "`0123456789abcdef`" in card
    assert "| load-AEP | 14 | joint | 0.475 ± 0.183 |" in card
    assert "failed" not in card
    for file, digest in read_config(tmp_path / "tiny")["sha256"].items():
        assert f"`{file}`: `{digest}`" in card
    assert load_model(tmp_path / "tiny", CHECKPOINT).about == ABOUT
    # One that is too large leaves nothing behind.
    assert main([*command, "--limit", "0.01", "--output", str(tmp_path / "none")]) == 2
    assert "over 0.01" in capsys.readouterr().err
    assert not (tmp_path / "none").exists()


def test_what_ships_is_told_and_fits() -> None:
    folder = pretrained.folders().get("load")
    if folder is None:
        pytest.skip("load is not in the package: `fewshot-metalstm pack` puts it there")
    assert sum(file.stat().st_size for file in folder.iterdir()) <= MEGABYTES * 10**6
    assert load_model(folder, CHECKPOINT).moments is not None
    card = (folder / pretrained.CARD).read_text(encoding="utf-8")
    for file, digest in read_config(folder)["sha256"].items():
        assert f"`{file}`: `{digest}`" in card, "the card is of other files"
    assert pretrained.fitting(region(name="mine")) == (folder,)
