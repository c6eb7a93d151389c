"""Layers that are partly shared and partly a task's own: their equations, and what is whose."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor

from fewshot_metalstm.errors import UserError
from fewshot_metalstm.nn.cell_config import MetaLSTMConfig
from fewshot_metalstm.nn.plain_lstm import parameters_of
from fewshot_metalstm.nn.shared_private import SharedPrivate, make_layer
from fewshot_metalstm.nn.sharing import check_sharing

CONFIG = MetaLSTMConfig(hidden=4, match=False)
LENGTHS = torch.tensor([4, 2, 3])
ARRANGEMENTS = pytest.mark.parametrize("sharing", ["stacked", "parallel"])


def made(sharing: str, config: MetaLSTMConfig = CONFIG, inputs: int = 3) -> SharedPrivate:
    layer = make_layer(inputs, config, sharing, torch.Generator().manual_seed(1)).double()
    assert isinstance(layer, SharedPrivate)
    return layer


def sentences() -> tuple[Tensor, Tensor]:
    generator = torch.Generator().manual_seed(2)
    words = torch.randn(5, 3, generator=generator, dtype=torch.float64)
    return words, torch.randint(5, (3, 4), generator=generator)


def lstm(x: Tensor, wx: Tensor, wh: Tensor, b: Tensor) -> Tensor:
    """An LSTM over one sentence (T, inputs) step by step, written out."""
    h = c = x.new_zeros(wh.shape[0])
    states = []
    for step in x:
        n, o, i, f = (step @ wx + h @ wh + b.squeeze(0)).chunk(4)
        c = n.tanh() * i.sigmoid() + c * f.sigmoid()
        h = o.sigmoid() * c.tanh()
        states.append(h)
    return torch.stack(states)


def both(x: Tensor, wx: Tensor, wh: Tensor, b: Tensor) -> tuple[Tensor, Tensor]:
    """The states of both directions, (T, h) each, in the order of the words."""
    return lstm(x, wx[0], wh[0], b[0]), lstm(x.flip(0), wx[1], wh[1], b[1]).flip(0)


@ARRANGEMENTS
def test_the_layer_is_its_equations(sharing: str) -> None:
    layer = made(sharing)
    words, index = sentences()
    found = layer(words, index, LENGTHS)
    shared = (layer.meta_wx, layer.meta_wh, layer.meta_b)
    own = (layer.basic_wx, layer.basic_wh, layer.basic_b)
    for row, length in enumerate(LENGTHS.tolist()):
        x = words[index[row, :length]]
        ahead, back = both(x, *shared)
        if sharing == "stacked":
            wanted = torch.cat(both(torch.cat([x, ahead, back], 1), *own), 1)
        else:
            own_ahead, own_back = both(x, *own)
            wanted = torch.cat([ahead, own_ahead, back, own_back], 1)
        torch.testing.assert_close(found[row, :length], wanted)
        assert not found[row, length:].any()
    assert found.shape[2] == layer.outputs == 8


@ARRANGEMENTS
def test_padding_does_not_leak_and_plain_is_the_same(sharing: str) -> None:
    layer = made(sharing)
    words, index = sentences()
    found = layer(words, index, LENGTHS)
    words = torch.cat([words, torch.full((1, 3), torch.nan, dtype=torch.float64)])
    index = torch.where(torch.arange(4) < LENGTHS.unsqueeze(1), index, 5)
    assert torch.equal(layer(words, index, LENGTHS), found)
    layer.plain = True
    torch.testing.assert_close(layer(words, index, LENGTHS), found)


@ARRANGEMENTS
def test_gradients_reach_both_parts(sharing: str) -> None:
    layer = made(sharing)
    words, index = sentences()
    weights = dict(layer.named_parameters())

    def outputs(*values: Tensor) -> Tensor:
        named = dict(zip(weights, values, strict=True))
        result: Tensor = torch.func.functional_call(layer, named, (words, index, LENGTHS))
        return result[:, :, ::3]

    assert torch.autograd.gradcheck(outputs, tuple(weights.values()), fast_mode=True)
    for value in torch.autograd.grad(outputs(*weights.values()).sum(), list(weights.values())):
        assert value.any()


@ARRANGEMENTS
def test_it_is_matched_to_the_size_of_the_meta_lstm(sharing: str) -> None:
    config = MetaLSTMConfig(hidden=40, meta=10, z=12)
    layer = made(sharing, config, inputs=20)
    size = sum(value.numel() for value in layer.parameters())
    assert size == pytest.approx(parameters_of(20, config), rel=0.05)
    assert size == layer.size(20, layer.hidden, config)
    assert layer.outputs == layer(torch.zeros(1, 20).double(), torch.zeros(1, 1, dtype=torch.int64),
                                  torch.ones(1, dtype=torch.int64)).shape[2]  # fmt: skip


@pytest.mark.parametrize(
    ("sharing", "cell", "problem"),
    [
        ("function", "lstm", "--sharing function: the cell lstm has no part that makes another's"),
        ("stacked", "qrnn", "--sharing stacked is made of two plain LSTMs; leave tagger.lstm.kind"),
    ],
)
def test_what_cannot_be_shared_so_is_refused(sharing: str, cell: str, problem: str) -> None:
    with pytest.raises(UserError, match=problem):
        check_sharing(sharing, MetaLSTMConfig(kind=cell), "tagger")
    check_sharing(sharing, MetaLSTMConfig(), "tagger")


def test_a_text_has_no_sentinels() -> None:
    with pytest.raises(UserError, match="a text has one label; use function, stacked, parallel"):
        check_sharing("sentinel", MetaLSTMConfig(), "classifier", sentences=False)
