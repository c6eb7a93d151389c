"""Meta-LSTMs side by side in one: told apart, run each for itself, with the same outputs."""

from __future__ import annotations

import pytest
import torch

from fewshot_metalstm.nn.cell_config import MetaLSTMConfig
from fewshot_metalstm.nn.metalstm import MetaLSTM
from fewshot_metalstm.nn.side_by_side import apart
from tests.nn.test_metalstm import INPUTS, RAGGED, make_batch

EACH = MetaLSTMConfig(hidden=4, meta=3, z=2)
READS = ("meta_h", "meta_g", "meta_z", "basic_qh", "basic_p", "basic_bz", "basic_wh")


def side_by_side(count: int, *, static: bool = True) -> MetaLSTM:
    """One of as many times the sizes, in which none of ``count`` reads another."""
    config = MetaLSTMConfig(hidden=4 * count, meta=3 * count, z=2 * count, static=static)
    generator = torch.Generator().manual_seed(count)
    made = MetaLSTM(INPUTS, config, generator).double()
    with torch.no_grad():
        for name, value in made.named_parameters():
            value.add_(torch.randn(value.shape, generator=generator), alpha=0.3)
            if name in READS:
                row = torch.arange(value.shape[-2]) // (value.shape[-2] // count)
                of = {"meta": 3, "basic": 4}[name.split("_")[0]]
                wide = {"meta_z": 2, "basic_qh": 2}.get(name, of)  # columns of a gate, of each
                column = torch.arange(value.shape[-1]) // wide % count
                value.mul_(row[:, None] == column)
    return made


@pytest.mark.parametrize("static", [True, False])
@pytest.mark.parametrize("count", [2, 3, 4])
def test_outputs_are_those_of_the_whole(count: int, static: bool) -> None:
    made = side_by_side(count, static=static)
    parts = apart(made.weights())
    assert len(parts) == count
    assert parts[0].meta_g.shape == (2, EACH.meta, 4 * EACH.meta)
    assert parts[0].p.shape == (2, 4, EACH.z, EACH.hidden)
    words, index, lengths = make_batch(RAGGED, padding=2)
    whole = made(words, index, lengths)
    with torch.no_grad():
        torch.testing.assert_close(made(words, index, lengths), whole, rtol=1e-10, atol=1e-12)


@pytest.mark.parametrize("name", READS)
def test_one_that_reads_another_is_run_as_a_whole(name: str) -> None:
    made = side_by_side(3)
    with torch.no_grad():
        weight = made.get_parameter(name)
        weight[1, ..., -1, 0] = 1e-3  # a state of the last, read by the first
    assert len(apart(made.weights())) == 1


def test_one_alone() -> None:
    made = MetaLSTM(INPUTS, MetaLSTMConfig(hidden=6, meta=4, z=2), torch.Generator().manual_seed(0))
    weights = made.weights()
    (part,) = apart(weights)
    assert part is weights
