"""The grid of a sweep."""

from __future__ import annotations

import pytest

from fewshot_metalstm.errors import UserError
from fewshot_metalstm.sweep.grid import Key, SweepConfig, grid, names, numbers


def test_every_combination_once_in_order() -> None:
    config = SweepConfig(targets=("a",), shots=(10, 50), methods=("scratch", "meta"), draws=(0, 2))
    cells = grid(config, ("x", "y"))
    assert len(cells) == len(set(cells)) == 16
    assert cells[:3] == (
        Key("x", 10, "scratch", 0), Key("x", 10, "scratch", 2), Key("x", 10, "meta", 0),
    )  # fmt: skip
    assert len({key.name for key in cells}) == 16
    assert Key("a/b", 5, "meta", 1).name == "a_b-5-meta-1"


def test_numbers_and_names() -> None:
    assert numbers("0-2, 7,1", "--draws") == (0, 1, 2, 7)
    assert names("a, b,a", "--targets") == ("a", "b")
    for text in ("", "x", "3-1", "1-", "-1", "0-99999"):
        with pytest.raises(UserError, match=r"--draws .*write for example"):
            numbers(text, "--draws")
    with pytest.raises(UserError, match="names nothing"):
        names(" ,", "--targets")
    with pytest.raises(UserError, match="method 'anil' is unknown; use meta, scratch"):
        grid(SweepConfig(targets=("a",), shots=(1,), methods=("anil",)), ("a",))
