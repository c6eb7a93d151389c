"""Batch norm by the rows of each step: compiled steps beside those in plain torch."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor

from fewshot_metalstm.nn import norm_lstm
from fewshot_metalstm.nn.cell_config import MetaLSTMConfig
from fewshot_metalstm.nn.norm_lstm import STEPS, NormLSTM

INPUTS, HIDDEN = 3, 5
LENGTHS = (2, STEPS + 3, 1, 4, 7)


def layer(drops: float = 0.0) -> NormLSTM:
    """One of double precision, none of whose weights is at zero."""
    config = MetaLSTMConfig(
        "norm-lstm", match=False, hidden=HIDDEN, norm="batch", recurrent_dropout=drops
    )
    generator = torch.Generator().manual_seed(1)
    made = NormLSTM(INPUTS, config, generator).double()
    with torch.no_grad():
        for name, value in made.named_parameters():
            moved = 0.3 * torch.randn(value.shape, generator=generator, dtype=torch.float64)
            value.add_(moved.abs() if name == "stats_variance" else moved)
    return made


def read(made: NormLSTM, second: bool) -> tuple[Tensor, list[Tensor], list[Tensor]]:
    """Outputs in training, gradients of a weighted sum of them, and those of the gradients."""
    generator = torch.Generator().manual_seed(2)
    words = torch.randn(9, INPUTS, generator=generator, dtype=torch.float64).requires_grad_()
    index = torch.randint(0, 9, (len(LENGTHS), max(LENGTHS)), generator=generator)
    noise = torch.Generator().manual_seed(3)
    out = made(words, index, torch.tensor(LENGTHS), noise)
    weight = torch.linspace(-1, 2, out.numel(), dtype=out.dtype).view_as(out)
    wanted = [words, *(p for n, p in made.named_parameters() if n.startswith("basic_"))]
    first = torch.autograd.grad((out * weight).sum(), wanted, create_graph=second)
    further: tuple[Tensor, ...] = ()
    if second:
        further = torch.autograd.grad([g.square().sum() for g in first], wanted)
    return out.detach(), [g.detach() for g in first], list(further)


@pytest.mark.parametrize("second", [False, True])
@pytest.mark.parametrize("drops", [0.0, 0.3])
def test_compiled_steps_are_those_of_torch(
    drops: float, second: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    pytest.importorskip("numba")
    ours, theirs = layer(drops), layer(drops)
    before = ours.stats_mean.detach().clone()
    found = read(ours, second)
    monkeypatch.setattr(norm_lstm, "compiled_for", lambda _: False)
    wanted = read(theirs, second)
    torch.testing.assert_close(found[0], wanted[0], rtol=1e-10, atol=1e-12)
    for mine, other in zip(found[1] + found[2], wanted[1] + wanted[2], strict=True):
        torch.testing.assert_close(mine, other, rtol=1e-7, atol=1e-9)
    for name in ("stats_mean", "stats_variance"):
        mine, other = (getattr(each, name).detach() for each in (ours, theirs))
        torch.testing.assert_close(mine, other, rtol=1e-10, atol=1e-12)
    assert not torch.equal(ours.stats_mean, before)
    of_state = slice(4 * HIDDEN, 8 * HIDDEN)
    assert torch.equal(ours.stats_mean[0, ..., of_state], before[0, ..., of_state])


def test_gradients_against_finite_differences() -> None:
    made = layer()
    words = torch.randn(4, INPUTS, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
    index, lengths = torch.tensor([[0, 1, 2], [3, 0, 0], [2, 1, 0]]), torch.tensor([3, 1, 2])
    noise = torch.Generator().manual_seed(0)

    def outputs(given: Tensor, wh: Tensor, gain: Tensor) -> Tensor:
        params = {"basic_wh": wh, "basic_gain": gain}
        out: Tensor = torch.func.functional_call(
            made, params, (given, index, lengths, noise), strict=False
        )
        return out

    given = (words.requires_grad_(), made.basic_wh, made.basic_gain)
    assert torch.autograd.gradcheck(outputs, given)
