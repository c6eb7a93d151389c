"""The plain LSTM against torch's, its forms against each other, and its size."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
import torch
from torch import Tensor
from torch.func import functional_call

from fewshot_metalstm.errors import UserError
from fewshot_metalstm.nn import jit, layer
from fewshot_metalstm.nn.cell_config import MetaLSTMConfig
from fewshot_metalstm.nn.metalstm import MetaLSTM
from fewshot_metalstm.nn.plain_lstm import (
    PlainLSTM,
    matched,
    parameters_of,
    plain_parameters,
)
from fewshot_metalstm.nn.recurrent import make_lstm

INPUTS = 5
RAGGED = (4, 7, 1, 7, 2)
CONFIG = MetaLSTMConfig(kind="plain", hidden=4, meta=3, z=2)
FORMS = ("plain", "by_hand", "fused")


def make(form: str = "", **changes: Any) -> PlainLSTM:
    """A small one with no weight at zero; ``form`` says how it runs."""
    generator = torch.Generator().manual_seed(0)
    model = make_lstm(INPUTS, replace(CONFIG, **changes), generator).double()
    assert isinstance(model, PlainLSTM)
    with torch.no_grad():
        for value in model.parameters():
            value.add_(torch.randn(value.shape, generator=generator), alpha=0.3)
    model.plain = form == "plain"
    if form == "by_hand":
        model.form = layer.layer_by_hand
    if form == "fused":
        if not jit.available():
            pytest.skip("numba is not installed")
        from fewshot_metalstm.nn.fused import layer_fused

        model.form = layer_fused
    return model


def make_batch(padding: int = 0) -> tuple[Tensor, Tensor, Tensor]:
    """Features of 6 words, which word stands where, and lengths."""
    generator = torch.Generator().manual_seed(7)
    words = torch.randn(6, INPUTS, generator=generator, dtype=torch.float64)
    index = torch.randint(0, 6, (len(RAGGED), max(RAGGED) + padding), generator=generator)
    return words.requires_grad_(), index, torch.tensor(RAGGED)


def gradients(model: PlainLSTM, words: Tensor, output: Tensor) -> list[Tensor]:
    """Of a weighted sum of the outputs: by the words, then by the parameters."""
    weight = torch.linspace(-1, 2, output.numel(), dtype=output.dtype).view_as(output)
    return list(torch.autograd.grad((output * weight).sum(), [words, *model.parameters()]))


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("match", [True, False])
def test_it_is_torchs_lstm_one_sentence_at_a_time(form: str, match: bool) -> None:
    model = make(form, match=match)
    other = model.as_torch()
    words, index, lengths = make_batch(padding=2)
    output = model(words, index, lengths)
    assert output.shape == (*index.shape, model.outputs)
    for row, length in enumerate(RAGGED):
        alone, _ = other(words[index[row : row + 1, :length]])
        torch.testing.assert_close(output[row, :length], alone[0])
        assert not output[row, length:].any()


@pytest.mark.parametrize("form", FORMS[1:])
def test_gradients_are_those_of_the_plain_form(form: str) -> None:
    words, index, lengths = make_batch()
    model, reference = make(form), make("plain")
    found = gradients(model, words, model(words, index, lengths))
    wanted = gradients(reference, words, reference(words, index, lengths))
    assert len(found) == 4
    for one, other in zip(found, wanted, strict=True):
        torch.testing.assert_close(one, other)


@pytest.mark.parametrize("form", FORMS)
def test_what_stands_in_the_padding_changes_nothing(form: str) -> None:
    model = make(form)
    words, index, lengths = make_batch(padding=3)
    other = index.clone()
    for row, length in enumerate(RAGGED):
        other[row, length:] = (other[row, length:] + 1) % len(words)
    one, two = model(words, index, lengths), model(words, other, lengths)
    torch.testing.assert_close(one, two, rtol=0, atol=0)
    pairs = zip(gradients(model, words, one), gradients(model, words, two), strict=True)
    for first, second in pairs:
        torch.testing.assert_close(first, second, rtol=0, atol=0)


@pytest.mark.parametrize("form", FORMS)
@pytest.mark.parametrize("order", [1, 2])
def test_gradients_equal_finite_differences(form: str, order: int) -> None:
    model = make(form, match=False, hidden=2)
    words, index, lengths = make_batch()
    names = list(dict(model.named_parameters()))

    def run(words: Tensor, *values: Tensor) -> Tensor:
        output: Tensor = functional_call(
            model, dict(zip(names, values, strict=True)), (words, index[:3], lengths[:3])
        )
        return output

    check = torch.autograd.gradcheck if order == 1 else torch.autograd.gradgradcheck
    assert check(run, (words, *model.parameters()), fast_mode=True)


@pytest.mark.parametrize("static", [True, False])
@pytest.mark.parametrize("sizes", [(1, 1, 1), (4, 3, 2), (100, 40, 60), (50, 20, 30)])
@pytest.mark.parametrize("inputs", [3, 160])
def test_it_is_as_large_as_the_generated_one(
    static: bool, sizes: tuple[int, int, int], inputs: int
) -> None:
    hidden, meta, z = sizes
    config = MetaLSTMConfig(hidden=hidden, meta=meta, z=z, static=static)
    generator = torch.Generator().manual_seed(0)

    def size(kind: str, **changes: Any) -> int:
        model = make_lstm(inputs, replace(config, kind=kind, **changes), generator)
        return sum(value.numel() for value in model.parameters())

    wanted, found = size("generated"), size("plain")
    assert parameters_of(inputs, config) == wanted
    own = matched(inputs, config)
    assert plain_parameters(inputs, own) == found
    others = [size("plain", match=False, hidden=k) for k in (own - 1, own + 1) if k > 0]
    assert abs(found - wanted) <= min(abs(other - wanted) for other in others)
    if sizes[0] == 100 and inputs == 160:
        assert abs(found - wanted) < 0.005 * wanted


def test_its_start_is_that_of_the_static_term() -> None:
    config = MetaLSTMConfig(kind="plain", match=False, hidden=60, scale_static=0.7, forget_bias=2.0)
    model = PlainLSTM(90, config, torch.Generator().manual_seed(0))
    assert {name for name, _ in model.named_parameters()} == {"basic_wx", "basic_wh", "basic_b"}
    for weight in (model.basic_wx, model.basic_wh):
        assert float(weight.detach().std()) == pytest.approx(0.7 * 150**-0.5, rel=0.03)
    assert torch.equal(model.basic_b[..., :180], torch.zeros(2, 1, 180))
    assert torch.equal(model.basic_b[..., 180:], torch.full((2, 1, 60), 2.0))


def test_an_unknown_kind_is_one_line() -> None:
    config = MetaLSTMConfig(kind="gru")
    with pytest.raises(UserError, match="'gru' is unknown; use meta-lstm, lstm, "):
        make_lstm(3, config, torch.Generator())
    assert isinstance(make_lstm(3, MetaLSTMConfig(), torch.Generator()), MetaLSTM)


def test_it_runs_on_the_accelerator() -> None:
    if not torch.cuda.is_available():
        pytest.skip("no CUDA device here")
    model = make()
    words, index, lengths = make_batch()
    expected = gradients(model, words, model(words, index, lengths))
    model.cuda()
    there = words.detach().cuda().requires_grad_()
    found = gradients(model, there, model(there, index.cuda(), lengths.cuda()))
    for one, other in zip(found, expected, strict=True):
        torch.testing.assert_close(one.cpu(), other)
