"""Examples that a program holds: what is refused, in one line."""

from __future__ import annotations

from typing import Any

import pytest

from fewshot_metalstm.errors import UserError
from fewshot_metalstm.kinds.tagging.adapt.examples import task_of

GOOD = (["Mice", "ran"], ["S-X", "O"])


@pytest.mark.parametrize(
    ("example", "says"),
    [
        (([], []), "has no token; leave it out"),
        ((["Mice"], 3), "3 is no list; give "),
        (("Mice ran", None), "None is no list; give "),
        ((3, ["O"]), "3 is no list; give "),
    ],
)
def test_what_is_no_example_is_named(example: Any, says: str) -> None:
    with pytest.raises(UserError, match=f"^example 2: {says}"):
        task_of([GOOD, example])


def test_parts_may_be_anything_that_can_be_gone_through() -> None:
    example: Any = (iter(GOOD[0]), iter(GOOD[1]))
    found = task_of([example]).split("train")
    assert [(s.tokens, s.tags) for s in found] == [(("Mice", "ran"), ("S-X", "O"))]
