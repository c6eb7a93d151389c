"""Dropout from explicit generators."""

from __future__ import annotations

import pytest
import torch

from fewshot_metalstm.nn.noise import locked
from fewshot_metalstm.seeds import torch_generator


def test_a_locked_mask_is_the_same_along_a_row() -> None:
    found = locked(torch.ones(3, 50, 40), 0.25, torch_generator(0, "mask"))
    assert (found == found[:, :1]).all()
    assert not (found[0] == found[1]).all()
    assert sorted(set(found.flatten().tolist())) == pytest.approx([0.0, 4 / 3])
