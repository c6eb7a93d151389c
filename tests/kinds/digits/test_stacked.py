"""Losses taken side by side are the single ones, whatever was padded."""

from __future__ import annotations

from dataclasses import replace

import pytest
import torch

from fewshot_metalstm.kinds.digits.encoding import Batch
from fewshot_metalstm.kinds.digits.settings import ReaderConfig
from fewshot_metalstm.nn.cells import CELLS
from tests.kinds.digits.builders import SMALL, reader
from tests.kinds.digits.test_learner import batch


def padded(values: list[torch.Tensor]) -> torch.Tensor:
    """Tensors of several tasks as one, padded at their ends with zeros."""
    shape = [max(v.shape[d] for v in values) for d in range(values[0].dim())]
    result = values[0].new_zeros(len(values), *shape)
    for row, value in zip(result, values, strict=True):
        row[tuple(slice(0, size) for size in value.shape)] = value
    return result


@pytest.mark.parametrize("noisy", [False, True])
@pytest.mark.parametrize("pool", ["mean", "last"])
def test_stacked_losses_are_the_single_ones(pool: str, noisy: bool) -> None:
    check_stacked(replace(SMALL, pool=pool), noisy)


@pytest.mark.parametrize("kind", ["hyper-lstm", "norm-lstm", "meta-rnn", "qrnn", "rnn"])
def test_every_cell_stacks(kind: str) -> None:
    drops = 0.4 if "recurrent_dropout" in CELLS[kind].options else 0.0
    lstm = replace(SMALL.lstm, kind=kind, match=False, recurrent_dropout=drops)
    check_stacked(replace(SMALL, lstm=lstm), noisy=True)


def check_stacked(config: ReaderConfig, noisy: bool) -> None:
    """Losses side by side are the single ones, with the same noise."""
    learner = reader(config)
    batches: list[Batch] = [batch(6, 3, 0), batch(4, 2, 1)]
    starts = [
        {n: v.detach() + 0.1 * k for n, v in learner.initial(b).items()}
        for k, b in enumerate(batches)
    ]

    def noise() -> list[torch.Generator]:
        return [torch.Generator().manual_seed(k) for k in range(2)]

    single = [
        learner.loss(s, b, g if noisy else None)
        for s, b, g in zip(starts, batches, noise(), strict=True)
    ]
    given = learner.stack(batches, noise() if noisy else None)
    params = {name: padded([s[name] for s in starts]) for name in starts[0]}
    for value in params.values():
        value.requires_grad_()
    found = learner.stacked_losses(params, given)
    torch.testing.assert_close(found, torch.stack(single))
    found.sum().backward()  # type: ignore[no-untyped-call]
    row = params["head_weight"].grad
    assert row is not None
    assert bool((row[1, 2] == 0).all())  # the class that the second task has not
