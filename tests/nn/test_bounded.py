"""Modules whose sizes come from a file: refused before memory is taken."""

from __future__ import annotations

import pytest
import torch

from fewshot_metalstm.nn.bounded import Bounded


def test_sizes_are_bounded_in_every_spelling() -> None:
    with Bounded(100):
        assert torch.zeros(10, 10).shape == (10, 10)
        assert torch.randn((4, 5), generator=torch.Generator()).reshape(-1, 2).shape == (10, 2)
        assert torch.nn.Linear(9, 11).weight.shape == (11, 9)
        for make in (
            lambda: torch.zeros(10, 11),
            lambda: torch.empty((10, 11)),
            lambda: torch.randn(size=(10, 11)),
            lambda: torch.zeros(1).repeat(101),
            lambda: torch.nn.Linear(10, 11),
            lambda: torch.full(torch.Size([2, 51]), 0.5),
        ):
            with pytest.raises(ValueError, match="more than 100 numbers"):
                make()
    assert torch.zeros(1000).shape == (1000,)
