"""What is on this machine of the corpora that the catalogue knows."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from fewshot_metalstm.data import digests, locate
from fewshot_metalstm.data.catalogue import CorpusEntry

READY, ABSENT, INCOMPLETE, CHANGED = "ready", "absent", "incomplete", "changed"


@dataclass(frozen=True)
class Status:
    """One corpus: ``state`` is ready, absent, incomplete or changed; ``problems`` name files."""

    name: str
    state: str
    folder: Path | None
    problems: tuple[str, ...] = ()


def status(entry: CorpusEntry, data_dir: Path | None = None) -> Status:
    """Where ``entry`` is, and whether its files are those of the catalogue (all are hashed)."""
    folder = locate.find(entry, data_dir)
    if folder is None:
        return Status(entry.name, ABSENT, None)
    missing, changed = [], []
    for file in entry.files.values():
        path = locate.stored(folder, file)
        if not path.is_file():
            missing.append(file.name)
        elif not digests.is_file_with(path, file.sha256):
            changed.append(file.name)
    if missing:
        return Status(entry.name, INCOMPLETE, folder, tuple(missing))
    if changed:
        return Status(entry.name, CHANGED, folder, tuple(changed))
    return Status(entry.name, READY, folder)
