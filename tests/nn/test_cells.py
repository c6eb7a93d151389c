"""The one list of recurrent cells."""

from __future__ import annotations

from dataclasses import fields
from typing import Any

import pytest

from fewshot_metalstm.errors import UserError
from fewshot_metalstm.nn.cell_config import MetaLSTMConfig, check_cell, check_meta_norm
from fewshot_metalstm.nn.cells import CELLS, META_LSTM, canonical, find
from fewshot_metalstm.nn.metalstm import MetaLSTM
from fewshot_metalstm.nn.plain_lstm import PlainLSTM
from fewshot_metalstm.nn.recurrent import Recurrent
from tests.packages import run_with


def test_names_and_what_they_stand_for() -> None:
    assert CELLS["meta-lstm"].load() is MetaLSTM
    assert CELLS["lstm"].load() is PlainLSTM
    assert len({cell.load() for cell in CELLS.values()}) == len(CELLS)
    assert MetaLSTMConfig().kind == META_LSTM
    for cell in CELLS.values():
        assert "\n" not in cell.about
        assert set(cell.options) <= {field.name for field in fields(MetaLSTMConfig)}
        assert issubclass(cell.load(), Recurrent)


@pytest.mark.parametrize(("older", "name"), [("generated", "meta-lstm"), ("plain", "lstm")])
def test_the_names_that_files_have_had_stand_for_the_same(older: str, name: str) -> None:
    assert canonical(older) == canonical(name) == name
    assert find(older) is find(name) is CELLS[name]
    assert MetaLSTMConfig(kind=older) == MetaLSTMConfig(kind=name)


def test_an_unknown_name_is_one_line() -> None:
    assert canonical("gru") == "gru"
    with pytest.raises(
        UserError, match=r"cell 'gru' is unknown; use meta-lstm, lstm, .* or torch-rnn$"
    ):
        find("gru")


def test_the_list_imports_no_torch() -> None:
    code = "import sys, fewshot_metalstm.nn.cell_config; assert 'torch' not in sys.modules"
    assert run_with([], "-c", code).returncode == 0


@pytest.mark.parametrize(("settings", "line"), [
    ({"kind": "lstm", "window": 2},
     "lstm.window=2 says nothing of the cell lstm; leave it out, or use --cell qrnn"),
    ({"kind": "rnn", "norm": "layer"}, "lstm.norm=layer says nothing of the cell rnn"),
    ({"kind": "hyper-lstm", "norm": "batch"},
     "lstm.norm=batch is not a norm of the cell hyper-lstm; use none or layer"),
    ({"kind": "meta-lstm", "recurrent_dropout": 0.1}, "use --cell hyper-lstm or norm-lstm"),
])  # fmt: skip
def test_a_setting_that_the_cell_does_not_read_is_refused(
    settings: dict[str, Any], line: str
) -> None:
    with pytest.raises(UserError, match=line):
        check_cell(MetaLSTMConfig(**settings))


def test_settings_that_a_cell_reads_are_taken() -> None:
    check_cell(
        MetaLSTMConfig(kind="norm-lstm", norm="batch", recurrent_dropout=0.1, start="uniform")
    )
    check_cell(MetaLSTMConfig(kind="lstm", meta=7, z=3), "tagger.lstm")


def test_batch_norm_is_for_joint_training_alone() -> None:
    config = MetaLSTMConfig(kind="norm-lstm", norm="batch")
    check_meta_norm(config, "joint", joint=True)
    check_meta_norm(MetaLSTMConfig(kind="norm-lstm", norm="layer"), "maml", joint=False)
    with pytest.raises(UserError, match="maml has one episode at a time; use norm=layer, or --alg"):
        check_meta_norm(config, "maml", joint=False)
