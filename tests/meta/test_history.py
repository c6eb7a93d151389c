"""The file of what every step reported."""

from __future__ import annotations

import json
import math
from pathlib import Path

import pytest

from fewshot_metalstm.errors import UserError
from fewshot_metalstm.meta.history import History


def test_lines_are_added_counted_and_cut(tmp_path: Path) -> None:
    history = History(tmp_path / "history.jsonl")
    history.begin()
    for step in range(3):
        history.add({"step": step, "loss": math.nan if step == 1 else 0.5})
    assert history.lines() == 3
    history.cut({"lines": 2})
    entries = [json.loads(line) for line in history.path.read_text().splitlines()]
    assert entries == [{"step": 0, "loss": 0.5}, {"step": 1, "loss": None}]
    history.add({"step": 2})
    assert history.lines() == 3
    history.begin()
    assert history.lines() == 0


def test_a_cut_holds_it_to_what_was_marked(tmp_path: Path) -> None:
    history = History(tmp_path / "history.jsonl")
    history.begin()
    for step in range(3):
        history.add({"step": step})
    mark = history.mark()
    history.add({"step": 3})
    whole = history.path.read_bytes()
    history.cut(mark)
    assert history.mark() == mark
    older = {"lines": mark["lines"]}
    for damaged, faults in (
        (whole.replace(b"2", b"5"), ("is damaged or was changed", None)),
        (whole.replace(b"{", b"\xff", 1), ("is damaged or was changed", ":1: is damaged")),
        (whole[:20], ("is damaged or was changed", "is damaged or was changed")),
    ):
        for state, fault in zip((mark, older), faults, strict=True):
            history.path.write_bytes(damaged)
            if fault is None:  # a version before there were digests cannot tell
                history.cut(state)
                continue
            with pytest.raises(UserError, match=fault) as refused:
                history.cut(state)
            assert "\n" not in str(refused.value)
            assert history.path.read_bytes() == damaged
    history.path.unlink()
    with pytest.raises(UserError, match="is damaged or was changed"):
        history.cut(mark)
