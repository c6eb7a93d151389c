"""What characters cost, by their bytes and by their class."""

from __future__ import annotations

import math

import numpy as np
import pytest

from fewshot_metalstm.kinds.language_model.look import Spent, by_character, class_of


def test_a_character_costs_what_its_bytes_do() -> None:
    bits = np.array([1.0, 2.0, 0.5, 3.0, 1.0, 1.0, 1.0])
    found = by_character("aé😀", -bits * math.log(2))  # 1, 2 and 4 bytes
    assert found.tolist() == pytest.approx([1.0, 2.5, 6.0])


def test_classes_of_characters_and_what_each_costs_together() -> None:
    text = "In 12 m, Öl"
    assert class_of(text) == [0, 1, 3, 2, 2, 3, 0, 4, 3, 0, 1]
    spent = Spent.of(text, np.arange(11.0))
    assert spent.counts.tolist() == [3, 2, 2, 3, 1]
    assert spent.bits.tolist() == [0 + 6 + 9, 1 + 10, 3 + 4, 2 + 5 + 8, 7]
