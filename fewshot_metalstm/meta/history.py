"""``history.jsonl`` of a run of meta-training: a JSON object a line, for each step."""

from __future__ import annotations

import hashlib
import json
import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from fewshot_metalstm.errors import at
from fewshot_metalstm.writing import beside


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
        with self.path.open("rb") as file:
            return sum(1 for _ in file)

    def mark(self) -> dict[str, Any]:
        """What a state notes of it, for :meth:`cut`: how many lines it has, and their digest."""
        content = self.path.read_bytes()
        return {"lines": content.count(b"\n"), "history_sha256": _digest(content)}

    def cut(self, mark: Mapping[str, Any]) -> None:
        """Keep the lines that there were at a :meth:`mark`, also one without a digest.

        Raises:
            UserError: they are no longer there as they were.
        """
        number = int(mark["lines"])
        try:
            found = self.path.read_bytes().splitlines(keepends=True)
        except FileNotFoundError:
            found = []
        kept = b"".join(found[:number])
        if len(found) < number or mark.get("history_sha256", _digest(kept)) != _digest(kept):
            raise at(self.path, None, "is damaged or was changed", "begin anew in another folder")
        for line, entry in enumerate(found[:number], start=1):
            try:
                json.loads(entry)
            except ValueError:
                raise at(self.path, line, "is damaged", "begin anew in another folder") from None
        with beside(self.path) as part:
            part.write_bytes(kept)


def _digest(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def _finite(value: Any) -> Any:
    return None if isinstance(value, float) and not math.isfinite(value) else value
