"""What of a run's history is drawn."""

from __future__ import annotations

import json
import math
from pathlib import Path

from fewshot_metalstm.tracking.meta_training import joint_history


def test_the_loss_of_joint_training_in_stretches(tmp_path: Path) -> None:
    losses: list[float | None] = [4.0, 2.0, None, 3.0, None, None, 1.0]
    entries = [{"phase": "joint", "step": i + 1, "loss": x} for i, x in enumerate(losses)]
    lines = [*entries, {"phase": "validation", "step": 0, "f1": 50.0}]
    (tmp_path / "history.jsonl").write_text("".join(json.dumps(e) + "\n" for e in lines))
    rows = joint_history(tmp_path, points=4)
    assert [row["step"] for row in rows] == [2, 4, 6, 7]
    means = [row["loss_joint"] for row in rows]
    assert means[:2] == [3.0, 3.0]
    assert math.isnan(means[2])
    assert means[3] == 1.0
    assert [row["step"] for row in joint_history(tmp_path)] == [1, 2, 3, 4, 5, 6, 7]
    (tmp_path / "history.jsonl").write_text("")
    assert joint_history(tmp_path) == []
