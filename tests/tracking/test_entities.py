"""Our values in MLflow's terms."""

from __future__ import annotations

import math
from pathlib import Path

import pytest

from fewshot_metalstm.tracking.entities import MetricKeys, clean_key, flatten, metric_value


def test_clean_key_keeps_what_is_allowed_and_replaces_the_rest() -> None:
    assert clean_key("f1/Species-2.x y:z") == "f1/Species-2.x y:z"
    assert clean_key("größe(%)") == "gr_e_"
    assert clean_key("β") == "_"


@pytest.mark.parametrize("name", ["", "..", "x" * 251])
def test_clean_key_refuses_what_no_key_can_be(name: str) -> None:
    with pytest.raises(ValueError, match="not a name"):
        clean_key(name)


def test_names_that_clean_to_one_key_have_keys_of_their_own() -> None:
    keys, again = MetricKeys(), MetricKeys()
    names = ["devel_f1/größe", "devel_f1/grüße", "devel_f1/gr_e", "β", "δ", "x" * 250, "plain"]
    found = [keys[name] for name in names]
    assert len(set(found)) == len(names)
    assert found[0] == "devel_f1/gr_e"  # the first as ever, whatever comes later
    assert found[1].startswith("devel_f1/gr_e_")
    assert found[-2:] == names[-2:]
    assert [clean_key(key) for key in found] == found  # MLflow takes them
    assert [keys[name] for name in reversed(names)] == found[::-1]
    assert [again[name] for name in names] == found
    long = MetricKeys()
    assert {len(long["x" * 249 + letter]) for letter in "βδ"} == {250}


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
