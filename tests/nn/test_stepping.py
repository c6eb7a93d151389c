"""Layers that read step by step: the outputs of one call, for every cell."""

from __future__ import annotations

import pytest
import torch

from fewshot_metalstm.nn.cell_config import MetaLSTMConfig
from fewshot_metalstm.nn.cells import CELLS
from fewshot_metalstm.nn.recurrent import make_lstm
from fewshot_metalstm.nn.stepping import stepping
from fewshot_metalstm.seeds import torch_generator


@pytest.mark.parametrize("cell", sorted(CELLS))
def test_step_by_step_is_what_one_call_gives(cell: str) -> None:
    config = MetaLSTMConfig(kind=cell, hidden=4, meta=3, z=2)
    layer = make_lstm(5, config, torch_generator(0, "weights")).double()
    layer.ahead = True
    x = torch.randn(3, 4, 5, generator=torch_generator(1, "x"), dtype=torch.float64)
    with torch.no_grad():
        whole = layer(x.flatten(0, 1), torch.arange(12).view(3, 4), torch.tensor([4, 4, 4]))
        reader = stepping(layer, 3)
        for step in range(2):
            torch.testing.assert_close(reader.step(x[:, step]), whole[:, step])
        rows = torch.tensor([2, 0, 2, 1])  # sentences may be dropped, doubled and in any order
        reader.take(rows)
        for step in (2, 3):
            torch.testing.assert_close(reader.step(x[rows, step]), whole[rows, step])


def test_a_layer_that_reads_backwards_cannot_be_stepped() -> None:
    layer = make_lstm(5, MetaLSTMConfig(hidden=4, meta=3, z=2), torch_generator(0, "weights"))
    with pytest.raises(ValueError, match="has to know the end"):
        stepping(layer, 1)
