"""The Meta-LSTM with its tangent against the plain layer and its derivatives."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor

from fewshot_metalstm.nn.cell_config import MetaLSTMConfig
from fewshot_metalstm.nn.layer import Layout, Weights, layer_plain
from fewshot_metalstm.nn.metalstm import MetaLSTM
from fewshot_metalstm.nn.recurrent import packed
from fewshot_metalstm.nn.tangent import Basic, Places, layer_with_tangent

INPUTS, WORDS = 5, 7
LENGTHS = (torch.tensor([4, 1, 3]), torch.tensor([4, 1, 3]).flip(0))


def layouts() -> tuple[list[Layout], Places]:
    generator = torch.Generator().manual_seed(2)
    single = []
    for lengths in LENGTHS:
        sentence, ahead, back, sizes = packed(lengths, 4)
        position = torch.stack([ahead, back], 1) + 4 * sentence.unsqueeze(1)
        index = torch.randint(WORDS, (3, 4), generator=generator)
        places = 2 * position + torch.arange(2)
        single.append(Layout(index.flatten()[position], places, sizes, 3, 4))
    together = Places(
        torch.stack([x.rows for x in single]), torch.stack([x.places for x in single]),
        single[0].sizes, 3, 4,
    )  # fmt: skip
    return single, together


@pytest.mark.parametrize("static", [True, False])
@pytest.mark.parametrize("offset", [0.0, 1.0])
def test_outputs_tangents_and_second_derivatives(static: bool, offset: float) -> None:
    config = MetaLSTMConfig(hidden=4, meta=2, z=3, static=static, offset=offset)
    generator = torch.Generator().manual_seed(1)
    models = [MetaLSTM(INPUTS, config, generator).double() for _ in LENGTHS]
    single, together = layouts()

    def normal(*shape: int) -> Tensor:
        return torch.randn(*shape, generator=generator, dtype=torch.float64)

    words = normal(2, WORDS, INPUTS).requires_grad_()
    weights = Weights(
        *(torch.stack(w).detach() for w in zip(*(m.weights() for m in models), strict=True))
    )
    leaves = [w for w in weights if w.numel()]
    for leaf in leaves:
        leaf.requires_grad_()
    own = weights[5:]
    along = Basic(*(normal(*w.shape) for w in own))
    factors = normal(2, 3, 4, 8), normal(2, 3, 4, 8)

    out, tangent = layer_with_tangent(words, weights, along, together, offset)
    found = torch.autograd.grad(
        (out * factors[0]).sum() + (tangent * factors[1]).sum(), [words, *leaves]
    )

    def plain(task: int, *basic: Tensor) -> Tensor:
        shared = [w[task] for w in weights[:5]]
        return layer_plain(words[task], Weights(*shared, *basic), single[task], offset)

    pairs = [
        torch.autograd.functional.jvp(  # type: ignore[no-untyped-call]
            lambda *basic, task=task: plain(task, *basic),
            tuple(w[task] for w in own), tuple(d[task] for d in along), create_graph=True,
        )
        for task in (0, 1)
    ]  # fmt: skip
    for task, (value, slope) in enumerate(pairs):
        torch.testing.assert_close(out[task], value, rtol=1e-10, atol=1e-12)
        torch.testing.assert_close(tangent[task], slope, rtol=1e-10, atol=1e-12)
    total = sum(
        (value * factors[0][task]).sum() + (slope * factors[1][task]).sum()
        for task, (value, slope) in enumerate(pairs)
    )
    wanted = torch.autograd.grad(total, [words, *leaves])
    for ours, theirs in zip(found, wanted, strict=True):
        torch.testing.assert_close(ours, theirs, rtol=1e-9, atol=1e-11)
