"""The files of a sweep: one JSON file a finished cell, with the settings that it came from.

A file holds everything that the result is a function of. Before anything runs, the files that
are there are compared with what the sweep would do now, so that no figure of other settings gets
into a table.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from fewshot_metalstm.adapt.cell import Cell, CellResult, score_as_dict
from fewshot_metalstm.config import as_mapping
from fewshot_metalstm.data.digests import sha256
from fewshot_metalstm.declarations import DEFAULT_KIND
from fewshot_metalstm.errors import at
from fewshot_metalstm.figure import Figure
from fewshot_metalstm.jobs.outcome import Failure
from fewshot_metalstm.kinds.kind import Kind, Task
from fewshot_metalstm.sweep.grid import Key
from fewshot_metalstm.writing import write_text

FORMAT = "fewshot-metalstm sweep cell 1"


@dataclass(frozen=True)
class PlannedCell:
    """A cell to do: where it is in the grid, the work, and all that its result depends on."""

    key: Key
    cell: Cell
    settings: Mapping[str, Any]


def settings_of(
    key: Key, cell: Cell, target: Task, checkpoint: Mapping[str, str], version: str
) -> dict[str, Any]:
    """What the result of a cell is a function of, as plain values.

    Args:
        checkpoint: SHA-256 of the files of the method's checkpoint or model, by name; none if it
            needs none.
        version: of this package.
    """
    return {
        "target": key.target, "shots": key.shots, "method": key.method, "draw": key.draw,
        **({} if target.kind == DEFAULT_KIND else {"kind": target.kind}),
        "seed": cell.seed, "tune": cell.tune, "adapt": as_mapping(cell.config),
        "types": list(target.types),
        "corpus": dict(sorted(target.digests.items())),
        "support": sha256(",".join(map(str, cell.support)).encode()),
        "checkpoint": dict(sorted(checkpoint.items())),
        "version": version,
        **cell.further_settings(),
    }  # fmt: skip


class SweepFolder:
    """The folder of a sweep; ``cells/`` has the results, ``failed/`` the last tracebacks."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def path(self, key: Key) -> Path:
        """Where the result of a cell is, or will be."""
        return self.folder / "cells" / f"{key.name}.json"

    def failure_path(self, key: Key) -> Path:
        """Where the traceback of a failed cell is kept."""
        return self.folder / "failed" / f"{key.name}.txt"

    def read(self, planned: PlannedCell, kind: Kind) -> CellResult | None:
        """The result of a cell that is finished, or None.

        Raises:
            UserError: the file is damaged, or comes from other settings.
        """
        path = self.path(planned.key)
        try:
            stored = json.loads(path.read_text(encoding="utf-8"))
        except FileNotFoundError:
            return None
        except ValueError:
            raise at(path, None, "is damaged (not JSON)", "remove it") from None
        if not isinstance(stored, dict) or stored.get("format") != FORMAT:
            raise at(path, None, "is no result of this version's sweep", "remove it")
        other = _difference(stored.get("settings"), planned.settings)
        if other is not None:
            raise at(
                path, None, f"comes from other settings ({other})",
                "remove it to have the cell done again, or name another --output",
            )  # fmt: skip
        try:
            return read_result(stored["result"], kind)
        except (LookupError, TypeError) as problem:
            raise at(path, None, f"is damaged ({problem})", "remove it") from None

    def write(
        self, planned: PlannedCell, result: CellResult, checkpoint: str, kind: Kind,
        figure: Figure | None = None,
    ) -> None:  # fmt: skip
        """Write a finished cell, whole or not at all; ``checkpoint`` is where it was.

        Which one it was, the digests in the settings say. ``figure`` is that of the target, None
        for the kind's usual one.
        """
        content = {
            "format": FORMAT,
            "settings": dict(planned.settings),
            "checkpoint": checkpoint,
            "result": _as_dict(result, kind, figure or kind.figure),
        }
        write_text(json.dumps(content, indent=1) + "\n", self.path(planned.key))
        self.failure_path(planned.key).unlink(missing_ok=True)

    def write_failure(self, key: Key, failure: Failure) -> None:
        """Keep why a cell failed."""
        write_text(f"{failure.reason}\n\n{failure.detail}", self.failure_path(key))


def _as_dict(result: CellResult, kind: Kind, figure: Figure) -> dict[str, Any]:
    score = result.score
    return {
        "method": result.method, "draw": result.draw,
        "score": None if score is None else score_as_dict(score, figure),
        **result.sizes(kind.items, kind.figure),
        "seconds": result.seconds, "losses": list(result.losses), "start": dict(result.start),
        "about": dict(result.about), "choice": dict(result.choice),
    }  # fmt: skip


def read_result(stored: Mapping[str, Any], kind: Kind) -> CellResult:
    """A result from what a cell's file has of it; LookupError or TypeError if it is damaged."""
    score = stored["score"]
    return CellResult(
        stored["method"], stored["draw"], None if score is None else kind.read_score(score),
        stored[f"support_{kind.items}"], stored[f"support_{kind.figure.counted}"],
        stored["seconds"], tuple(stored["losses"]), stored.get("start", {}),
        stored.get("about", {}), stored.get("choice", {}),
    )  # fmt: skip


def _difference(stored: object, now: Mapping[str, Any], prefix: str = "") -> str | None:
    """The first setting that differs, as ``name: A there, B now``; None where all are equal."""
    if not isinstance(stored, dict):
        return f"{prefix or 'settings '}missing"
    for name in [*now, *(n for n in stored if n not in now)]:
        there, here = stored.get(name), now.get(name)
        if isinstance(here, Mapping):
            inner = _difference(there, here, f"{prefix}{name}.")
            if inner is not None:
                return inner
        elif there != here:
            return f"{prefix}{name}: {_short(there)} there, {_short(here)} now"
    return None


def _short(value: object) -> str:
    text = json.dumps(value)
    return text if len(text) <= 24 else text[:20] + "..."
