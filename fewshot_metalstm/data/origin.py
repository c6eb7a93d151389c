"""Which files of the user's own a run's targets were read from, so that they can be read again.

A run's folder has them in ``targets.json``: for each target its files (absolute), the options that
they were read with, and the SHA-256 of each split. Targets of the catalogue need none.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from fewshot_metalstm.data.locate import is_own
from fewshot_metalstm.data.splits import is_list, listed
from fewshot_metalstm.errors import at
from fewshot_metalstm.writing import write_text

if TYPE_CHECKING:
    from fewshot_metalstm.kinds.task import Task

NAME = "targets.json"


@dataclass(frozen=True)
class Origin:
    """``source`` is a file, a folder or ``train=FILE,test=FILE``, and ``kind`` the task's kind."""

    source: str
    kind: str
    options: Mapping[str, Any]
    digests: Mapping[str, str]

    def changed(self, task: Task, split: str) -> bool:
        """Whether ``split`` of the target, read again, is another than it was."""
        return self.digests.get(split) != task.digests.get(split)


def write_origins(
    sources: Sequence[str], tasks: Sequence[Task], options: Mapping[str, Any], folder: Path
) -> None:
    """Write the file, if a source is one of the user's own, to a run's ``folder``.

    Args:
        sources: as the user named them, one for each of ``tasks``.
        options: those of the kind's reading, which JSON can hold.
    """
    origins = {
        task.name: asdict(Origin(absolute(source), task.kind, options, dict(task.digests)))
        for source, task in zip(sources, tasks, strict=True) if is_own(source)
    }  # fmt: skip
    if origins:
        write_text(json.dumps(origins, indent=2) + "\n", folder / NAME)


def read_origins(folder: Path) -> dict[str, Origin]:
    """The origins by the name of the target; none where the run has none.

    Raises:
        UserError: the file is damaged.
    """
    path = folder / NAME
    if not path.is_file():
        return {}
    try:
        stored = json.loads(path.read_text(encoding="utf-8"))
        return {
            name: Origin(
                str(each["source"]), str(each["kind"]), dict(each["options"]),
                dict(each["digests"]),
            )
            for name, each in stored.items()
        }  # fmt: skip
    except (ValueError, LookupError, TypeError, AttributeError):
        raise at(path, None, "is damaged", "remove it, and name what to look at") from None


def absolute(source: str) -> str:
    """A source that means the same in every folder."""
    if is_list(source) and not Path(source).exists():
        _, files = listed(source)
        return ",".join(f"{split}={path.absolute()}" for split, path in files.items())
    return str(Path(source).expanduser().absolute())
