"""States in 8 bits: near to those that are not, and nothing is left of it behind the block."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from fewshot_metalstm.compress.states import states_rounded
from fewshot_metalstm.nn.cell_config import MetaLSTMConfig
from fewshot_metalstm.nn.recurrent import Recurrent, make_lstm
from fewshot_metalstm.seeds import torch_generator


def layer(kind: str) -> Recurrent:
    config = MetaLSTMConfig(kind=kind, hidden=7, meta=5, z=4)
    return make_lstm(6, config, torch_generator(0, "weights")).double()


def outputs(of: Recurrent) -> torch.Tensor:
    words = torch.randn(9, 6, dtype=torch.float64, generator=torch.Generator().manual_seed(1))
    index = torch.arange(8).view(2, 4)
    with torch.no_grad():
        found: torch.Tensor = of(words, index, torch.tensor([4, 3]))
    return found


@pytest.mark.parametrize("kind", ["meta-lstm", "lstm"])
def test_states_are_rounded_within_the_block_alone(kind: str) -> None:
    made = layer(kind)
    before = outputs(made)
    with states_rounded(nn.ModuleDict({"lstm": made})) as possible:
        assert possible
        inside = outputs(made)
    off = (inside - before).abs().max()
    assert 0 < float(off) < 0.05
    assert torch.equal(outputs(made), before)


def test_of_other_cells_it_is_not_possible() -> None:
    with states_rounded(nn.ModuleDict({"lstm": layer("qrnn")})) as possible:
        assert not possible
