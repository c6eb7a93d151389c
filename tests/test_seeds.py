"""Global generators are lent to a block, seeded, and given back as they were."""

from __future__ import annotations

import random

import numpy as np
import pytest
import torch

from fewshot_metalstm.seeds import global_generators


def drawn() -> tuple[float, float, float]:
    """A number of each global generator."""
    return random.random(), float(np.random.rand()), float(torch.rand(()))


def test_what_is_drawn_is_a_function_of_seed_and_keys() -> None:
    found = []
    for seed, key in ((1, "a"), (1, "a"), (2, "a"), (1, "b")):
        with global_generators(seed, key):
            found.append(drawn())
    assert found[0] == found[1]
    for place in range(3):
        assert len({numbers[place] for numbers in found}) == 3


def test_they_are_given_back_even_after_an_error() -> None:
    with global_generators(5):
        with global_generators(6):
            drawn()
        with pytest.raises(RuntimeError, match="no"), global_generators(7):
            raise RuntimeError("no")
        after = drawn()
    with global_generators(5):
        assert drawn() == after
