"""The file of what every step told."""

from __future__ import annotations

import json
import math
from pathlib import Path

from fewshot_metalstm.meta.history import History


def test_lines_are_added_counted_and_cut(tmp_path: Path) -> None:
    history = History(tmp_path / "history.jsonl")
    history.begin()
    for step in range(3):
        history.add({"step": step, "loss": math.nan if step == 1 else 0.5})
    assert history.lines() == 3
    history.cut(2)
    told = [json.loads(line) for line in history.path.read_text().splitlines()]
    assert told == [{"step": 0, "loss": 0.5}, {"step": 1, "loss": None}]
    history.add({"step": 2})
    assert history.lines() == 3
    history.begin()
    assert history.lines() == 0
