"""The one list of recurrent cells."""

from __future__ import annotations

import pytest

from fewshot_metalstm.errors import UserError
from fewshot_metalstm.nn.cells import CELLS, META_LSTM, canonical, find
from fewshot_metalstm.nn.metalstm import MetaLSTM, MetaLSTMConfig
from fewshot_metalstm.nn.plain_lstm import PlainLSTM
from tests.packages import run_with


def test_names_and_what_they_stand_for() -> None:
    assert {name: cell.load() for name, cell in CELLS.items()} == {
        "meta-lstm": MetaLSTM, "lstm": PlainLSTM,
    }  # fmt: skip
    assert MetaLSTMConfig().kind == META_LSTM
    for cell in CELLS.values():
        assert "\n" not in cell.about


@pytest.mark.parametrize(("older", "name"), [("generated", "meta-lstm"), ("plain", "lstm")])
def test_the_names_that_files_have_had_stand_for_the_same(older: str, name: str) -> None:
    assert canonical(older) == canonical(name) == name
    assert find(older) is find(name) is CELLS[name]
    assert MetaLSTMConfig(kind=older) == MetaLSTMConfig(kind=name)


def test_an_unknown_name_is_one_line() -> None:
    assert canonical("gru") == "gru"
    with pytest.raises(UserError, match="cell 'gru' is unknown; use meta-lstm or lstm"):
        find("gru")


def test_the_list_imports_no_torch() -> None:
    code = "import sys, fewshot_metalstm.nn.cells; assert 'torch' not in sys.modules"
    assert run_with([], "-c", code).returncode == 0
