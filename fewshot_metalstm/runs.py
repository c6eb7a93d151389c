"""Where runs are written and found when the user names no folder."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from fewshot_metalstm.errors import UserError

RUNS = Path("runs")


def fresh(name: str, folder: Path = RUNS) -> Path:
    """A folder for a new run: ``runs/name``, or ``runs/name-2`` and so on if that is taken."""
    number = 1
    while True:
        path = folder / (name if number == 1 else f"{name}-{number}")
        if not path.exists() or (path.is_dir() and not any(path.iterdir())):
            return path
        number += 1


def latest(name: str, folder: Path = RUNS) -> Path:
    """The folder that :func:`fresh` gave last for ``name``, or ``runs/name`` if it gave none."""
    last, number = folder / name, 2
    while (folder / f"{name}-{number}").is_dir():
        last = folder / f"{name}-{number}"
        number += 1
    return last


def claim(output: Path, what: str) -> None:
    """Make sure that ``output``, named by the user, can take a new run.

    Raises :class:`UserError` if it holds anything.
    """
    if output.is_file():
        raise UserError(f"{output}: is a file; name a folder for {what}")
    if output.is_dir() and any(output.iterdir()):
        raise UserError(f"{output}: holds a run already; name another folder, or remove it")


def model_folder(path: Path, inner: str) -> Path:
    """The model's folder for a path that is it, or that is the run which holds it as ``inner``."""
    return path / inner if (path / inner / "config.json").is_file() else path


def newest_checkpoint(compatible: Callable[[Path], bool], folder: Path = RUNS) -> Path:
    """The checkpoint below ``folder`` that was written last and is compatible.

    Raises :class:`UserError` if there is none.
    """
    # The demo keeps its meta-training one folder deeper than meta-train does.
    places = ("*/checkpoint/config.json", "*/*/checkpoint/config.json")
    every = (file for place in places for file in folder.glob(place))
    found = sorted(every, key=lambda file: file.stat().st_mtime, reverse=True)
    for config in found:
        if compatible(config.parent):
            return config.parent
    seen = f" ({len(found)} there, none compatible)" if found else ""
    raise UserError(
        f"no checkpoint in {folder}{seen}; run `fewshot-metalstm meta-train --tasks bionlp` "
        "first or name one with --checkpoint"
    )
