"""``history.jsonl`` of a run of meta-training: a JSON object a line, for each step."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from fewshot_metalstm.writing import write_text


class History:
    """The file of a run. A state that is saved tells its lines; to go on is to cut it there."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def begin(self) -> None:
        """Make it, or make it empty."""
        self.path.write_text("", encoding="utf-8")

    def add(self, entry: Mapping[str, Any]) -> None:
        """Write a line; what is not finite becomes null, for JSON has no word for it."""
        with self.path.open("a", encoding="utf-8") as file:
            file.write(json.dumps({k: _finite(v) for k, v in entry.items()}) + "\n")

    def lines(self) -> int:
        """How many it has."""
        with self.path.open(encoding="utf-8") as file:
            return sum(1 for _ in file)

    def cut(self, lines: int) -> None:
        """Keep the first ``lines``."""
        kept = self.path.read_text(encoding="utf-8").splitlines(keepends=True)[:lines]
        write_text("".join(kept), self.path)


def _finite(value: Any) -> Any:
    return None if isinstance(value, float) and not math.isfinite(value) else value
