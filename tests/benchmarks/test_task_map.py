"""What is measured beside a task map, and how it is shown."""

from __future__ import annotations

from pathlib import Path

import pytest

from benchmarks import task_map
from benchmarks.task_map import Measured
from fewshot_metalstm.kinds.tagging.adapt.transfer_order import read_measured


def test_heads_are_taken_from_the_whole_ranking() -> None:
    ranking = [9, 3, 7, 1, 5]
    assert task_map.spread(ranking, 3) == [9, 7, 5]
    assert task_map.spread(ranking, 12) == ranking
    assert task_map.spread(ranking, 1) == [9]


def test_the_table_is_read_as_measured_transfer_and_shown_by_draw(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    found = [
        Measured("t", 10, draw, f"s/{i}", 1.0 + i, 50.0 - i, f1)
        for draw, figures in enumerate(([60.0, 50.0, 40.0, 30.0], [30.0, 40.0, 50.0, 60.0]))
        for i, f1 in enumerate(figures)
    ]
    task_map.write(found, tmp_path / "m.csv")
    means, others = read_measured(tmp_path / "m.csv", 10, 1)
    assert (means["t"], others) == ({"s/0": 30.0, "s/1": 40.0, "s/2": 50.0, "s/3": 60.0}, 4)
    task_map.show(found)
    first, second = capsys.readouterr().out.splitlines()[2:]
    assert first == "| t | 0 | 4 | +1.00 | +1.00 | +1.00 | 60.0 | 60.0 | 30.0 | 45.0 |"
    assert second == "| t | 1 | 4 | +1.00 | -1.00 | -1.00 | 30.0 | 60.0 | 30.0 | 45.0 |"
