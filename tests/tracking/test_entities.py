"""Our values in MLflow's terms."""

from __future__ import annotations

import math
from pathlib import Path

import pytest

from fewshot_metalstm.tracking.entities import clean_key, flatten, metric_value


def test_clean_key_keeps_what_is_allowed_and_replaces_the_rest() -> None:
    assert clean_key("f1/Species-2.x y:z") == "f1/Species-2.x y:z"
    assert clean_key("größe(%)") == "gr_e_"
    assert clean_key("β") == "_"


@pytest.mark.parametrize("name", ["", "..", "x" * 251])
def test_clean_key_refuses_what_no_key_can_be(name: str) -> None:
    with pytest.raises(ValueError, match="not a name"):
        clean_key(name)


def test_infinities_become_nan_and_numbers_stay() -> None:
    assert metric_value(1.5) == 1.5
    assert metric_value(3) == 3.0
    assert math.isnan(metric_value(math.inf))
    assert math.isnan(metric_value(-math.inf))
    assert math.isnan(metric_value(math.nan))


def test_flatten() -> None:
    params = {"a": {"b": 1, "c": {"d": None}}, "e": [1, "x"], "f": Path("/x"), "g": True, "h": {}}
    assert flatten(params) == {
        "a.b": "1",
        "a.c.d": "None",
        "e": '[1, "x"]',
        "f": "/x",
        "g": "True",
    }
